"""A folder that was fetched, indexed: clips with labels, videos as groups, re-uploads in one group."""

from __future__ import annotations

import pytest

from synth import licences
from synth.corpora import read
from synth.errors import InputError
from synth.fetching.engine import Settings, fetch
from synth.fetching.items import Wanted
from synth.fetching.ledger import JOURNAL, NAME
from synth.steps.index import index
from tests.audio.media import encoded, noise
from tests.fetching.conftest import media, no_proxy, pointed  # noqa: F401  # fixtures
from tests.fetching.server import Site, Video

FIRST, AGAIN, OTHER, GONE = "aaaaaaaaaaa", "-aaaaaaaaa_", "bbbbbbbbbbb", "ccccccccccc"
ACCORDION = (("Accordion", "Music"), ("/m/0mkg", "/m/04rlf"))


@pytest.fixture
def folder(tmp_path, media, pointed):  # noqa: F811
    """Two segments of one video, a re-upload of it under another id, another video, and one that is gone."""
    videos = {
        FIRST: Video(media["webm"]),
        AGAIN: Video(media["webm"]),
        OTHER: Video(encoded("webm", noise(6, 48000, seed=5))),
        GONE: Video(error="Video unavailable"),
    }
    wanted = [
        Wanted(FIRST, 1.0, 3.0, *ACCORDION, "balanced"),
        Wanted(FIRST, 3.0, 5.0, ("Speech",), ("/m/09x0r",), "balanced"),
        Wanted(AGAIN, 1.0, 3.0, *ACCORDION, "eval"),
        Wanted(OTHER, 0.0, 2.0, *ACCORDION, "eval"),
        Wanted(GONE, 0.0, 2.0, *ACCORDION, "eval"),
    ]
    with Site(videos) as site:
        pointed(site)
        done = fetch(wanted, tmp_path / "clips", Settings(pace_per_h=1e9), lambda *_: None)
    assert (done.asked, done.had) == (5, 4)
    return tmp_path / "clips"


def test_clips_have_what_the_ledger_says(folder):
    rows = {row["ytid"] + str(row["start_s"]): row for row in index([folder]).table.to_pylist()}
    assert len(rows) == 4
    row = rows[FIRST + "1.0"]
    assert (row["labels"], row["mids"]) == (list(ACCORDION[0]), list(ACCORDION[1]))
    assert (row["start_s"], row["end_s"], row["subset"]) == (1.0, 3.0, "balanced")
    assert (row["corpus"], row["status"], row["duration_s"]) == ("audioset", "ok", 2.0)
    assert row["licence"] == licences.YOUTUBE
    assert row["attribution"].startswith(f"https://youtu.be/{FIRST} ")


def test_a_reupload_is_in_the_group_of_its_original(folder):
    rows = index([folder]).table.to_pylist()
    assert {row["status"] for row in rows} == {"ok"}
    groups = {row["ytid"]: row["group_id"] for row in rows}
    assert groups[FIRST] == groups[AGAIN] != groups[OTHER]
    assert len({row["group_id"] for row in rows if row["ytid"] == FIRST}) == 1


def test_what_was_not_had_is_counted(folder):
    (corpus,) = [corpus for _, corpus in index([folder]).corpora]
    assert [(odd.kind, odd.count) for odd in corpus.oddities] == [("not available: gone", 1)]


def test_a_clip_that_was_deleted_is_a_row_with_a_reason(folder):
    lost = next((folder / "audio").rglob("*.flac"))
    lost.unlink()
    (row,) = [row for row in index([folder]).table.to_pylist() if row["status"] != "ok"]
    assert row["status"] == "missing"
    assert row["path"] == lost.relative_to(folder).as_posix()


def test_a_file_that_the_ledger_does_not_know_is_left_out(folder):
    (folder / "audio" / "mine.wav").write_bytes(b"RIFF")
    (row,) = [row for row in index([folder]).table.to_pylist() if row["status"] != "ok"]
    assert (row["path"], row["status"]) == ("audio/mine.wav", "not-in-ledger")


def test_an_unfinished_fetch_is_not_indexed(folder):
    (folder / JOURNAL).write_bytes(b"{}\n")
    with pytest.raises(InputError, match="Run the same synth fetch-audioset once more"):
        read(folder, "clips")


def test_a_ledger_of_something_else_is_named(folder):
    (folder / NAME).write_bytes(b"PAR1 no table")
    with pytest.raises(InputError, match=r"ledger\.parquet"):
        read(folder, "clips")


def test_as_background_noise_nobody_speaks_and_videos_stay_whole(folder):
    rows = index(["demo-voices"], noise=[folder]).table.to_pylist()
    noise = [row for row in rows if row["root"] == "clips"]
    assert [(row["corpus"], row["status"], row["speaker_id"]) for row in noise] == [("noise", "ok", None)] * 4
    assert {row["licence"] for row in noise} == {licences.YOUTUBE}
    assert len({row["group_id"] for row in noise if row["ytid"] == FIRST}) == 1


def test_a_table_beside_the_ledger_tears_no_video_and_makes_nothing_freer(folder, tmp_path):
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.flac"))
    lines = [f"{path},s{k},F,mine;yours" for k, path in enumerate(paths)]
    table = tmp_path / "labels.csv"
    table.write_text("\n".join(["path,speaker_id,sex,labels", *lines]) + "\n")
    corpus = read(folder, "clips", table)
    items = {item.path: item for item in corpus.items}
    assert sorted(items) == paths and corpus.licence == licences.YOUTUBE
    groups = {item.ytid: set() for item in items.values()}
    for item in items.values():
        assert item.labels == ("mine", "yours") and item.attribution.startswith(f"https://youtu.be/{item.ytid} ")
        groups[item.ytid].add(item.group_id)
    assert groups == {name: {f"audioset/{name}"} for name in (FIRST, AGAIN, OTHER)}
    table.write_text("\n".join(["path,group_id,licence", f"{paths[0]},mine,CC BY 3.0"]) + "\n")
    (item,) = [item for item in read(folder, "clips", table).items if item.path == paths[0]]
    assert (item.group_id, item.licence) == ("clips/mine", "CC-BY-3.0")
