"""What people decide is on the disk when the page says so, stays there, and wins."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import synth
from synth.cli.main import main
from synth.errors import InputError
from synth.planning.verdicts import counting
from synth.publishing.review import journal
from synth.publishing.review.decisions import Decision
from synth.recipe import ManifestOptions
from synth.steps import review as step
from tests.publishing.reviewed import Running, human, judged, recordings


@pytest.fixture
def verdicts(tmp_path):
    return judged(recordings(tmp_path / "sounds"))


def run(*words: object):
    return CliRunner().invoke(main, ["review", *map(str, words)], prog_name="synth")


def litter(verdicts: Path) -> list[str]:
    known = {"sounds", "labels.csv", "sources.parquet", "verdicts.parquet"}
    return sorted(path.name for path in verdicts.parent.iterdir() if path.name not in known)


def test_a_killed_review_loses_no_decision(verdicts):
    """SIGKILL after each of several decisions; each further review goes on from there."""
    before = pq.read_table(verdicts)
    made = {}
    for verdict in ("keep", "wrong", "doubtful", "keep"):
        with Running(verdicts) as running:
            assert running.get("state")["decided"] == len(made)
            made[running.decide(verdict)] = verdict
            running.kill()
        assert journal.journal_of(verdicts).exists()
    with Running(verdicts) as running:
        assert running.get("state")["decided"] == 4
        done = running.interrupt()
    assert human(verdicts) == made
    assert (done["in_all"], done["recovered"], done["decided"]) == (4, 1, {})
    assert litter(verdicts) == [], "no journal, no lock, no temporary file"
    after = pq.read_table(verdicts)
    assert after.schema.metadata == before.schema.metadata
    assert after.num_rows == before.num_rows, "one row a pair"
    rest = pa.array([(row["source_id"], row["label"]) not in made for row in after.to_pylist()])
    assert after.select(before.column_names).filter(rest).equals(before.filter(rest)), "all others stay as they were"
    for heard, model in zip(after.to_pylist(), before.to_pylist(), strict=True):
        assert (heard["p_wrong"], heard["score"]) == (model["p_wrong"], model["score"])
        if heard["by"] == "human":
            assert (heard["model_verdict"], heard["model_reason"]) == (model["verdict"], model["reason"])


def test_several_decisions_in_one_review_that_is_killed(verdicts):
    with Running(verdicts) as running:
        made = {running.decide(verdict): verdict for verdict in ("wrong", "keep", "doubtful")}
        running.kill()
    assert human(verdicts) == {}, "the file itself is written at the end"
    judges = counting(journal.read(verdicts).to_pylist())
    assert {pair: judges[pair] for pair in made} == made, "whoever reads the verdicts sees them all the same"
    with Running(verdicts) as running:
        running.kill()
    assert human(verdicts) == made


def test_half_a_line_was_confirmed_to_nobody(verdicts):
    with Running(verdicts) as running:
        pair = running.decide("keep")
        running.kill()
    with journal.journal_of(verdicts).open("ab") as file:
        file.write(b'{"source_id": "sounds/03.wav", "lab')
    assert [decision.pair for decision in journal.pending(verdicts)] == [pair]
    with Running(verdicts) as running:
        running.interrupt()
    assert human(verdicts) == {pair: "keep"}


def test_a_damaged_journal_is_said_and_kept(verdicts):
    path = journal.journal_of(verdicts)
    path.write_bytes(b"nonsense\n" + json.dumps({"source_id": "a", "label": "b", "verdict": "keep"}).encode() + b"\n")
    result = run(verdicts)
    assert result.exit_code == 3
    assert "line 1" in result.output
    assert path.exists()


def test_a_crash_between_the_two_steps_of_a_fold_does_no_harm(verdicts):
    path = journal.journal_of(verdicts)
    with journal.Journal(verdicts) as stored:
        stored.append(Decision("sounds/00.wav", "cat", "keep", "worst first"))
    lines = path.read_bytes()
    assert journal.fold(verdicts) == 1
    once = verdicts.read_bytes()
    path.write_bytes(lines)
    assert journal.fold(verdicts) == 1
    assert verdicts.read_bytes() == once
    assert not path.exists()


def test_nothing_is_stored_after_the_end(verdicts):
    with journal.Journal(verdicts) as stored:
        pass
    with pytest.raises(OSError, match="ended"):
        stored.append(Decision("sounds/00.wav", "cat", "keep"))


def test_the_last_of_two_decisions_counts_and_undo_takes_back(verdicts):
    with Running(verdicts) as running:
        first = running.get("item?list=worst&at=0")
        for verdict in ("keep", "wrong"):
            running.post("decide", {"list": "worst", "row": first["row"], "verdict": verdict})
        second = running.decide("keep")
        back = running.post("undo", {})
        assert back["item"]["source_id"] == second[0]
        assert back["item"]["human"] is None
        assert running.post("undo", {})["item"]["human"] == "keep"
        done = running.interrupt()
    assert human(verdicts) == {(first["source_id"], first["label"]): "keep"}
    assert done["decided"] == {"keep": 1}


def test_an_undone_decision_stays_undone_after_a_kill(verdicts):
    with Running(verdicts) as running:
        kept = running.decide("wrong")
        running.decide("keep")
        running.post("undo", {})
        running.kill()
    with Running(verdicts) as running:
        assert running.fetch(running.address + "undo", "POST", b"{}", {"Content-Type": "application/json"})[0] == 409
        running.interrupt()
    assert human(verdicts) == {kept: "wrong"}


def test_the_second_reviewer_is_told_who_the_first_is(verdicts):
    with Running(verdicts) as running:
        pair = running.decide("wrong")
        result = run(verdicts, "--no-browser")
        assert result.exit_code == 3
        assert f"process {running.process.pid}" in result.output
        assert "synth review" in result.output
        table = verdicts.parent / "other.csv"
        table.write_text("source_id,label,verdict\nsounds/00.wav,cat,keep\n")
        assert run(verdicts, "--apply", table).exit_code == 3
        running.interrupt()
    assert human(verdicts) == {pair: "wrong"}


def test_done_on_the_page_ends_it(verdicts):
    with Running(verdicts) as running:
        running.decide("wrong")
        running.post("done", {})
        done = running.end()
    assert done["decided"] == {"wrong": 1}
    assert litter(verdicts) == []


def test_what_it_says_at_the_end(tmp_path):
    verdicts = judged(recordings(tmp_path / "sounds", clips=24))
    with Running(verdicts, "--sample", 10) as running:
        for _ in range(24):
            running.decide("keep", "random")
        running.interrupt()
    said = " ".join(" ".join(running.said).split())
    assert "Decided now: 24 (24 kept, 0 dropped, 0 doubtful)" in said
    assert "cat: of 6 rejected, 0 % are wrong (95 %: 0 to 0 %; 0 of 6 heard)" in said
    assert "All 2 classes that were heard: of 12 kept, 100 % are right" in said
    assert "Too many of the rejected clips are right: cat, dog. Run synth clean again" in said
    sources = verdicts.with_name("sources.parquet")
    assert f"Next: synth manifest {sources} --verdicts {verdicts} --min-verdict keep" in said


def test_people_win_in_the_manifest(verdicts):
    with Running(verdicts) as running:
        pair = running.decide("keep")  # the judge called it wrong
        running.kill()
    judges = counting(journal.read(verdicts).to_pylist())
    assert judges[pair] == "keep"
    done = synth.manifest(
        verdicts.with_name("sources.parquet"),
        out=verdicts.parent / "set",
        recipe=ManifestOptions(verdicts=str(verdicts), seconds=1.0, rate=16000, split="100/0/0"),
    )
    assert sum(done.rendered.clips.values()) == 7, "six that the judge kept, and one that a person did"


def test_export_and_apply_on_another_machine(verdicts, tmp_path):
    with Running(verdicts) as running:
        made = {running.decide("keep"): "keep", running.decide("doubtful", "random"): "doubtful"}
        running.kill()  # an export sees what is not yet in the file
    table = tmp_path / "decisions.csv"
    assert run(verdicts, "--export", table, "--quiet").exit_code == 0
    with table.open(newline="") as file:
        assert {(one["source_id"], one["label"]): one["verdict"] for one in csv.DictReader(file)} == made
    other = judged(recordings(tmp_path / "there" / "sounds"))
    assert run(other, "--apply", table).exit_code == 0
    assert human(other) == made
    assert step.apply(other, table) == 2, "a second time changes nothing"
    assert human(other) == made
    again = tmp_path / "again.csv"
    step.export(other, again)
    assert again.read_text() == table.read_text(), "with how each was heard, so that the estimate is the same"


def test_decisions_about_what_is_gone_are_counted_and_the_others_made(verdicts, tmp_path):
    table = tmp_path / "decisions.csv"
    table.write_text(
        "source_id,label,verdict\nsounds/00.wav,cat,keep\nsounds/99.wav,cat,wrong\nsounds/01.flac,cat,wrong\n"
    )
    result = run(verdicts, "--apply", table)
    assert result.exit_code == 4
    assert "1 of 3 decisions were put into" in result.output
    assert "2 are about labels that are not in that table" in result.output
    assert "sounds/99.wav (cat)" in result.output
    assert human(verdicts) == {("sounds/00.wav", "cat"): "keep"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("source_id,label\na,b\n", "lacks the column verdict"),
        ("source_id,label,verdict\nsounds/00.wav,cat,kep\n", "line 2, column verdict: 'kep'"),
        ("source_id,label,verdict\nsounds/00.wav,cat,keep\nsounds/00.wav,cat,wrong\n", "line 3"),
        ("", "lacks the columns"),
        (b"\xff\xfe\x00", "CSV"),
    ],
)
def test_a_csv_that_is_none(verdicts, tmp_path, text, says):
    table = tmp_path / "decisions.csv"
    table.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = run(verdicts, "--apply", table)
    assert result.exit_code == 3
    assert says in result.output
    assert human(verdicts) == {}


def test_a_clip_that_vanished_cannot_be_decided_and_is_counted(verdicts):
    with Running(verdicts) as running:
        item = running.get("item?list=worst&at=0")
        path = verdicts.parent / "sounds" / item["source_id"].split("/")[1]
        path.unlink()
        status, body, _ = running.fetch(running.address + f"audio?row={item['row']}")
        assert status == 404
        assert str(path) in body.decode()
        assert "put it back" in running.get("item?list=worst&at=0")["gone"]
        decision = json.dumps({"list": "worst", "row": item["row"], "verdict": "keep"}).encode()
        status, body, _ = running.fetch(
            running.address + "decide", "POST", decision, {"Content-Type": "application/json"}
        )
        assert status == 410
        assert "not stored" in body.decode()
        done = running.interrupt()
    assert list(done["gone"]) == [item["source_id"]]
    assert human(verdicts) == {}


def test_a_clip_that_is_damaged_is_said(verdicts):
    (verdicts.parent / "sounds" / "01.flac").write_bytes(b"fLaC")
    with Running(verdicts, "--label", "dog") as running:
        items = [running.get(f"item?list=worst&at={at}") for at in range(6)]
        row = next(item["row"] for item in items if item["source_id"] == "sounds/01.flac")
        assert running.fetch(running.address + f"picture?row={row}")[0] == 404
        assert "FLAC" in running.interrupt()["gone"]["sounds/01.flac"]


def test_only_the_classes_asked_for(verdicts):
    with Running(verdicts, "--label", "CAT") as running:
        assert running.get("state")["lists"]["worst"]["size"] == 6
        running.kill()
    result = run(verdicts, "--label", "cta")
    assert result.exit_code == 2
    assert "did you mean 'cat'?" in result.output


def test_what_is_missing_is_said_with_the_next_command(verdicts, tmp_path):
    assert "synth clean" in run(tmp_path / "none.parquet").output
    assert run(tmp_path / "none.parquet").exit_code == 3
    result = run(verdicts, "--sources", tmp_path / "none.parquet")
    assert result.exit_code == 3
    assert "--sources FILE" in result.output
    (tmp_path / "sounds").rename(tmp_path / "moved")
    result = run(verdicts)
    assert result.exit_code == 3
    assert "--root sounds=PATH" in result.output
    with Running(verdicts, "--root", f"sounds={tmp_path / 'moved'}") as running:
        assert running.fetch(running.address + "audio?row=0")[0] == 200
        running.kill()
    assert run(verdicts, "--root", f"sonds={tmp_path / 'moved'}").exit_code == 2
    assert run(verdicts, "--export", "a.csv", "--apply", "b.csv").exit_code == 2
    assert run(verdicts, "--sample", -1).exit_code == 2


def test_verdicts_of_other_sources(verdicts, tmp_path):
    other = recordings(tmp_path / "other" / "elsewhere")
    with pytest.raises(InputError, match="none of its 12 verdicts"):
        step.review(verdicts, sources=other)


def test_a_port_that_is_taken(verdicts, tmp_path):
    with Running(verdicts) as running:
        other = judged(recordings(tmp_path / "there" / "sounds"))
        result = run(other, "--port", running.port)
        running.kill()
    assert result.exit_code == 3
    assert f"--port {running.port}" in result.output


def test_path_that_leads_out_of_its_folder_is_not_read(verdicts):
    sources = verdicts.with_name("sources.parquet")
    table = pq.read_table(sources)
    paths = table.column("path").to_pylist()
    paths[0] = "../labels.csv"
    place = table.schema.get_field_index("path")
    pq.write_table(table.set_column(place, table.schema.field(place), pa.array(paths)), sources)
    with Running(verdicts) as running:
        items = [running.get(f"item?list=worst&at={at}") for at in range(12)]
        row = next(item["row"] for item in items if item["source_id"] == "sounds/00.wav")
        status, body, _ = running.fetch(running.address + f"audio?row={row}")
        running.kill()
    assert status == 404
    assert b"leads out" in body


def test_verdicts_that_are_made_anew_meanwhile_get_the_decisions(verdicts):
    with Running(verdicts) as running:
        pair = running.decide("keep")
        judged(verdicts.with_name("sources.parquet"))
        running.interrupt()
    assert human(verdicts) == {pair: "keep"}
