"""Folders with tables of one's own, through the commands: nobody is in two splits, nothing is guessed, all is said."""

from __future__ import annotations

import csv
import re
import shutil
import unicodedata
from collections import defaultdict
from itertools import cycle
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from synth import demo
from tests.checking.wrong_sets import found, table_edited
from tests.end_to_end.commands import synth

VOICES = [f"{9900 + k}" for k in range(1, 21)]  # odd: women, even: men
WRITE = (
    str,
    str.lower,
    lambda text: f" {text}\t",
    lambda text: unicodedata.normalize("NFD", text),
    lambda text: text.replace(" ", "  "),
)


def sex(voice: str) -> str:
    return "FM"[int(voice) % 2 == 0]


def recordings(root: Path, voices=VOICES, which=slice(None)) -> dict[str, str]:
    """Copy recordings of demo voices flat into a folder; return the voice of each name."""
    root.mkdir(parents=True)
    out = {}
    for voice in voices:
        for path in sorted((demo.folder() / "demo" / voice).rglob("*.flac"))[which]:
            shutil.copy(path, root / path.name)
            out[path.name] = voice
    return out


def table(path: Path, rows, head=("path", "speaker_id", "sex")) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",").writerows([head, *rows])
    return path


def splits_of(out: Path, voice_of) -> dict[str, set[str]]:
    """Return the splits in which each voice is really heard; no clip may hold one twice."""
    splits = defaultdict(set)
    for row in pq.read_table(out / "manifest.parquet", columns=["split", "parts"]).to_pylist():
        voices = [voice_of[part["source_id"]] for part in row["parts"]]
        assert len(set(voices)) == len(voices)
        for voice in voices:
            splits[voice].add(row["split"])
    return splits


def mixed(*words, clips="60/12/12", code=0):
    return synth("mix", *words, "--clips", clips, "-j", 1, code=code)


@pytest.fixture(scope="module")
def spelt(tmp_path_factory):
    """Twenty people whose ids are written in five ways, in two folders that one table describes."""
    home = tmp_path_factory.mktemp("spelt")
    ways, rows, voice_of = cycle(WRITE), [], {}
    for root, which in (("one", slice(0, 3)), ("two", slice(3, 5))):
        for name, voice in recordings(home / root, which=which).items():
            rows.append((f"{root}/{name}", next(ways)(f"Zoë {voice}"), sex(voice)))
            voice_of[f"{root}/{name}"] = voice
    done = mixed(
        "--source", home / "one", "--source", home / "two", "--csv", table(home / "t.csv", rows), "--out", home / "out"
    )
    return home / "out", voice_of, done


class TestSpellings:
    def test_nobody_is_torn(self, spelt):
        out, voice_of, done = spelt
        splits = splits_of(out, voice_of)
        assert set(splits) == set(VOICES)
        assert all(len(found) == 1 for found in splits.values())
        assert re.search(r"\d+ spellings of 20 speakers joined: 'Zoë 9901' = ", done.says)

    def test_the_audit_finds_out_by_itself(self, spelt, tmp_path):
        from synth.steps.audit import audit

        out, _, _ = spelt
        assert found(audit(out, pictures=False), "persons-disjoint").figures["persons"] == 20
        wrong = shutil.copytree(out, tmp_path / "wrong")
        rows = pq.read_table(wrong / "sources.parquet", columns=["speaker_id", "split"]).to_pylist()
        train, test = (next(row["speaker_id"] for row in rows if row["split"] == split) for split in ("train", "test"))
        twin = unicodedata.normalize("NFD", train.upper().replace("T/", "t/"))
        table_edited(wrong / "sources.parquet", "speaker_id", lambda _, who: twin if who == test else who)
        finding = found(audit(wrong, pictures=False), "persons-disjoint")
        assert finding.holds is False
        assert train in finding.says and twin in finding.says


def test_two_roots_with_shared_recordings_are_the_same_people(tmp_path):
    """Each person has a table entry in both roots, under the same id, and one recording is there twice."""
    from synth.steps.audit import audit

    voice_of, given = {}, []
    for root, which in (("a", slice(0, 3)), ("b", slice(2, 5))):
        files = recordings(tmp_path / root, which=which)
        rows = [(name, voice.lower(), sex(voice)) for name, voice in files.items()]
        given += ["--source", tmp_path / root, "--csv", f"{root}={table(tmp_path / f'{root}.csv', rows)}"]
        voice_of |= {f"{root}/{name}": voice for name, voice in files.items()}
    done = mixed(*given, "--out", tmp_path / "out")
    splits = splits_of(tmp_path / "out", voice_of)
    assert all(len(found) == 1 for found in splits.values()) and len(splits) == 20
    assert "not used: 20 duplicate" in done.says
    assert "persons who have several ids" in done.says
    sources = tmp_path / "out" / "sources.parquet"
    his = [row["source_id"][:6] == "b/9901" for row in pq.read_table(sources, columns=["source_id"]).to_pylist()]
    table_edited(sources, "speaker_id", lambda k, value: "b/ 9901" if his[k] else value)
    table_edited(sources, "sex", lambda k, value: "M" if his[k] else value)
    finding = found(audit(tmp_path / "out", pictures=False), "persons-disjoint")
    assert finding.holds is False
    assert re.search(r"1 person both female and male.*9901", finding.says)


def test_a_copy_under_a_freer_licence_frees_nothing(tmp_path):
    """The copies of three recordings of each person are not for sale; the audit finds out where they were made so."""
    from synth.steps.audit import audit

    files, given = recordings(tmp_path / "a"), []
    recordings(tmp_path / "b", which=slice(0, 3))
    for root, licence, credit in (("a", "CC0", "Ann"), ("b", "cc by-nc 4.0", "Bob")):
        rows = [(name, v, sex(v), licence, credit) for name, v in files.items() if (tmp_path / root / name).exists()]
        head = ("path", "speaker_id", "sex", "license", "credit")
        given += ["--source", tmp_path / root, "--csv", f"{root}={table(tmp_path / f'{root}.csv', rows, head)}"]
    done = mixed(*given, "--out", tmp_path / "out")
    assert "recordings whose copies have different licences; the strictest counts" in done.says
    clips = pq.read_table(tmp_path / "out" / "manifest.parquet", columns=["licence", "parts"]).to_pylist()
    for clip in clips:
        copied = any((tmp_path / "b" / part["source_id"].removeprefix("a/")).exists() for part in clip["parts"])
        assert clip["licence"] == ("CC-BY-NC-4.0" if copied else "CC0-1.0")
    assert "Ann; Bob (CC-BY-NC-4.0)" in (tmp_path / "out" / "attribution.txt").read_text()
    sources = tmp_path / "out" / "sources.parquet"
    status = pq.read_table(sources, columns=["status"]).column(0).to_pylist()
    table_edited(sources, "licence", lambda k, value: "CC0-1.0" if status[k] == "ok" else value)
    finding = found(audit(tmp_path / "out", pictures=False), "licence")
    assert finding.holds is False
    assert re.search(r"recordings used under a freer licence than a copy.*CC0-1.0, a copy CC-BY-NC-4.0", finding.says)


def test_the_audit_finds_people_who_share_recordings(tmp_path):
    from synth.steps.audit import audit

    recordings(tmp_path / "a")
    rows = [(name, voice, sex(voice)) for name, voice in recordings(tmp_path / "b").items()]
    mixed("--source", tmp_path / "b", "--csv", table(tmp_path / "t.csv", rows), "--out", tmp_path / "out")
    sources = tmp_path / "out" / "sources.parquet"
    found_rows = pq.read_table(sources, columns=["speaker_id", "split", "sex", "pcm_sha256"]).to_pylist()
    one = next(row for row in found_rows if (row["split"], row["sex"]) == ("train", "F"))
    other = next(k for k, row in enumerate(found_rows) if (row["split"], row["sex"]) == ("test", "F"))
    table_edited(sources, "pcm_sha256", lambda k, value: one["pcm_sha256"] if k == other else value)
    finding = found(audit(tmp_path / "out", pictures=False), "persons-disjoint")
    assert finding.holds is False
    assert one["speaker_id"] in finding.says and found_rows[other]["speaker_id"] in finding.says


def test_words_for_nobody_and_unknown_sexes_are_not_used(tmp_path):
    files = recordings(tmp_path / "src")
    nobody, odd = cycle(["nan", "N/A", "unknown", "-", "<NA>", ""]), cycle(["other", "do_not_wish_to_say", ""])
    words = {"F": "female_feminine", "M": "male_masculine"}
    rows = [
        (next(nobody) if name.endswith("4.flac") else voice, name, next(odd) if voice == "9920" else words[sex(voice)])
        for name, voice in files.items()
    ]
    given = table(tmp_path / "t.tsv", rows, head=("client_id", "path", "gender"))
    done = mixed("--source", tmp_path / "src", "--csv", given, "--out", tmp_path / "out")
    assert "client_id as speaker_id; gender as sex" in done.says
    assert "not used: 20 unknown-speaker" in done.says
    assert "not used: 4 unknown-sex" in done.says
    splits = splits_of(tmp_path / "out", {f"src/{name}": voice for name, voice in files.items()})
    assert set(splits) == set(VOICES) - {"9920"}
    sources = pq.read_table(tmp_path / "out" / "sources.parquet", columns=["status", "reason"]).to_pylist()
    reasons = {row["reason"] for row in sources if row["status"] == "unknown-speaker"}
    assert any(
        "has 'nan' for a speaker, which stands for nobody; if it is somebody's id, write it" in r for r in reasons
    )


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """Recordings of eight demo voices, copied into a folder of one's own."""
    home = tmp_path_factory.mktemp("copies")
    return home, recordings(home / "own", VOICES[:8])


def beside_demo(copies, name_of):
    home, files = copies
    rows = [(name, name_of(voice), sex(voice)) for name, voice in files.items()]
    done = synth(
        "index", "demo-voices", home / "own", "--csv", f"own={table(home / 't.csv', rows)}", "-o", home / "s.parquet"
    )
    return done, pq.read_table(home / "s.parquet").to_pylist()


def test_a_corpus_beside_copies_of_it_under_the_same_ids(copies):
    done, rows = beside_demo(copies, str)
    assert {row["corpus"] for row in rows} == {"demo-voices", "folder"}
    assert {row["licence"] for row in rows if row["corpus"] == "demo-voices"} == {"CC0-1.0"}
    assert {row["speaker_id"] for row in rows} == {f"demo-voices/{voice}" for voice in VOICES}
    assert "own/9901" in done.says and "persons who have several ids" in done.says
    assert {row["root"] for row in rows if row["status"] == "duplicate"} == {"own"}


def test_a_corpus_beside_copies_of_it_under_other_ids(copies):
    _, rows = beside_demo(copies, "person {}".format)
    disputed = [row for row in rows if row["status"] == "conflicting-speakers"]
    assert len(disputed) == 80, "40 recordings, told by both"
    assert "demo-voices/9901 here, own/person 9901 there" in disputed[0]["reason"]
    for row in rows:
        voice = row["path"].rpartition("/")[2][:4]
        assert row["group_id"] == row["speaker_id"] == f"demo-voices/{voice}"


def test_the_splits_of_a_table_are_used_unless_others_are_asked_for(tmp_path):
    files = recordings(tmp_path / "src")
    where = {voice: ("train", "validation", "TEST")[int(k / 2) % 3] for k, voice in enumerate(VOICES)}
    rows = [(name, voice, sex(voice), where[voice]) for name, voice in files.items()]
    given = (
        "--source",
        tmp_path / "src",
        "--csv",
        table(tmp_path / "t.csv", rows, ("path", "speaker_id", "sex", "split")),
    )
    voice_of = {f"src/{name}": voice for name, voice in files.items()}
    done = mixed(*given, "--out", tmp_path / "given")
    assert "the column split of the table is used, as no --split was given" in done.says
    wanted = {voice: {{"validation": "val"}.get(split, split.lower())} for voice, split in where.items()}
    assert splits_of(tmp_path / "given", voice_of) == wanted
    assert 'split = "given"' in (tmp_path / "given" / "recipe.toml").read_text()
    done = mixed(*given, "--split", "80/10/10", "--out", tmp_path / "asked")
    assert "the column split" not in done.says
    assert splits_of(tmp_path / "asked", voice_of) != wanted


def test_labelled_copies_and_split_of_a_manifest(tmp_path):
    files = list(recordings(tmp_path / "src", VOICES[:6]))
    shutil.copy(tmp_path / "src" / files[0], tmp_path / "src" / "aaa.flac")
    splits = cycle(["train", "test"])
    rows = [(name, f"dog|{'big' if k % 2 else 'small'}", next(splits)) for k, name in enumerate(files)]
    given = table(tmp_path / "t.csv", [*rows, ("aaa.flac", "siren", "train")], ("filename", "category", "split"))
    done = synth("index", tmp_path / "src", "--csv", given, "-o", tmp_path / "s.parquet")
    assert "filename as path; category as labels; 30 cells of labels are separated by '|'" in done.says
    status = {row["path"]: row["status"] for row in pq.read_table(tmp_path / "s.parquet").to_pylist()}
    assert done.says.endswith(f"Next: synth manifest {tmp_path}/s.parquet -o {tmp_path}/s")
    assert status.pop("aaa.flac") == status.pop(files[0]) == "conflicting-labels"
    assert set(status.values()) == {"ok"}
    done = synth("manifest", tmp_path / "s.parquet", "--seconds", 1, "--rate", 16000, "-o", tmp_path / "out")
    assert "the column split of the table is used" in done.says
    clips = pq.read_table(tmp_path / "out" / "manifest.parquet", columns=["split", "labels"]).to_pylist()
    assert {label for clip in clips for label in clip["labels"]} == {"dog", "big", "small"}
    assert {clip["split"] for clip in clips} == {"train", "test"}
