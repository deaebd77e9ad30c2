"""Classes, speakers and splits are exact: counts to one clip, use to one clip, nothing shared."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from math import comb
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.end_to_end.commands import planned, rows, synth
from tests.end_to_end.judges import chi_square
from tests.real_data import DATA, needs_data

CELLS = [(n, f) for n in (1, 2, 3) for f in range(n + 1)]
CLIPS = {"train": 3600, "val": 360, "test": 360}


@pytest.fixture(scope="module", params=["demo voices", "LibriSpeech, 1 s", "LibriSpeech, 2 s"])
def folder(request, tmp_path_factory):
    """The folder of a plan of the usual size."""
    if request.param == "demo voices":
        return planned(tmp_path_factory.mktemp("demo"), plan=("--clips", "3600/360/360")).parent
    if DATA is None:
        pytest.skip("no real recordings")
    seconds = 2 if request.param.endswith("2 s") else 1
    folder = tmp_path_factory.mktemp("libri")
    return planned(folder, DATA / "LibriSpeech", plan=("--clips", "3600/360/360", "--seconds", seconds)).parent


def test_every_class_is_exact_to_one_clip(folder):
    for split, clips in CLIPS.items():
        counts = Counter((row["n_speakers"], row["n_female"]) for row in _plan(folder) if row["split"] == split)
        assert sum(counts.values()) == clips
        for n, f in CELLS:
            assert abs(counts[n, f] - Fraction(clips, 3 * (n + 1))) < 1, (split, n, f, counts)


def test_every_beginning_is_balanced_to_one_clip(folder):
    had: Counter[tuple[int, int]] = Counter()
    for k, row in enumerate((row for row in _plan(folder) if row["split"] == "train"), start=1):
        had[row["n_speakers"], row["n_female"]] += 1
        assert all(abs(had[n, f] - Fraction(k, 3 * (n + 1))) < 1 for n, f in CELLS), k


def test_the_class_is_what_the_parts_say(folder):
    sources = _sources(folder)
    for row in _plan(folder):
        sexes = sorted(sources[part["source_id"]]["sex"] for part in row["parts"])
        speakers = {sources[part["source_id"]]["speaker_id"] for part in row["parts"]}
        assert len(speakers) == row["n_speakers"] == len(row["parts"]), f"{row['clip_id']} holds a speaker twice"
        assert (sexes.count("F"), sexes.count("M")) == (row["n_female"], row["n_male"])
        assert row["cell"] == "".join(sexes)


def test_speakers_of_a_sex_are_used_alike(folder):
    """At every beginning the counts of use differ by at most one."""
    for split in CLIPS:
        for sex in "FM":
            voices = {s["speaker_id"] for s in _sources(folder).values() if (s["split"], s["sex"]) == (split, sex)}
            used = Counter(dict.fromkeys(voices, 0))
            for k, speakers in enumerate(_speakers(folder, split, sex)):
                used.update(speakers)
                if k % 50 == 0:
                    assert max(used.values()) - min(used.values()) <= 1, (split, sex, k, used)
            assert max(used.values()) - min(used.values()) <= 1, (split, sex, used)


def test_utterances_of_a_speaker_are_used_alike(folder):
    """… as far as they hold a window at all: the others are counted and said."""
    used: Counter[str] = Counter(part["source_id"] for row in _plan(folder) for part in row["parts"])
    sources = _sources(folder)
    by_speaker: dict[str, list[int]] = {}
    for source_id, count in used.items():
        by_speaker.setdefault(sources[source_id]["speaker_id"], []).append(count)
    assert all(max(counts) - min(counts) <= 1 for counts in by_speaker.values())


def test_nothing_is_in_two_splits(folder):
    sources = _sources(folder)
    used: dict[str, dict[str, set[str]]] = {}
    for row in _plan(folder):
        for part in row["parts"]:
            source = sources[part["source_id"]]
            for column in ("speaker_id", "chapter", "source_id", "sha256", "pcm_sha256", "group_id"):
                used.setdefault(column, {}).setdefault(row["split"], set()).add(source[column])
            assert source["split"] == row["split"]
    for column, by_split in used.items():
        assert len(by_split) == 3
        total = sum(len(values) for values in by_split.values())
        assert total == len(set().union(*by_split.values())), f"{column} shared between splits"


def test_voices_are_not_tied_to_classes(folder):
    """Speaker by class: a chi-square test for each sex; a planner that ties voices to classes gives p near zero."""
    worst = 1.0
    for split in CLIPS:
        for sex in "FM":
            table: Counter[tuple[str, str]] = Counter()
            for row in _plan(folder):
                if row["split"] != split:
                    continue
                for part in row["parts"]:
                    source = _sources(folder)[part["source_id"]]
                    if source["sex"] == sex:
                        table[source["speaker_id"], row["cell"]] += 1
            worst = min(worst, chi_square(table))
    assert worst > 1e-4


def test_the_chi_square_of_this_file_sees_a_tie():
    tied = Counter({("a", "F"): 40, ("a", "FF"): 10, ("b", "F"): 10, ("b", "FF"): 40})
    free = Counter({("a", "F"): 26, ("a", "FF"): 24, ("b", "F"): 25, ("b", "FF"): 25})
    assert chi_square(tied) < 1e-6
    assert chi_square(free) > 0.5


def test_twenty_demo_voices_are_cut_four_three_three(tmp_path):
    """A split with clips of up to three voices of one sex needs three of each, whatever its share."""
    sources = planned(tmp_path, plan=("--clips", "36/36/36")).parent / "sources.parquet"
    voices = {(row["split"], row["sex"], row["speaker_id"]) for row in rows(sources, "split", "sex", "speaker_id")}
    counts = Counter((split, sex) for split, sex, _ in voices)
    assert counts == {(split, sex): n for split, n in (("train", 4), ("val", 3), ("test", 3)) for sex in "FM"}


@needs_data
def test_each_corpus_is_cut_alike_in_sex(tmp_path):
    plan = planned(tmp_path, DATA / "LibriSpeech", DATA / "ravdess", split="60/20/20", plan=("--speakers", "1-2"))
    found = {(s["split"], s["corpus"], s["sex"], s["speaker_id"]) for s in rows(plan.parent / "sources.parquet")}
    counts = Counter(key[:3] for key in found)
    for corpus, voices in (("librispeech", 13), ("ravdess", 5)):
        for sex in "FM":
            for split, share in (("train", 0.6), ("val", 0.2), ("test", 0.2)):
                assert abs(counts[split, corpus, sex] - share * voices) <= 1.5, (split, corpus, sex, counts)


def test_balance_n_takes_the_sexes_as_the_pool_has_them(tmp_path):
    """Ten women and ten men: half of all speakers, and the number of women binomial."""
    plan = planned(tmp_path, plan=("--clips", "3600/0/0", "--balance", "n"), split="100/0/0")
    counts = Counter((row["n_speakers"], row["n_female"]) for row in rows(plan))
    for n, f in CELLS:
        assert abs(counts[n, f] - Fraction(3600 * comb(n, f), 3 * 2**n)) < 1


def test_balance_cells_makes_all_classes_alike(tmp_path):
    plan = planned(tmp_path, plan=("--clips", "3600/0/0", "--balance", "cells"), split="100/0/0")
    counts = Counter((row["n_speakers"], row["n_female"]) for row in rows(plan))
    assert counts == dict.fromkeys(CELLS, 400)


def test_balance_by_a_csv(tmp_path):
    (tmp_path / "mine.csv").write_text("n_female,n_male,weight\n1,0,2\n0,1,1\n2,0,0\n1,1,0.5\n0,3,1/3\n")
    plan = planned(tmp_path, plan=("--clips", "2300/0/0", "--balance", tmp_path / "mine.csv"), split="100/0/0")
    counts = Counter(row["cell"] for row in rows(plan))
    assert counts == {"F": 1200, "M": 600, "FM": 300, "MMM": 200}


def test_irrational_shares_are_rounded_and_recorded(tmp_path):
    text = "n_female,n_male,weight\n1,0,0.3333333333333333\n0,1,0.6666666666666667\n"
    (tmp_path / "odd.csv").write_text(text)
    plan = planned(tmp_path, plan=("--clips", "900/0/0", "--balance", tmp_path / "odd.csv"), split="100/0/0")
    recorded = json.loads(pq.ParquetFile(plan).metadata.metadata[b"cells"])
    assert sum(recorded.values()) <= 10_000
    counts = Counter(row["cell"] for row in rows(plan))
    assert abs(counts["F"] - 300) <= 1 and sum(counts.values()) == 900


def test_the_command_says_what_it_planned(tmp_path):
    folder = planned(tmp_path, plan=("--clips", "180/36/36")).parent
    said = synth("plan", folder / "sources.parquet", "--clips", "180/36/36", "-o", folder / "again.parquet", "--json")
    assert said.json["clips"] == {"train": 180, "val": 36, "test": 36}
    counts = Counter((row["split"], row["cell"]) for row in _plan(folder))
    assert {(s, c): n for s, cells in said.json["cells"].items() for c, n in cells.items()} == counts


_READ: dict[tuple[Path, str], list[dict]] = {}


def _table(path: Path) -> list[dict]:
    if (path, "rows") not in _READ:
        _READ[path, "rows"] = rows(path)
    return _READ[path, "rows"]


def _plan(folder: Path) -> list[dict]:
    return _table(folder / "plan.parquet")


def _sources(folder: Path) -> dict[str, dict]:
    return {row["source_id"]: row for row in _table(folder / "sources.parquet")}


def _speakers(folder: Path, split: str, sex: str) -> Iterable[list[str]]:
    """Yield the speakers of a sex in each clip of a split, in order."""
    sources = _sources(folder)
    for row in _plan(folder):
        if row["split"] == split:
            parts = [sources[part["source_id"]] for part in row["parts"]]
            yield [part["speaker_id"] for part in parts if part["sex"] == sex]
