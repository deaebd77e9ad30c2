"""Recordings in which nobody speaks are no speakers: they have a status, a reason and a count, and no clip uses them."""

from __future__ import annotations

import csv

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from synth.errors import InputError
from synth.steps.index import index
from synth.steps.mix import mix
from synth.steps.plan import plan
from synth.steps.render import render
from synth.steps.split import split
from synth.steps.verify import verify
from tests.checking.wrong_sets import of_an_earlier_version
from tests.noises import RATE, harmonic_voice, noise

SECONDS = 3


def nobody(kind: str, rng: np.random.Generator) -> np.ndarray:
    """Return a recording without a voice, at the level of speech or far below."""
    count = SECONDS * RATE
    if kind == "faint hiss":
        return noise("white", count, rng) * 10 ** (-72 / 20)
    if kind == "padded hiss":
        out = np.zeros(3 * count)
        out[count : 2 * count] = noise("white", count, rng) * 0.02
        return out
    if kind == "clicks":
        out = noise("white", count, rng) * 0.001
        out[:: RATE // 2] += 0.5
        return out
    return noise(kind, count, rng) * 0.05


KINDS = ("white", "pink", "brown", "hum50", "hum60", "tone", "room", "faint hiss", "padded hiss", "clicks")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Twelve voices with two recordings of their own and two of no one each; the table, and which recordings are no one's."""
    root = tmp_path_factory.mktemp("corpus") / "voices"
    root.mkdir()
    rng = np.random.default_rng(0)
    rows, empty = [], {}
    for speaker in range(12):
        f0_hz = (200, 100)[speaker % 2] + 3 * speaker
        for k in range(4):
            name = f"s{speaker:02d}_{k}.wav"
            kind = KINDS[(2 * speaker + k) % len(KINDS)]
            voice = harmonic_voice(SECONDS, f0_hz, rng) * 0.08 + 1e-4 * rng.standard_normal(SECONDS * RATE)
            soundfile.write(root / name, voice if k < 2 else nobody(kind, rng), RATE)
            rows.append([name, f"s{speaker:02d}", "FM"[speaker % 2]])
            if k >= 2:
                empty[f"voices/{name}"] = kind
    with (root.parent / "speakers.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "speaker_id", "sex"], *rows])
    return root, root.parent / "speakers.csv", empty


def test_they_are_rows_with_a_status_and_a_reason_and_in_no_clip(corpus, tmp_path):
    root, table, empty = corpus
    done = mix(source=[root], csv=table, clips="84/0/0", split="100/0/0", out=tmp_path / "set", jobs=1)
    assert done.audited.holds
    assert done.indexed.counts == {"ok": 24, "no-speech": 24}
    for row in done.indexed.table.to_pylist():
        if row["source_id"] in empty:
            assert row["status"] == "no-speech", (row["source_id"], empty[row["source_id"]])
            assert row["reason"].startswith("speech cannot be told from noise: ")
        else:
            assert row["status"] == "ok"
            assert row["active_s"] > 1
    parts = [
        part["source_id"]
        for row in pq.read_table(tmp_path / "set/manifest.parquet").to_pylist()
        for part in row["parts"]
    ]
    assert len(parts) > 100
    assert not set(parts) & set(empty)


def test_noise_and_labelled_sounds_keep_their_status(corpus, tmp_path):
    """The same files as background, or with labels and no speaker, or with both: all of use, and none a speaker."""
    root, table, empty = corpus
    assert set(index([], noise=[root]).table.column("status").to_pylist()[100:]) == {"ok"}
    rows = list(csv.DictReader(table.open()))
    labelled = tmp_path / "labelled.csv"
    with labelled.open("w", newline="") as file:
        csv.writer(file).writerows([["path", "labels"], *([row["path"], "rain"] for row in rows)])
    found = index([root], csv=labelled).table.to_pylist()
    assert {row["status"] for row in found} == {"ok"}
    assert {row["speech"] for row in found} == {None}
    both = tmp_path / "both.csv"
    with both.open("w", newline="") as file:
        csv.writer(file).writerows(
            [["path", "speaker_id", "sex", "labels"], *([*row.values(), "rain"] for row in rows)]
        )
    sources = split(index([root], csv=both).table, split="100/0/0")
    assert set(sources.table.column("status").to_pylist()) == {"ok"}
    made = plan(sources.table, out=tmp_path / "plan.parquet", clips="60/0/0", split="100/0/0", speakers="1-2")
    (why, count, example) = made.left_out["train"][0]
    assert (why, count) == ("speech cannot be told from noise", 24)
    assert example in empty


def test_a_table_of_an_earlier_version(corpus, tmp_path):
    """Without the column, a plan renders to the same samples and holds; a new plan is not made from it."""
    root, table, _ = corpus
    sources = split(index([root], csv=table).table, split="100/0/0").table
    plan(sources, out=tmp_path / "plan.parquet", clips="60/0/0", split="100/0/0")
    pq.write_table(sources, tmp_path / "sources.parquet")
    render(tmp_path / "plan.parquet", out=tmp_path / "set", jobs=1, roots={"voices": root})
    old = sources.drop_columns(["speech"])
    with pytest.raises(InputError, match=r"do not say when somebody speaks.*Index again"):
        plan(old, out=tmp_path / "again.parquet", clips="60/0/0", split="100/0/0")
    pq.write_table(old, tmp_path / "old.parquet")
    with pytest.raises(InputError, match="other sources"):
        render(tmp_path / "plan.parquet", sources=tmp_path / "old.parquet", out=tmp_path / "refused", jobs=1)
    then = of_an_earlier_version(tmp_path, tmp_path / "then", roots={"voices": root})
    audio = [
        pq.read_table(folder / "data/train-00000-of-00001.parquet", columns=["audio"])
        for folder in (tmp_path / "set", then)
    ]
    assert audio[0].equals(audio[1])
    assert verify(then).holds
