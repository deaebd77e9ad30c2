"""Windows over labelled recordings, their order, and the rows of a plan that come of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.errors import UsageError
from synth.planning.labelled import ordered, rows, windows
from synth.store import parquet
from synth.tables import LABELLED_PLAN, SOURCES

RATE, CLIP = 16000, 16000


def sources(lengths: list[int], rate: int = RATE, quiet: dict[int, slice] | None = None) -> pa.Table:
    """Return a SOURCES table of recordings of so many samples, loud throughout but for the frames ``quiet``."""
    entries = []
    for k, frames in enumerate(lengths):
        envelope = np.full(frames * RATE // rate // 320, 20, np.uint8)
        if quiet and k in quiet:
            envelope[quiet[k]] = 255
        entries.append(
            {"source_id": f"s{k}", "envelope": envelope.tobytes(), "frames": frames, "rate_hz": rate, "status": "ok"}
        )
    return pa.Table.from_pylist(entries, schema=SOURCES.schema())


def laid(lengths: list[int], which: str, **more):
    return windows(sources(lengths, **more), np.ones(len(lengths), np.bool_), RATE, CLIP, which)


@given(st.lists(st.integers(320, 100_000), min_size=1, max_size=12), st.sampled_from(["start", "all"]))
def test_windows_lie_in_their_recordings_and_nothing_is_counted_twice(lengths, which):
    found = laid(lengths, which)
    assert (found.start_n + found.length_n <= np.array(lengths)[found.source]).all()
    assert (found.length_n <= CLIP).all()
    for k, length in enumerate(lengths):
        mine = found.source == k
        wanted = max(length // CLIP, 1) if which == "all" else 1
        assert found.start_n[mine].tolist() == [CLIP * n for n in range(wanted)]
        assert (found.length_n[mine] == min(length, CLIP)).all()
    covered = int(found.length_n.sum())
    assert round(found.beyond_s * RATE) + covered == sum(lengths), "every sample is in a clip or counted"
    assert found.cut + found.padded + sum(length == CLIP for length in lengths) == len(lengths)


def test_a_window_in_which_nothing_is_heard_is_counted_and_left_out():
    found = laid([3 * CLIP], "all", quiet={0: slice(50, 100)})
    assert found.start_n.tolist() == [0, 2 * CLIP]
    assert found.silent == 1
    assert laid([3 * CLIP], "start", quiet={0: slice(0, 50)}).silent == 1


def test_the_length_at_another_rate_is_what_the_resampler_gives():
    import soxr

    for rate in (8000, 22050, 44100, 48000):
        for length in (rate, rate // 2 + 7, 3 * rate + 1):
            found = laid([length], "start", rate=rate)
            whole = len(soxr.resample(np.zeros(length, np.float32), rate, RATE, quality="HQ"))
            assert found.length_n.tolist() == [min(whole, CLIP)]


def test_the_order_mixes_recordings_and_does_not_depend_on_the_others():
    found = laid([CLIP] * 60, "start")
    ids = [f"s{k}" for k in range(60)]
    split = np.arange(60) % 3 - 1  # none, train, val
    order = ordered(found, ids, split, 0)
    assert sorted(order.tolist()) == [k for k in range(60) if split[k] >= 0]
    assert (np.diff(split[order]) >= 0).all()
    train = [k for k in order.tolist() if split[k] == 0]
    assert train != sorted(train)
    fewer = ordered(laid([CLIP] * 30, "start"), ids[:30], split[:30], 0)
    assert [k for k in train if k < 30] == [k for k in fewer.tolist() if split[k] == 0]
    assert ordered(found, ids, split, 1).tolist() != order.tolist()


def test_rows_are_of_the_contract():
    found = laid([CLIP, CLIP // 2], "start")
    labels, verified = [("a", "b"), ("c",)], [(True, False), (True,)]
    table = rows(found, np.array([1, 0]), "val", ["s0", "s1"], labels, verified)
    assert table.schema.equals(LABELLED_PLAN.schema())
    table.validate(full=True)
    first, second = table.to_pylist()
    assert (first["clip_id"], first["labels"], first["labels_mask"]) == ("val-00000000", ["c"], [True])
    assert (second["labels"], second["labels_mask"]) == (["a", "b"], [True, False])
    assert first["n_speakers"] is first["cell"] is first["level_dbfs"] is first["snr_db"] is None
    (part,) = first["parts"]
    assert (part["source_id"], part["onset_n"], part["length_n"], part["gain_q12"]) == ("s1", 0, CLIP // 2, 4096)
    assert part["active_s"] == pytest.approx(0.5)
    assert len(parquet.digest(table, LABELLED_PLAN.names)) == 64


def test_a_word_that_is_no_choice_of_windows_is_told_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'start'"):
        laid([CLIP], "strat")
