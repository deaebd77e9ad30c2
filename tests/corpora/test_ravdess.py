"""RAVDESS: everything that is known of a recording is in its name."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.corpora import ravdess, read
from synth.corpora.items import Oddities
from tests.corpora.trees import by_path, odd, tree
from tests.real_data import DATA, needs_data

NAME = "03-01-05-02-01-02-16"


@needs_data
class TestRealFiles:
    def test_every_recording(self):
        corpus = read(DATA / "ravdess", "ravdess")
        assert (corpus.name, corpus.licence) == ("ravdess", "CC-BY-NC-SA-4.0")
        assert "10.1371/journal.pone.0196391" in corpus.attribution
        assert Counter(item.status for item in corpus.items) == {"ok": 41}
        assert len({item.speaker_id for item in corpus.items if item.sex == "M"}) == 5
        assert len({item.speaker_id for item in corpus.items if item.sex == "F"}) == 5
        assert len({item.emotion for item in corpus.items}) == 8
        assert Counter(item.intensity for item in corpus.items) == {"normal": 21, "strong": 20}
        assert corpus.oddities == ()

    def test_one_actor_and_a_flat_folder(self, tmp_path):
        assert len(read(DATA / "ravdess" / "Actor_01", "Actor_01").items) == 5
        for path in (DATA / "ravdess").rglob("*.*"):
            (tmp_path / path.name).symlink_to(path)
        assert len(read(tmp_path, "flat").items) == 41


def test_a_name_says_it_all(tmp_path):
    item = read(tree(tmp_path, f"Actor_16/{NAME}.wav"), "x").items[0]
    assert (item.speaker_id, item.group_id, item.sex) == ("ravdess/16", "ravdess/16", "F")
    assert (item.emotion, item.intensity, item.repetition, item.vocal_channel) == ("angry", "strong", "2", "speech")
    assert item.statement == item.utterance_text == "Kids are talking by the door"
    assert item.chapter is None


def test_the_copy_that_holds_everything_twice(tmp_path):
    twice = f"audio_speech_actors_01-24/Actor_16/{NAME}.wav"
    corpus = read(tree(tmp_path, f"Actor_16/{NAME}.wav", twice), "x")
    assert {path: item.status for path, item in by_path(corpus).items()} == {
        f"Actor_16/{NAME}.wav": "ok",
        twice: "duplicate",
    }
    assert odd(corpus)["duplicate"].count == 1


def test_flac_beside_wav_wins(tmp_path):
    items = by_path(read(tree(tmp_path, f"Actor_16/{NAME}.wav", f"Actor_16/{NAME}.flac"), "x"))
    assert [items[f"Actor_16/{NAME}.{e}"].status for e in ("flac", "wav")] == ["ok", "duplicate"]


def test_litter_video_capitals_and_other_names(tmp_path):
    corpus = read(
        tree(
            tmp_path,
            f"Actor_16/._{NAME}.wav",
            "Actor_16/.DS_Store",
            f"Actor_16/01{NAME[2:]}.mp4",
            f"Actor_16/02{NAME[2:]}.mp4",
            f"Actor_16/{NAME}.WAV",
            "Actor_16/03-01-05-01-01-02-16.wav",
            "Actor_16/03-01-05-01-02-02-16.wav",
            "Actor_16/03-01-05-01-02-01-16.wav",
            "Actor_16/notes.mp3",
        ),
        "x",
    )
    statuses = Counter(item.status for item in corpus.items)
    assert statuses == {"ok": 4, "video": 2, "litter": 1, "bad-name": 1}
    assert {kind: oddity.count for kind, oddity in odd(corpus).items()} == {
        "litter": 2,
        "video": 2,
        "extension-case": 1,
        "bad-name": 1,
    }


def test_name_and_folder_disagree(tmp_path):
    item = read(tree(tmp_path, f"Actor_15/{NAME}.wav"), "x").items[0]
    assert item.status == "bad-name"
    assert "actor 16" in item.reason
    assert "Actor_15" in item.reason
    assert item.speaker_id is None


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("03-03-05-01-01-01-01", "vocal channel 03"),
        ("03-01-09-01-01-01-01", "emotion 09"),
        ("03-01-05-00-01-01-01", "intensity 00"),
        ("03-01-05-01-03-01-01", "statement 03"),
        ("03-01-05-01-01-03-01", "repetition 03"),
        ("03-01-05-01-01-01-25", "actor 25"),
        ("04-01-05-01-01-01-01", "modality 04"),
        ("03-01-01-02-01-01-01", "neutral"),
        ("03-02-07-01-01-01-01", "song"),
    ],
)
def test_codes_that_do_not_exist(tmp_path, name, says):
    item = read(tree(tmp_path, f"{name}.wav"), "x").items[0]
    assert item.status == "bad-name"
    assert says in item.reason


def test_the_corpus_has_1440_names_of_speech_and_1056_of_song():
    two = range(1, 3)
    counts = Counter(
        channel
        for channel in two
        for emotion in range(1, 9)
        for intensity in two
        for statement in two
        for repetition in two
        for actor in range(1, 25)
        if ravdess._illegal((3, channel, emotion, intensity, statement, repetition, actor)) is None
    )
    assert counts == {1: 1440, 2: 44 * 24}


@given(st.lists(st.integers(0, 99), min_size=7, max_size=7))
def test_any_seven_codes_are_used_or_refused_with_a_reason(codes):
    stem = "-".join(f"{code:02d}" for code in codes)
    item = ravdess._item(f"{stem}.wav", f"{stem}.wav", "root", Oddities())
    assert (item.status == "ok") == (item.reason is None)
    if item.status == "ok":
        assert item.sex == ("M" if codes[6] % 2 else "F")
