"""What is printed where there is one of a thing: a singular noun, in every sentence and on every card."""

from __future__ import annotations

import re

import numpy as np
import pytest
import soundfile

from tests.end_to_end.commands import synth

VERBS = {"is", "has", "was", "does", "holds", "differs", "goes", "looks", "as"}  # what may follow '1' and end in s


def plurals(text: str) -> list[str]:
    """Return each ``1 things`` of a text."""
    return [found[0] for found in re.finditer(r"(?<![\d.,:/-])1 (\w+s)\b(?! of )", text) if found[1] not in VERBS]


def test_plurals_are_found():
    assert plurals("there are 1 rows, 21 rows, 1.1 clips, 1 clip, and 1 is left; 1 recordings") == [
        "1 rows",
        "1 recordings",
    ]


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """Three recordings that can be used, one of each other kind, and their table."""
    place = tmp_path_factory.mktemp("sounds")
    (place / "a").mkdir()
    chance = np.random.default_rng(3)
    for name, count in (("s0", 16000), ("s1", 8000), ("s2", 24000), ("s3", 16000)):
        soundfile.write(place / "a" / f"{name}.wav", 0.2 * chance.standard_normal(count), 16000)
    soundfile.write(place / "a" / "silent.wav", np.zeros(16000), 16000)
    (place / "a" / "damaged.wav").write_bytes(b"RIFF")
    lines = [
        "s0.wav,cat,g0",
        "s1.wav,\"['cat']\",g1",
        "s2.wav,cat,g2",
        "s3.wav,-,g3",
        "silent.wav,cat,g4",
        "gone.wav,cat,g5",
    ]
    (place / "t.csv").write_text("\n".join(["path,labels,group_id", *lines, "damaged.wav,cat,g6"]))
    return place


def test_of_labelled_clips(sounds):
    said = [synth("index", "a", "--csv", "t.csv", "-o", "s.parquet", cwd=sounds).says]
    assert "1 cell of labels is a list" in said[0]
    words = ("manifest", "s.parquet", "--split", "34/33/33", "--seconds", 1, "--rate", 16000, "-o", "set")
    said.append(synth(*words, cwd=sounds).says)
    assert "left out: 1 recording without a label" in said[1]
    assert "1 recording is shorter than a clip" in said[1] and "1 recording is longer than a clip" in said[1]
    said += [synth("audit", "set", cwd=sounds).says, synth("verify", "set", cwd=sounds).says]
    card = (sounds / "set" / "README.md").read_text(encoding="utf-8")
    assert "with 1 label," in card and "1 recording is shorter than a clip" in card
    (sounds / "scores.csv").write_text("path,label,score\ns0.wav,cat,0.5\nelsewhere.wav,cat,0.1\n")
    said.append(synth("clean", "s.parquet", "--scores", "scores.csv", "-o", "v.parquet", cwd=sounds).says)
    assert "1 score of clips that the sources do not have" in said[-1]
    for text in (*said, card):
        assert plurals(text) == []


def test_of_one_clip_a_split_and_one_speaker_a_clip(tmp_path):
    said = [synth("mix", "--speakers", 1, "--clips", "1/1/1", "--seconds", 2, cwd=tmp_path).says]
    said += [synth(command, "demo-speakers-1", cwd=tmp_path).says for command in ("audit", "verify")]
    said.append(
        synth("mix", "--speakers", "1-3", "--split", "98/1/1", "--clips", "1/0/0", "--out", "x", cwd=tmp_path).says
    )
    said.append((tmp_path / "demo-speakers-1" / "README.md").read_text(encoding="utf-8"))
    for text in said:
        assert plurals(text) == []


@pytest.mark.parametrize(
    "words",
    [
        ("mix", "--speakers", "11", "--source", "demo-voices"),
        ("mix", "--speakers", "1-3", "--split", "1/0/0", "--clips", "1/1/1"),
    ],
)
def test_of_what_cannot_be_made(tmp_path, words):
    assert plurals(synth(*words, code=None, cwd=tmp_path).says) == []
