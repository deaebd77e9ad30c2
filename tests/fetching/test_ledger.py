"""What was recorded is there, wherever the writing of it was cut off."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.errors import InputError
from synth.fetching import ledger as module
from synth.fetching.items import Wanted
from synth.fetching.ledger import JOURNAL, NAME, Ledger, Row, journalled, row_of, table_of
from synth.store import parquet
from synth.tables import LEDGER

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
MAYBE = st.none() | TEXT
ROWS = st.builds(
    Row,
    item_id=st.sampled_from([f"-_{k}" for k in range(6)]),
    ytid=TEXT,
    start_s=st.floats(0, 1e5),
    end_s=st.floats(0, 1e5),
    labels=st.lists(TEXT, max_size=3).map(tuple),
    mids=st.lists(TEXT, max_size=3).map(tuple),
    subset=MAYBE,
    status=st.sampled_from(["ok", "gone", "http", "pending"]),
    permanent=st.none() | st.booleans(),
    message=MAYBE,
    attempts=st.integers(0, 1000),
    time=MAYBE,
    path=MAYBE,
    sha256=MAYBE,
    rate_hz=st.none() | st.integers(1, 192_000),
    frames=st.none() | st.integers(0, 1 << 40),
    format_id=MAYBE,
    codec=MAYBE,
    priming=MAYBE,
    adopted_from=MAYBE,
)


def stored(folder: Path) -> list[Row]:
    with Ledger(folder) as ledger:
        return list(ledger)


def last_of_each(rows: list[Row]) -> list[Row]:
    return list({row.item_id: row for row in rows}.values())


def test_a_row_has_the_columns_of_the_table():
    assert list(Row.__dataclass_fields__) == LEDGER.names


@settings(max_examples=30)
@given(st.lists(ROWS, max_size=8), st.data())
def test_a_journal_cut_at_any_byte_is_a_prefix(rows, data):
    with TemporaryDirectory() as name:
        folder = Path(name)
        ledger = Ledger(folder)
        for row in rows:
            ledger.record(row)
        journal = folder / JOURNAL
        whole = journal.read_bytes() if rows else b""
        assert journalled(journal) == rows
        ends = [k + 1 for k, byte in enumerate(whole) if byte == 10]
        for length in {data.draw(st.integers(0, len(whole))) for _ in range(4)} | {len(whole), max(len(whole) - 1, 0)}:
            journal.write_bytes(whole[:length])
            complete = rows[: sum(end <= length for end in ends)]
            assert journalled(journal) == complete
            assert stored(folder) == last_of_each(complete)  # the next run reads it, folds it, and leaves no journal
            assert not journal.exists()
            (folder / NAME).unlink(missing_ok=True)


@settings(max_examples=20)
@given(st.lists(st.lists(ROWS, max_size=5), max_size=4), st.integers(1, 4))
def test_runs_add_up_whenever_the_journal_is_folded(runs, every):
    before, module.FOLD_ROWS = module.FOLD_ROWS, every
    try:
        with TemporaryDirectory() as name:
            folder = Path(name)
            for rows in runs:
                with Ledger(folder) as ledger:
                    for row in rows:
                        ledger.record(row)
                        assert ledger[row.item_id] == row
                assert not (folder / JOURNAL).exists()
            everything = [row for rows in runs for row in rows]
            assert stored(folder) == last_of_each(everything)
            if everything:
                assert parquet.read(folder / NAME, LEDGER, "").equals(table_of(last_of_each(everything)))
    finally:
        module.FOLD_ROWS = before


def test_killed_between_the_table_and_the_end_of_the_journal(tmp_path):
    rows = [Row(f"a_{k}", "a", k, k + 1, status="ok") for k in range(5)]
    ledger = Ledger(tmp_path)
    for row in rows:
        ledger.record(row)
    journal = (tmp_path / JOURNAL).read_bytes()
    ledger.close()
    (tmp_path / JOURNAL).write_bytes(journal)  # the table was replaced, the journal not yet removed
    assert stored(tmp_path) == rows


def test_a_full_disk_costs_nothing_that_was_recorded(tmp_path):
    resource = pytest.importorskip("resource")
    rows = [Row(f"a_{k}", "a", k, k + 1, status="ok") for k in range(4)]
    ledger = Ledger(tmp_path)
    for row in rows[:3]:
        ledger.record(row)
    length = (tmp_path / JOURNAL).stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length + 40, before[1]))  # half a line still fits
    try:
        with pytest.raises(InputError, match="disk is full"):
            ledger.record(rows[3])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (tmp_path / JOURNAL).stat().st_size == length
    with pytest.raises(ValueError, match="closed"):
        ledger.record(rows[3])
    ledger.close()
    assert stored(tmp_path) == rows[:3]


def test_a_table_that_cannot_be_written_leaves_the_journal(tmp_path):
    resource = pytest.importorskip("resource")
    rows = [Row(f"a_{k}", "a", k, k + 1, status="ok") for k in range(4)]
    ledger = Ledger(tmp_path)
    for row in rows:
        ledger.record(row)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises((InputError, OSError)):
            ledger.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert journalled(tmp_path / JOURNAL) == rows
    assert stored(tmp_path) == rows


def test_a_damaged_line_amid_the_journal_is_not_passed_over(tmp_path):
    ledger = Ledger(tmp_path)
    for k in range(3):
        ledger.record(Row(f"a_{k}", "a", k, k + 1))
    lines = (tmp_path / JOURNAL).read_bytes().splitlines(keepends=True)
    (tmp_path / JOURNAL).write_bytes(lines[0] + b"\0" * 40 + b"\n" + lines[2])
    with pytest.raises(InputError, match=r"ledger\.journal, line 2 of 3"):
        Ledger(tmp_path)


def test_a_table_that_is_none(tmp_path):
    (tmp_path / NAME).write_bytes(b"PAR1 no more")
    with pytest.raises(InputError, match="not readable as Parquet"):
        Ledger(tmp_path)


def test_everything_asked_for_has_a_row_before_anything_is_asked(tmp_path):
    wanted = [Wanted("-_abc\udcffdef", 30.0, 40.0, ("Baby cry, infant cry",), ("/t/dd00002",), "eval")]
    with Ledger(tmp_path) as ledger:
        ledger.expect(wanted)
        row = pq.read_table(tmp_path / NAME).to_pylist()[0]
        assert (row["status"], row["permanent"], row["attempts"]) == ("pending", None, 0)
        assert row["item_id"] == "-_abc\\udcffdef_30000" and row["labels"] == ["Baby cry, infant cry"]
        with pytest.raises(ValueError, match="closed"):
            ledger.close()
            ledger.record(row_of(wanted[0]))


def test_rows_of_an_earlier_selection_stay(tmp_path):
    one, two = Wanted("a" * 11, 0.0, 10.0, ("Accordion",)), Wanted("b" * 11, 0.0, 10.0, ("Piano",))
    with Ledger(tmp_path) as ledger:
        ledger.record(Row(one.item_id, one.ytid, 0.0, 10.0, one.labels, status="gone", permanent=True))
    with Ledger(tmp_path) as ledger:
        assert [row.status for row in ledger.expect([two])] == ["pending"]
    assert [(row.item_id, row.status) for row in stored(tmp_path)] == [(one.item_id, "gone"), (two.item_id, "pending")]
