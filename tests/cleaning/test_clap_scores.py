"""Recordings to scores: what is heard, what is kept, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile as sf

import synth
from synth.cleaning import clap
from synth.cleaning.clap import sounds
from synth.cleaning.clap.scorer import Judge
from synth.errors import ClaimError, InputError, UsageError
from tests.cleaning import judges

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytestmark = pytest.mark.usefixtures("one_thread")
TINY = str(judges.TINY)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SYNTH_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("clips")
    judges.clips(place, 2)
    return place


def heard(folder, **options):
    """Index a folder and score it; return the names of its files, the result, and the steps of the progress."""
    table = synth.index([folder], rate=16000).table
    names = table.column("path").to_pylist()
    steps = []
    labels = options.pop("labels", list(judges.LABELS))
    files = [folder / name for name in names]
    return names, clap.scored(table, files, labels, TINY, lambda *step: steps.append(step), **options), steps


def test_each_clip_scores_highest_on_its_own_label(folder):
    names, found, steps = heard(folder)
    labels = list(judges.LABELS)
    wanted = [labels.index(next(one for one, kind in judges.LABELS.items() if name.startswith(kind))) for name in names]
    assert found.scores.dtype == np.float32
    assert found.scores.shape == (12, 6)
    assert np.abs(found.scores).max() <= 1 + 1e-6
    assert found.scores.argmax(1).tolist() == wanted
    assert found.problems == {}
    assert found.embeddings.shape == (12, 64)
    assert np.allclose(np.linalg.norm(found.embeddings, axis=1), 1, atol=1e-5)
    assert "sha256" in found.judge
    assert steps[0] == ("listening", 0, 12)
    assert steps[-1] == ("listening", 12, 12)


def test_a_second_run_needs_neither_the_files_nor_the_model(folder, tmp_path):
    import shutil

    place = tmp_path / "copy"
    shutil.copytree(folder, place)
    table = synth.index([place], rate=16000).table
    files = [place / name for name in table.column("path").to_pylist()]
    labels = list(judges.LABELS)
    first = clap.scored(table, files, labels, TINY, lambda *_: None)
    for path in files:
        path.unlink()
    again = Judge(TINY)
    second = clap.scored(table, files, labels, TINY, lambda *_: None)
    assert np.array_equal(first.scores, second.scores)
    assert np.array_equal(first.embeddings, second.embeddings)
    code = f"""
from pathlib import Path
import pyarrow.parquet as pq
from synth.cleaning import clap
table = pq.read_table({str(tmp_path / "s.parquet")!r})
found = clap.scored(table, [Path("gone")] * table.num_rows, {labels[:4]!r}, {TINY!r}, lambda *_: None)
assert found.scores.shape == ({len(files)}, 4)
assert not {{"torch", "transformers"}} & set(sys.modules), "the model was loaded"
"""
    import pyarrow.parquet as pq

    pq.write_table(table, tmp_path / "s.parquet")
    done = judges.offline(code, tmp_path / "home", SYNTH_CACHE_DIR=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    assert again.files.sha256 in first.judge


def test_what_was_stored_before_an_interruption_is_not_embedded_again(folder):
    table = synth.index([folder], rate=16000).table
    files = [folder / name for name in table.column("path").to_pylist()]
    clap.scored(table.slice(0, 5), files[:5], ["Siren"], TINY, lambda *_: None)
    steps = []
    clap.scored(table, files, ["Siren"], TINY, lambda *step: steps.append(step))
    assert steps[0] == ("listening", 0, 7)


@pytest.mark.parametrize("start_s", [0, 15, 32])
def test_all_of_a_long_clip_is_heard_and_an_event_is_found_wherever_it_is(start_s, tmp_path):
    quiet = sounds.sound("clock", 3, 42.0)
    event = quiet.copy()
    event[start_s * 48_000 : (start_s + 10) * 48_000] = sounds.sound("siren", 2, 10.0)
    place = tmp_path / "long"
    place.mkdir()
    sf.write(place / "event.wav", event, 48_000)
    sf.write(place / "quiet.wav", quiet, 48_000)
    names, found, _ = heard(place, labels=["Siren"])
    scores = dict(zip(names, found.scores[:, 0].tolist(), strict=True))
    assert scores["event.wav"] > max(0.8, scores["quiet.wav"] + 0.3)


def test_a_clip_of_ten_milliseconds_is_heard_and_rates_are_told_apart(tmp_path):
    place = tmp_path / "short"
    place.mkdir()
    sf.write(place / "short.wav", sounds.sound("siren", 1, 0.03), 48_000)
    sf.write(place / "slow.wav", sounds.sound("siren", 1, 1.0), 48_000)
    sf.write(place / "fast.wav", sounds.sound("siren", 1, 1.0), 24_000)  # the same samples at another rate
    _, found, _ = heard(place)
    assert np.isfinite(found.scores).all()
    assert len({row.tobytes() for row in found.scores}) == len(found.scores)


def test_a_file_that_changed_or_is_gone_has_no_score_and_says_why(folder, tmp_path):
    import shutil

    place = tmp_path / "copy"
    shutil.copytree(folder, place)
    table = synth.index([place], rate=16000).table
    files = [place / name for name in table.column("path").to_pylist()]
    files[0].unlink()
    sf.write(files[1], sounds.sound("siren", 9, 1.0), 48_000)
    files[2].write_bytes(b"no sound")
    found = clap.scored(table, files, ["Siren"], TINY, lambda *_: None)
    assert set(found.problems) == {0, 1, 2}
    assert "synth index" in found.problems[1]
    assert np.isnan(found.scores[:3]).all()
    assert np.isfinite(found.scores[3:]).all()
    with pytest.raises(InputError, match="none of 3"):
        clap.scored(table.slice(0, 3), files[:3], ["Siren"], TINY, lambda *_: None)


def test_prompts_are_averaged_and_none_of_these_are_scored(folder, tmp_path):
    file = tmp_path / "own.toml"
    file.write_text(
        "none_of_these = ['i hear static']\n[prompts]\nSiren = ['an alarm', 'a fire engine']\nZither = 'a zither'\n"
    )
    names, found, _ = heard(folder, prompts=file, labels=["Siren", "Bell"])
    one = Judge(TINY)
    vectors = one.sentences(["an alarm", "a fire engine"])
    mean = vectors.sum(0) / np.linalg.norm(vectors.sum(0))
    assert np.allclose(found.scores[:, 0], found.embeddings @ mean, atol=1e-5)  # clips of one window
    assert [name for name, score in zip(names, found.none_of_these, strict=True) if score > 0.8] == [
        "static1.wav",
        "static2.wav",
    ]
    assert any("Zither" in warning for warning in found.warnings)


def test_embeddings_do_not_depend_on_what_is_embedded_beside_them():
    from synth.cleaning.clap import places
    from synth.cleaning.clap.engine import Transformers

    engine = Transformers(places.find(TINY), device="cpu")
    many = [sounds.sound(kind, 5, 2.0) for kind in ("siren", "bell", "clock")]
    together = engine.audio(many)
    alone = np.concatenate([engine.audio([one]) for one in many])
    assert np.abs(together - alone).max() < 1e-5
    texts = ["a bell", "the sound of an emergency siren in the distance"]
    assert np.abs(engine.text(texts)[:1] - engine.text(texts[:1])).max() < 1e-5


def test_bfloat16_is_another_judge_close_to_the_first(folder):
    _, plain, _ = heard(folder)
    _, halved, steps = heard(folder, bfloat16=True)
    assert steps[0] == ("listening", 0, 12)  # not taken from the cache of the other
    assert 0 < np.abs(plain.scores - halved.scores).max() < 0.1


def test_a_judge_that_knows_nothing_is_refused(folder, tmp_path):
    blank = judges.blank(tmp_path / "blank")
    table = synth.index([folder], rate=16000).table
    files = [folder / name for name in table.column("path").to_pylist()]
    with pytest.raises(ClaimError, match=r"cannot judge.*known sounds"):
        clap.scored(table, files, ["Siren"], str(blank), lambda *_: None)


def test_unknown_engines_and_devices_are_usage_errors(folder):
    with pytest.raises(UsageError, match="transformers or laion"):
        Judge(TINY, engine="whisper")
    with pytest.raises(UsageError, match="Hub directory"):
        Judge(TINY, engine="laion").sentences(["x"])
    import torch

    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="no GPU"):
            Judge(TINY, device="cuda").sentences(["x"])
