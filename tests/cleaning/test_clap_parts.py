"""Windows, front end, tokenizer, the kept embeddings, the self-test's statistic, and what the judge learned from."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from synth.cleaning.clap import overlap, selftest, sounds, windows
from synth.cleaning.clap.places import Checkpoint
from synth.cleaning.clap.store import MANY_PARTS, Store
from synth.errors import InputError
from synth.tables import SOURCES
from tests.cleaning import judges
from tests.real_data import DATA, needs_data

pytest.importorskip("torch")
pytest.importorskip("transformers")


@pytest.mark.parametrize("length_s", [0.01, 3, 10, 10.05, 10.2, 14.9, 15, 15.05, 60, 3600])
def test_windows_cover_a_clip_to_its_end(length_s):
    length = round(length_s * 48_000)
    starts = windows.starts(length)
    ends = [min(start + 480_000, length) for start in starts]
    assert starts[0] == 0
    assert all(b - a <= windows.HOP_N + windows.OVERHANG_N for a, b in itertools.pairwise(starts))
    assert length - ends[-1] <= windows.OVERHANG_N
    if length > 480_000 + windows.OVERHANG_N:
        assert ends[-1] == length
        assert all(end - start == 480_000 for start, end in zip(starts, ends, strict=True))
    pieces = windows.cut(np.zeros(length, np.int16))
    assert [len(piece) for piece in pieces] == [end - start for start, end in zip(starts, ends, strict=True)]


def test_the_spectrogram_is_that_of_claps_own_extractor():
    from transformers import ClapFeatureExtractor

    from synth.cleaning.clap.frontend import Frontend, quantised

    extractor = ClapFeatureExtractor(frequency_min=50, truncation="rand_trunc", padding="repeatpad")
    heard = [sounds.sound("bell", 1, 10.0), sounds.sound("speech", 1, 3.3), sounds.sound("clock", 1, 0.01)]
    theirs = extractor([quantised(one) for one in heard], sampling_rate=48_000, return_tensors="np")["input_features"]
    ours = Frontend("cpu")(heard).numpy()
    assert ours.shape == theirs.shape == (3, 1, 1001, 64)
    loud = theirs > -80  # single precision ends there; both have the same floor
    assert np.abs(ours - theirs)[loud].max() < 0.01


def test_the_step_to_integers_is_the_originals():
    from synth.cleaning.clap.frontend import quantised

    samples = np.arange(-32768, 32768).astype(np.int16)
    x = (samples / 32768).astype(np.float32)
    theirs = (np.clip(x, -1, 1) * 32767.0).astype(np.int16) / 32767.0
    assert np.array_equal(quantised(samples), theirs.astype(np.float32))


@needs_data
def test_robertas_tokenizer_is_taken_and_its_words_are_known():
    from synth.cleaning.clap import tokenizer

    folder = DATA / "roberta_tokenizer"
    made = tokenizer.load((folder / "vocab.json", folder / "merges.txt"), tokenizer.ROBERTA_WORDS)
    ids, mask = tokenizer.encoded(made, ["Hello world!", "This is a sound of dog", "rain " * 200])
    assert ids.shape == mask.shape == (3, 77)
    assert ids[0, :5].tolist() == [0, 31414, 232, 328, 2]
    assert ids[0, 5:].tolist() == [1] * 72
    assert mask.sum(1).tolist() == [5, 8, 77]
    assert ids[2, -1] == 2


@needs_data
@pytest.mark.parametrize("damage", ["swapped", "shifted", "no merges", "short", "other"])
def test_a_wrong_tokenizer_is_refused(damage, tmp_path):
    from synth.cleaning.clap import tokenizer

    words = json.loads((DATA / "roberta_tokenizer" / "vocab.json").read_text(encoding="utf-8"))
    merges = (DATA / "roberta_tokenizer" / "merges.txt").read_text(encoding="utf-8")
    if damage == "swapped":  # as long as the right one
        words["Ġsound"], words["Ġdog"] = words["Ġdog"], words["Ġsound"]
    elif damage == "shifted":  # as encoder.json numbers them
        words = {
            word: (number - 4) % len(words) if number >= 4 else number + len(words) - 4
            for word, number in words.items()
        }
    elif damage == "no merges":
        merges = "#version: 0.2\n"
    elif damage == "short":
        words = dict(list(words.items())[:40_000])
    else:
        shutil.copyfile(judges.TINY / "vocab.json", tmp_path / "vocab.json")
        words = None
    if words is not None:
        (tmp_path / "vocab.json").write_text(json.dumps(words), encoding="utf-8")
    (tmp_path / "merges.txt").write_text(merges, encoding="utf-8")
    with pytest.raises(InputError, match=r"(?s)tokenizer in .*"):
        tokenizer.load((tmp_path / "vocab.json", tmp_path / "merges.txt"), tokenizer.ROBERTA_WORDS)


def test_a_damaged_tokenizer_is_refused(tmp_path):
    from synth.cleaning.clap import tokenizer

    for text in ("", "{", "[]", '{"a": "b"}'):
        (tmp_path / "vocab.json").write_text(text)
        (tmp_path / "merges.txt").write_text("#version: 0.2\n")
        (tmp_path / "tokenizer.json").write_text(text)
        for files in (("vocab.json", "merges.txt"), ("tokenizer.json",)):
            with pytest.raises(InputError, match="tokenizer in"):
                tokenizer.load(tuple(tmp_path / name for name in files), 50265)


def test_kept_embeddings_come_back_in_the_order_asked(tmp_path):
    store = Store(tmp_path / "store")
    assert store.find(["a"]).counts.tolist() == [0]
    vectors = {f"k{n}": np.full((1 + n % 3, 4), n, np.float32) for n in range(2 * MANY_PARTS)}
    for key, rows in vectors.items():
        store.add([key], [rows])
    asked = ["k7", "unknown", "k0", "k7", *vectors]
    before = store.find(asked)
    store.tidy()
    assert len(list((tmp_path / "store").iterdir())) == 1
    after = Store(tmp_path / "store").find(asked)
    assert np.array_equal(before.vectors, after.vectors)
    assert before.counts.tolist() == after.counts.tolist()
    assert before.counts[:4].tolist() == [2, 0, 1, 2]
    wanted = np.concatenate([vectors[key] for key in asked if key in vectors])
    assert np.array_equal(before.vectors, wanted)


def test_a_damaged_part_is_made_anew_and_not_believed(tmp_path):
    store = Store(tmp_path / "store")
    store.add(["a"], [np.ones((1, 4), np.float32)])
    store.add(["b"], [np.ones((1, 4), np.float32)])
    first = sorted((tmp_path / "store").iterdir())[0]
    first.write_bytes(first.read_bytes()[:100])
    assert sorted(store.find(["a", "b"]).counts.tolist()) == [0, 1]
    store.add(["a", "b"], [np.ones((1, 4), np.float32)] * 2)
    assert store.find(["a", "b"]).counts.tolist() == [1, 1]


def test_the_statistic_of_the_self_test_is_in_standard_deviations():
    from synth import seeds

    assert selftest.standing(np.eye(10, dtype=np.float32)) == pytest.approx(9)
    assert selftest.standing(np.zeros((10, 10), np.float32)) == 0
    drawn = seeds.draw(seeds.key("standing"), np.arange(400 * 100)).reshape(400, 10, 10)
    values = [selftest.standing((one >> np.uint64(11)).astype(np.float32)) for one in drawn]
    assert abs(np.mean(values)) < 0.2
    assert 0.85 < np.std(values) < 1.15
    assert sum(value >= selftest.WANTED for value in values) <= 4


def test_known_sounds_are_all_different_and_takes_too():
    made = {(name, take): sounds.sound(name, take, 1.0) for name in sounds.KNOWN for take in (0, 1)}
    assert all(len(one) == 48_000 and one.dtype == np.int16 and np.abs(one).max() == 16384 for one in made.values())
    assert len({one.tobytes() for one in made.values()}) == 20
    assert np.array_equal(made["bell", 1], sounds.sound("bell", 1, 1.0))


def _sources(rows):
    columns = {name: [row.get(name) for row in rows] for name in SOURCES.names}
    return pa.table(columns, schema=SOURCES.schema())


@pytest.mark.parametrize(
    ("checkpoint", "row", "says"),
    [
        ("630k-audioset-best", {"source_id": "a/b.wav", "ytid": "abc"}, "AudioSet"),
        ("630k-best", {"source_id": "a/b.wav", "ytid": "abc"}, None),
        ("630k-best", {"source_id": "audio/1-100032-A-0.ogg"}, "Freesound"),
        ("630k-best", {"source_id": "FSD50K.dev_audio/1.wav"}, "Freesound"),
        ("630k-audioset-best", {"source_id": "a/b.wav", "attribution": "someone, freesound.org/s/12"}, "Freesound"),
        ("630k-audioset-best", {"source_id": "mine/b.wav"}, None),
        ("own/model", {"source_id": "FSD50K/1.wav", "ytid": "abc"}, None),
    ],
)
def test_a_judge_that_was_trained_on_what_it_judges_says_so(checkpoint, row, says):
    files = Checkpoint(checkpoint, Path(f"{checkpoint}.pt"), None, (), "", "")
    found = overlap.warnings(files, _sources([row]))
    assert [says in one for one in found] == ([True] if says else [])
