"""Windows, peaks and energies of the pool, against counting by hand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.audio.decibels import byte_energies, byte_peaks
from synth.audio.envelope import FAINT
from synth.audio.speech import packed
from synth.planning.pool import Pool, codes
from synth.planning.windows import Windows
from synth.seeds import draw, key
from synth.tables import NOISE, SOURCES
from tests.planning.made import RATE, planner, sources

BYTES = st.lists(st.sampled_from([20, 40, 60, 70, 90, 100, 120, 150, 151, 180, 181, 255]), max_size=30)


def speech_of(envelope: list[int]) -> list[bool]:
    """Return some speech that the level does not tell: every frame of a byte that is no multiple of 20, and every loud one."""
    return [byte != 255 and (byte % 20 != 0 or byte <= 60) for byte in envelope]


def pool_of(envelopes: list[list[int]], noise: tuple[int, ...] = (), bad: tuple[int, ...] = ()) -> Pool:
    rows = [
        {
            "source_id": f"s{k}",
            "corpus": NOISE if k in noise else "folder",
            "status": "silent" if k in bad else "ok",
            "speaker_id": f"p{k}",
            "sex": "F",
            "split": "train",
            "envelope": bytes(one),
            "peaks": bytes(max(value - 15, 0) for value in one),
            "speech": None if k in noise else packed(np.array(speech_of(one), np.bool_)),
        }
        for k, one in enumerate(envelopes)
    ]
    return Pool.of(pa.Table.from_pylist(rows, schema=SOURCES.schema()), RATE)


def by_hand(pool: Pool, wanted: int, fewest: int, shorter: bool) -> dict[int, list[int]]:
    """Return the first frames of the good windows of each source, found one by one."""
    out = {}
    for source, (a, b) in enumerate(zip(pool.offsets[:-1].tolist(), pool.offsets[1:].tolist(), strict=True)):
        heard = np.array(speech_of(pool.rms[a:b].tolist()), np.bool_)
        if pool.noise[source]:
            heard = pool.rms[a:b] <= FAINT
        length = min(wanted, b - a) if shorter else wanted
        starts = range(b - a - length + 1) if pool.usable[source] and b > a else range(0)
        out[source] = [a + s for s in starts if heard[s : s + length].sum() >= fewest]
    return out


@settings(deadline=None)
@given(st.lists(BYTES, min_size=1, max_size=8), st.integers(1, 12), st.integers(1, 12), st.booleans(), st.data())
def test_the_windows_are_those_found_by_hand(envelopes, wanted, fewest, shorter, data):
    some = st.sets(st.integers(0, len(envelopes) - 1), max_size=2).map(tuple)
    pool = pool_of(envelopes, data.draw(some), data.draw(some))
    windows = Windows.of(pool, wanted, fewest, shorter)
    expected = by_hand(pool, wanted, fewest, shorter)
    assert windows.count.tolist() == [len(found) for found in expected.values()]
    for source, found in expected.items():
        if found:
            parts = 4 * len(found)  # four numbers in each of as many equal parts of the range as there are windows
            numbers = np.array([((2 * k + 1) << 63) // parts for k in range(parts)], np.uint64)
            drawn = windows.drawn(np.full(len(numbers), source), numbers)
            assert drawn.tolist() == [at for at in found for _ in range(4)]


@pytest.mark.parametrize("shorter", [True, False])
def test_every_window_is_drawn_and_none_oftener(shorter):
    rng = np.random.default_rng(3)
    pool = pool_of([rng.choice([40, 60, 130], 70).tolist() for _ in range(4)])
    windows = Windows.of(pool, 20, 12, shorter)
    expected = by_hand(pool, 20, 12, shorter)
    for source, found in expected.items():
        assert len(found) > 5
        drawn = windows.drawn(np.full(200 * len(found), source), draw(key(source), np.arange(200 * len(found))))
        counts = np.array([(drawn == at).sum() for at in found])
        assert counts.sum() == len(drawn)
        degrees = len(found) - 1
        assert ((counts - 200) ** 2 / 200).sum() < degrees + 5 * (2 * degrees) ** 0.5


@settings(deadline=None)
@given(st.lists(BYTES.filter(len), min_size=1, max_size=6), st.data())
def test_the_largest_sample_of_a_window_is_that_of_its_loudest_frame(envelopes, data):
    pool = pool_of(envelopes)
    total = len(pool.peaks)
    pairs = data.draw(st.lists(st.tuples(st.integers(0, total - 1), st.integers(1, total)), min_size=1, max_size=20))
    first = np.array([a for a, _ in pairs])
    length = np.minimum([n for _, n in pairs], total - first)
    expected = [int(byte_peaks()[pool.peaks[a : a + n].min()]) for a, n in zip(first, length, strict=True)]
    assert pool.largest(first, length).tolist() == expected
    assert pool.largest(first[:0], length[:0]).tolist() == []


@settings(deadline=None)
@given(st.lists(BYTES, min_size=1, max_size=6))
def test_cumulated_energies_and_activity_are_sums(envelopes):
    pool = pool_of(envelopes)
    energy = byte_energies(RATE // 50)[pool.rms]
    for k in range(len(pool.rms) + 1):
        assert pool.energy_before[k] == energy[:k].sum()
        assert pool.active_energy_before[k] == (energy * pool.is_active)[:k].sum()
        assert pool.active_before[k] == pool.is_active[:k].sum()
    assert pool.is_active.tolist() == [speaks for one in envelopes for speaks in speech_of(one)]
    assert pool.sounds.tolist() == [any(speech_of(one)) for one in envelopes]


def test_codes_are_those_of_sorted_names_and_minus_one_for_nothing():
    column = pa.chunked_array([["b", None, "a"], ["c", "b"]], pa.string())
    found, names = codes(column)
    assert (found.tolist(), names) == ([1, -1, 0, 2, 1], ["a", "b", "c"])
    assert codes(column, ("c", "b"))[0].tolist() == [1, -1, -1, 0, 1]
    assert codes(pa.chunked_array([], pa.string()))[0].tolist() == []
    assert codes(pa.chunked_array([[None, None]], pa.string()))[0].tolist() == [-1, -1]


def test_what_is_unusable_is_not_drawn_from():
    pool = pool_of([[50] * 40, [], [50] * 40, [255] * 40], bad=(2,))
    assert pool.usable.tolist() == [True, False, False, True]
    assert Windows.of(pool, 20, 10, shorter=False).count.tolist() == [21, 0, 0, 0]


@pytest.mark.parametrize("options", [{}, {"overlap": "0:1", "min_active": 0.3}, {"overlap": "0.5", "seconds": 2.0}])
def test_every_speaker_of_a_plan_is_heard_as_long_as_promised(options):
    made, request, pool = planner(sources(noise=2), **options)
    block = made.rows(0, 3000)
    voices = block.source >= 0
    voices[:, -1] = False  # noise
    first = pool.offsets[block.source] + block.start
    heard = pool.active_before[first + block.length] - pool.active_before[first]
    assert (heard[voices] >= request.min_active).all()
    assert np.array_equal(block.active[voices], heard[voices])
    assert (block.start >= 0).all()
    assert (block.start + block.length <= pool.frames[block.source])[block.source >= 0].all()
    assert ((block.onset >= 0) & (block.onset + block.length <= request.frames))[block.source >= 0].all()
    if "overlap" not in options:
        assert (block.length[voices] == request.frames).all()


def test_an_utterance_without_a_window_is_left_out_and_counted():
    table = sources(speakers=3, utterances=2)
    rows = table.to_pylist()
    rows[0]["speech"] = packed(np.arange(len(rows[0]["envelope"])) < 10)
    rows[1]["envelope"], rows[1]["peaks"], rows[1]["speech"] = (
        bytes([60] * 30),
        bytes([40] * 30),
        packed(np.ones(30) > 0),
    )
    rows[3]["speech"] = packed(np.zeros(len(rows[3]["envelope"]), np.bool_))
    rows[2]["sex"] = None
    rows[4]["speaker_id"] = None
    made, _, pool = planner(pa.Table.from_pylist(rows, schema=table.schema), speakers="1-1")
    reasons = {why: (count, example) for why, count, example in made.left_out()}
    assert reasons == {
        "no speaker": (1, rows[4]["source_id"]),
        "sex unknown": (1, rows[2]["source_id"]),
        "speech cannot be told from noise": (1, rows[3]["source_id"]),
        "no window with the speaker active for 0.5 s": (2, rows[0]["source_id"]),
    }
    used = {pool.ids[k] for k in np.unique(made.rows(0, 500).source)}
    assert not used & {rows[k]["source_id"] for k in (0, 1, 2, 3, 4)}
