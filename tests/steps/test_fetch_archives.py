"""A corpus arrives whole in one folder, whatever happens on the way, and index reads it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

import synth
from synth.errors import InputError, PartialError, UsageError
from synth.fetching.archives import Patience
from synth.fetching.unpacked import UnsafeError
from tests.fetching.loopback import Fault, serving
from tests.fetching.published import acted, actors, noise, subset, tree, voices
from tests.real_data import DATA, needs_data

NOW = Patience(silent_s=5, waits_s=(0.0,))
PATIENCE_S = 60


@pytest.fixture(autouse=True)
def direct(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def site():
    with serving() as site:
        yield site


@pytest.fixture
def tiny(site):
    return subset(site, voices("train-clean-5"), mirrors=2)


def fetch(archive, out, **options):
    options = {"patience": NOW, "archives": {archive.part: archive}, **options}
    return synth.fetch_librispeech([archive.part], out=out, **options)


def corpus(members):
    """What is to lie in the folder of the corpus."""
    return {name.removeprefix("LibriSpeech/"): content for name, content in members.items()}


def test_a_subset_is_fetched_unpacked_counted_and_indexed(site, tiny, tmp_path):
    out = tmp_path / "LibriSpeech"
    (done,) = fetch(tiny, out)
    assert (done.had.recordings, done.had.speakers) == (tiny.recordings, tiny.speakers) == (100, 20)
    assert (done.source, done.downloaded_bytes) == (tiny.urls[0], tiny.bytes)
    assert tree(out) == corpus(voices("train-clean-5")), "and nothing else: no archive, no lock, no temporary name"
    found = synth.index([out]).table
    assert found.num_rows == 100
    assert set(found["subset"].to_pylist()) == {"train-clean-5"}
    assert set(found["status"].to_pylist()) == {"ok"}


def test_what_is_there_is_not_asked_for(site, tiny, tmp_path):
    fetch(tiny, tmp_path / "L")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "L").rglob("*")}
    site.requests.clear()
    (again,) = fetch(tiny, tmp_path / "L", mirror="http://127.0.0.1:9/none")
    assert again.source is None
    assert again.had.recordings == 100
    assert site.requests == []
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "L").rglob("*")} == before


def test_two_subsets_share_a_folder(site, tiny, tmp_path):
    other = subset(site, voices("dev-clean-2"), "dev-clean-2")
    known = {tiny.part: tiny, other.part: other}
    done = synth.fetch_librispeech(["dev-clean-2", "train-clean-5", "dev-clean-2"], out=tmp_path / "L", archives=known)
    assert [one.archive.part for one in done] == ["dev-clean-2", "train-clean-5"]
    assert tree(tmp_path / "L") == corpus(voices("dev-clean-2")) | corpus(voices("train-clean-5"))


def test_a_folder_that_is_there_in_part_is_completed(site, tiny, tmp_path):
    """Cut files are replaced, absent ones added; what is the user's own stays."""
    members = corpus(voices("train-clean-5"))
    names = [name for name in members if name.endswith(".flac")]
    for name in names[:40]:
        (tmp_path / "L" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "L" / name).write_bytes(members[name])
    (tmp_path / "L" / names[3]).write_bytes(members[names[3]][:100])
    (tmp_path / "L" / names[4]).write_bytes(b"")
    (tmp_path / "L" / "my-notes").write_text("mine")
    fetch(tiny, tmp_path / "L")
    assert tree(tmp_path / "L") == {**members, "my-notes": b"mine"}


def test_ravdess_is_fetched_and_indexed(site, tmp_path):
    members = acted()
    archive = actors(site, members)
    (done,) = synth.fetch_ravdess(out=tmp_path / "RAVDESS", archives={"speech": archive}, patience=NOW)
    assert (done.had.recordings, done.had.speakers) == (4, 2)
    inner = "Audio_Speech_Actors_01-24"
    assert tree(tmp_path / "RAVDESS") == {f"{inner}/{name}": content for name, content in members.items()}
    found = synth.index([tmp_path / "RAVDESS"], rate=48000).table
    assert sorted(set(found["speaker_id"].to_pylist())) == ["ravdess/01", "ravdess/02"]
    assert set(found["status"].to_pylist()) == {"ok"}


@needs_data
def test_real_recordings_of_both_corpora(site, tmp_path):
    """Real files in the layout of the archives; the names of RAVDESS' codes and of LibriSpeech's tables are real."""
    libri = {
        f"LibriSpeech/{path.relative_to(DATA / 'LibriSpeech').as_posix()}": path.read_bytes()
        for pattern in ("*.TXT", "train-clean-5/**/*.*")
        for path in sorted((DATA / "LibriSpeech").glob(pattern))
    }
    archive = subset(site, libri)
    (done,) = fetch(archive, tmp_path / "LibriSpeech")
    assert (done.had.recordings, done.had.speakers) == (171, 23)
    assert tree(tmp_path / "LibriSpeech") == corpus(libri)
    found = synth.index([tmp_path / "LibriSpeech"])
    assert found.counts == {"ok": 171}
    assert [corpus.title for _, corpus in found.corpora] == ["Mini LibriSpeech (SLR31)"]
    acting = {
        path.relative_to(DATA / "ravdess").as_posix(): path.read_bytes()
        for path in sorted((DATA / "ravdess").glob("Actor_*/*.wav"))
    }
    (done,) = synth.fetch_ravdess(out=tmp_path / "RAVDESS", archives={"speech": actors(site, acting)})
    assert (done.had.recordings, done.had.speakers) == (4, 3)
    assert synth.index([tmp_path / "RAVDESS"]).table.num_rows == 4


def test_ravdess_unpacked_by_hand_is_complete(site, tmp_path):
    members = acted()
    archive = actors(site, members)
    for name, content in members.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (done,) = synth.fetch_ravdess(out=tmp_path, archives={"speech": archive})
    assert done.source is None
    assert site.requests == []


def test_a_mirror_of_ones_own_comes_first(site, tiny, tmp_path):
    content = site.files.pop("/0/train-clean-5.tar.gz")
    site.files["/own/train-clean-5.tar.gz"] = content
    (done,) = fetch(tiny, tmp_path / "L", mirror=site.url("/own/"))
    assert done.source == site.url("/own/train-clean-5.tar.gz")
    assert [path for path, _ in site.requests] == ["/own/train-clean-5.tar.gz"]


def test_a_cut_and_a_mirror_without_it_and_one_with_another_file(site, tmp_path):
    members = noise("train-clean-5", 30, 20_000)
    archive = subset(site, members, mirrors=4)
    first, second, third, fourth = (f"/{k}/train-clean-5.tar.gz" for k in range(4))
    site.faults[first] = [Fault(cut_after=200_000), Fault(status=500)]
    site.faults[second] = [Fault(status=404)]
    site.files[third] = bytes(archive.bytes)
    (done,) = fetch(archive, tmp_path / "L")
    assert tree(tmp_path / "L") == corpus(members)
    assert done.source == site.url(fourth)
    assert site.requests == [
        (first, None),
        (first, "bytes=200000-"),
        (second, "bytes=200000-"),
        (third, "bytes=200000-"),  # and so the whole has another checksum
        (fourth, None),
    ]


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("beside", [False, True])
def test_an_archive_put_there_by_hand_is_used_and_kept(site, tiny, tmp_path, keep, beside):
    out = tmp_path / "L"
    out.mkdir()
    mine = (tmp_path if beside else out) / tiny.name
    mine.write_bytes(site.files["/0/train-clean-5.tar.gz"])
    (done,) = fetch(tiny, out, keep_archive=keep)
    assert (done.source, done.downloaded_bytes) == (tiny.name, 0)
    assert site.requests == []
    assert mine.exists()


@pytest.mark.parametrize("content", [b"half", None], ids=["its size", "its checksum"])
def test_another_archive_put_there_by_hand_is_refused_and_kept(site, tiny, tmp_path, content):
    out = tmp_path / "L"
    out.mkdir()
    (out / tiny.name).write_bytes(content or bytes(tiny.bytes))
    with pytest.raises(InputError, match=rf"train-clean-5\.tar\.gz has .* wanted {tiny.bytes:,} bytes with md5"):
        fetch(tiny, out)
    assert (out / tiny.name).read_bytes() == (content or bytes(tiny.bytes))
    assert [path.name for path in out.iterdir()] == [tiny.name]
    (out / tiny.name).rename(out / f"{tiny.name}.part")  # as the message advises
    fetch(tiny, out)
    assert tree(out) == corpus(voices("train-clean-5"))


def test_the_archive_is_kept_where_that_is_asked_for(site, tiny, tmp_path):
    fetch(tiny, tmp_path / "L", keep_archive=True)
    assert (tmp_path / "L" / tiny.name).read_bytes() == site.files["/0/train-clean-5.tar.gz"]
    assert not list((tmp_path / "L").glob("*.part"))


def test_nobody_has_it(site, tiny, tmp_path):
    site.files.clear()
    with pytest.raises(InputError) as caught:
        fetch(tiny, tmp_path / "L")
    assert caught.value.exit_code == 3
    for text in (*tiny.urls, "404", "by hand", tiny.md5, f"put it into {tmp_path / 'L'} or beside it, as {tiny.name}"):
        assert text in str(caught.value)
    assert not (tmp_path / "L").exists(), "nothing is left behind"


def test_one_of_two_is_partly_done(site, tiny, tmp_path):
    other = replace(subset(site, voices("dev-clean-2"), "dev-clean-2"), urls=(site.url("/gone"),))
    known = {tiny.part: tiny, other.part: other}
    with pytest.raises(PartialError, match=r"(?s)train-clean-5 of .* is there, dev-clean-2 is not\. .*by hand"):
        synth.fetch_librispeech([other.part, tiny.part], out=tmp_path / "L", archives=known, patience=NOW)
    assert tree(tmp_path / "L") == corpus(voices("train-clean-5"))


def test_an_archive_without_all_its_recordings_is_not_complete(site, tiny, tmp_path):
    more = replace(tiny, recordings=101)
    with pytest.raises(PartialError, match="train-clean-5 is not complete: 100 of 101 recordings by 20 of 20 speakers"):
        fetch(more, tmp_path / "L")


@pytest.mark.parametrize("evil", ["../evil", "/tmp/evil-archive", "LibriSpeech/../../evil"])
def test_a_hostile_archive_leaves_nothing(site, tiny, tmp_path, evil):
    archive = subset(site, {**voices("train-clean-5"), evil: b"x"})
    out = tmp_path / "deep" / "L"
    with pytest.raises(UnsafeError, match="its member"):
        fetch(archive, out)
    assert [path.name for path in out.iterdir()] == [f"{archive.name}.part"]
    assert not list(tmp_path.rglob("evil*")) and not Path("/tmp/evil-archive").exists()


def test_an_archive_of_something_else_is_refused(site, tmp_path):
    archive = subset(site, {"LibriTTS/train-clean-5/1/1/1-1-0000.flac": b"x"})
    with pytest.raises(InputError, match="no folder LibriSpeech/"):
        fetch(archive, tmp_path / "L")
    assert not list((tmp_path / "L").rglob("*.flac"))


def test_too_small_a_disk_is_said_before_anything_is_fetched(site, tiny, tmp_path):
    with pytest.raises(InputError, match=r"PB are needed .* GB are free on the disk of .*--out"):
        fetch(replace(tiny, unpacked_bytes=1 << 60), tmp_path / "L")
    assert site.requests == []
    assert not (tmp_path / "L").exists()


def test_a_subset_that_does_not_exist(site, tiny, tmp_path):
    with pytest.raises(
        UsageError, match=r"no subset 'train-clean-6'; did you mean 'train-clean-5'\? Known: train-clean-5"
    ):
        synth.fetch_librispeech(["train-clean-6"], out=tmp_path / "L", archives={tiny.part: tiny})
    with pytest.raises(UsageError, match="--mirror"):
        fetch(tiny, tmp_path / "L", mirror="/my/disk")
    assert not (tmp_path / "L").exists()


CHILD = """
import sys
from pathlib import Path
import synth
from synth.fetching.known import LIBRISPEECH
from dataclasses import replace
url, size, md5, recordings, speakers, out = sys.argv[1:]
archive = replace(
    LIBRISPEECH["train-clean-5"], urls=(url,), bytes=int(size), md5=md5, recordings=int(recordings), speakers=int(speakers)
)
synth.fetch_librispeech(["train-clean-5"], out=out, archives={"train-clean-5": archive})
"""


def started(archive, out):
    words = [archive.urls[0], archive.bytes, archive.md5, archive.recordings, archive.speakers, out]
    return subprocess.Popen([sys.executable, "-c", CHILD, *map(str, words)], stderr=subprocess.DEVNULL)


def size(path):
    return path.stat().st_size if path.exists() else 0


def killed(archive, out, moment):
    """Start a fetch and kill it -9 when the moment has come; False where it had ended before."""
    child = started(archive, out)
    end = time.monotonic() + PATIENCE_S
    while not moment() and child.poll() is None and time.monotonic() < end:
        time.sleep(0.001)
    child.kill()
    return child.wait() == -signal.SIGKILL


def test_killed_while_unpacking_nothing_is_half_there_and_nothing_is_fetched_again(site, tmp_path):
    members = noise("train-clean-5", 3000, 15_000)
    archive, out = subset(site, members), tmp_path / "L"
    assert killed(archive, out, lambda: len(list(out.glob(".partial-*/LibriSpeech/*/*/*/*"))) > 20)
    assert not (out / "train-clean-5").exists()
    assert (out / f"{archive.name}.part").stat().st_size == archive.bytes
    site.requests.clear()
    (done,) = fetch(archive, out)
    assert site.requests == []
    assert done.downloaded_bytes == 0
    assert tree(out) == corpus(members)


def test_killed_at_any_byte_it_goes_on(site, tmp_path):
    members = noise("train-clean-5", 1000, 20_000)
    archive, out = subset(site, members), tmp_path / "L"
    part, chance = out / f"{archive.name}.part", random.Random(5)
    for _ in range(8):
        site.faults[f"/0/{archive.name}"] = [Fault(cut_after=2_000_000, hold=True)]
        enough = size(part) + chance.randint(1, 2_000_000)
        assert killed(archive, out, lambda enough=enough: size(part) >= enough)
        assert [path.name for path in out.glob("[!.]*")] == [part.name]
    assert size(part) > 2_000_000
    site.faults.clear()
    have = size(part)
    (done,) = fetch(archive, out)
    assert done.downloaded_bytes == archive.bytes - have
    assert tree(out) == corpus(members)
    starts = [int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0 for _, asked in site.requests]
    assert starts == sorted(set(starts)), "each run goes on where the last one was"


def test_ctrl_c_keeps_what_was_received(site, tmp_path):
    archive, out = subset(site, noise("train-clean-5", 30, 20_000)), tmp_path / "L"
    site.faults[f"/0/{archive.name}"] = [Fault(cut_after=300_000, hold=True)]
    child = started(archive, out)
    part = out / f"{archive.name}.part"
    end = time.monotonic() + PATIENCE_S
    while (not part.exists() or part.stat().st_size < 300_000) and time.monotonic() < end:
        time.sleep(0.001)
    os.kill(child.pid, signal.SIGINT)
    assert child.wait() != 0
    assert [path.name for path in out.iterdir()] == [part.name]
    fetch(archive, out)
    assert site.requests[-1][1] == "bytes=300000-"


def test_two_runs_at_once_do_not_mix(site, tmp_path):
    archive, out = subset(site, noise("train-clean-5", 30, 20_000)), tmp_path / "L"
    site.faults[f"/0/{archive.name}"] = [Fault(cut_after=100_000, hold=True)]
    child = started(archive, out)
    end = time.monotonic() + PATIENCE_S
    while not (out / f"{archive.name}.part").exists() and time.monotonic() < end:
        time.sleep(0.001)
    with pytest.raises(InputError, match=f"process {child.pid}"):
        fetch(archive, out)
    child.kill()
    child.wait()
    fetch(archive, out)
