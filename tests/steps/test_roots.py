"""Roots are names; where they lie is this machine's business."""

from __future__ import annotations

from pathlib import Path

import pytest

from synth import demo
from synth.audio.cache import Cache
from synth.errors import InputError, UsageError
from synth.steps.roots import DEMO, located, named, parse_given
from tests.end_to_end.commands import synth
from tests.end_to_end.speech import corpus


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SYNTH_CACHE_DIR", str(tmp_path / "cache"))
    with Cache() as opened:
        yield opened


def folder(tmp_path, name: str) -> Path:
    path = tmp_path / name
    path.mkdir(parents=True)
    return path


def test_a_root_is_called_after_its_folder_or_as_one_wishes(cache, tmp_path):
    corpus = folder(tmp_path, "deep/LibriSpeech")
    assert [root.name for root in named(cache, [corpus])] == ["LibriSpeech"]
    (root,) = named(cache, [f"mine={corpus}"])
    assert (root.name, root.folder) == ("mine", corpus)
    assert [root.name for root in named(cache, [f"{corpus}/."])] == ["LibriSpeech"]


def test_names_that_clash_get_numbers(cache, tmp_path):
    paths = [folder(tmp_path, f"{k}/audio") for k in range(3)]
    assert [root.name for root in named(cache, paths)] == ["audio", "audio-2", "audio-3"]
    roots = named(cache, paths[:1], noise=paths[1:2])
    assert [(root.name, root.noise) for root in roots] == [("audio", False), ("audio-2", True)]


def test_without_a_path_it_is_the_demo_voices(cache):
    (root,) = named(cache, [])
    assert (root.name, root.folder) == (DEMO, demo.folder())


def test_a_root_seen_before_is_known_by_its_name(cache, tmp_path):
    corpus = folder(tmp_path, "deep/corpus")
    named(cache, [corpus])
    assert named(cache, ["corpus"])[0].folder == corpus
    assert located(cache, ["corpus"], {}) == {"corpus": corpus}


def test_where_a_root_is_said_to_lie_wins(cache, tmp_path):
    old, new = folder(tmp_path, "old/corpus"), folder(tmp_path, "new/corpus")
    named(cache, [old])
    assert located(cache, ["corpus"], {"corpus": new}) == {"corpus": new}
    assert located(cache, [DEMO], {}) == {DEMO: demo.folder()}


def test_a_root_that_is_nowhere_says_what_to_type(cache, tmp_path):
    with pytest.raises(InputError, match="has not been seen on this machine; say where it lies: --root x=PATH"):
        located(cache, ["x"], {})
    gone = folder(tmp_path, "gone")
    named(cache, [gone])
    gone.rmdir()
    with pytest.raises(InputError, match=r"is not at .*--root gone=PATH"):
        located(cache, ["gone"], {})
    with pytest.raises(UsageError, match="no such root in these sources; they use x"):
        located(cache, ["x"], {"y": tmp_path})


@pytest.mark.parametrize("text", ["", "a", "a=", "=b"])
def test_a_root_option_without_name_or_path_is_refused(text):
    with pytest.raises(UsageError, match="wanted NAME=PATH"):
        parse_given([text])


def test_a_path_may_hold_an_equals_sign():
    assert parse_given(["a=b=c"]) == {"a": Path("b=c")}


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_what_is_no_folder_is_refused(cache, tmp_path, kind):
    path = tmp_path / "x"
    if kind == "file":
        path.write_text("")
    with pytest.raises(InputError, match="is a file" if kind == "file" else "does not exist"):
        named(cache, [path])


def test_a_name_that_leads_elsewhere_prints_where(tmp_path, monkeypatch):
    monkeypatch.setenv("SYNTH_CACHE_DIR", str(tmp_path / "cache"))
    voices = corpus(tmp_path / "far" / "Voices")
    (tmp_path / "here").mkdir()
    first = synth("index", voices, "-j", 1, "-o", tmp_path / "a.parquet", cwd=tmp_path / "here")
    assert "it was found in" not in first.says
    again = synth("index", "Voices", "-j", 1, "-o", tmp_path / "b.parquet", cwd=tmp_path / "here")
    assert f"there is no Voices here; it was found in {voices}" in again.says
    beside = synth("index", "Voices", "-j", 1, "-o", tmp_path / "c.parquet", cwd=tmp_path / "far")
    assert "it was found in" not in beside.says
