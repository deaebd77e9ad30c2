"""``synth fetch-audioset`` as its users run it, against a site on this machine: fetched, gone on, adopted, killed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import soundfile as sf

from tests.audio.media import encoded, noise
from tests.end_to_end.commands import SYNTH, Done, rows, synth
from tests.fetching.server import Site, Video

NAMES = 'index,mid,display_name\n0,/m/0mkg,"Accordion"\n1,/t/dd00002,"Baby cry, infant cry"\n2,/m/04szw,"Music"\n'
GONE = "Video unavailable. This video has been removed by the uploader"
BOT = "Sign in to confirm you\u2019re not a bot. Use --cookies for the authentication"
QUICK = ("--rate", "16000", "--pace", "3600000/h")


def ytid(k: int) -> str:
    """Return the k-th id; some begin with - or _."""
    return f"{'-_aA'[k % 4]}{k:04d}_v-xyZ"


@pytest.fixture(scope="session")
def sounds() -> list[bytes]:
    """Fourteen sounds of four seconds, no two alike."""
    return [encoded("webm", noise(4, 48000, seed=k)) for k in range(14)]


@pytest.fixture
def lists(tmp_path) -> Path:
    """A folder with a list of fourteen segments of 2 s, and the names of their classes."""
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "class_labels_indices.csv").write_text(NAMES)
    lines = [
        "# Segments csv created",
        "# num_ytids=14, num_segs=14",
        "# YTID, start_seconds, end_seconds, positive_labels",
    ]
    for k in range(14):
        mids = "/m/0mkg" if k % 2 else "/t/dd00002,/m/04szw"
        lines.append(f'{ytid(k)}, 1.000, 3.000, "{mids}"')
    (folder / "balanced_train_segments.csv").write_text("\n".join(lines) + "\n")
    return folder


def videos(sounds: list[bytes], **special: Video) -> dict[str, Video]:
    return {ytid(k): special.get(f"v{k}", Video(sound, 4)) for k, sound in enumerate(sounds)}


def fetch(site: Site, tmp_path: Path, *words: object, code: int = 0) -> Done:
    """Run the command in an environment in which yt-dlp asks the site."""
    found = ("--label", "Accordion", "--label", "baby cry, infant CRY", "--csv", tmp_path / "lists", *QUICK)
    return synth("fetch-audioset", *found, *words, code=code, cwd=tmp_path, **site.environment(tmp_path / "python"))


def whole(folder: Path, count: int) -> None:
    """The folder has so many clips of 2 s, each in its ledger and its sources with what the list says of it."""
    ledger = [row for row in rows(folder / "ledger.parquet") if row["path"]]
    sources = rows(folder / "sources.parquet")
    assert len(ledger) == count == len(sources)
    assert {row["path"] for row in sources} == {row["path"] for row in ledger}
    for row in sources:
        with sf.SoundFile(folder / row["path"]) as clip:
            assert (clip.samplerate, clip.frames, clip.channels) == (16000, 32000, 1)
        k = int(row["ytid"][1:5])
        assert row["status"] == "ok"
        assert row["labels"] == (["Accordion"] if k % 2 else ["Baby cry, infant cry", "Music"])
        assert row["mids"] == (["/m/0mkg"] if k % 2 else ["/t/dd00002", "/m/04szw"])
        assert (row["subset"], row["start_s"], row["end_s"]) == ("balanced", 1.0, 3.0)
        assert row["group_id"] == f"audioset/{row['ytid']}"
    assert not [path for path in folder.rglob("*") if path.name.startswith(".")]


def test_what_is_missing_is_listed_and_a_second_run_asks_only_for_what_may_be_had(lists, sounds, tmp_path):
    special = {"v2": Video(error=GONE), "v3": Video(error="Private video. Sign in"), "v5": Video(sounds[5], 4, "503")}
    with Site(videos(sounds, **special)) as site:
        done = fetch(site, tmp_path, "--json", code=4)
        found = done.json
        assert (found["selected"], found["asked"], found["had"]) == (14, 14, 11)
        assert found["labels"] == {"Accordion": 7, "Baby cry, infant cry": 7}
        assert (found["rows"], found["skipped"]) == (14, 0)
        assert found["missing"] == {"gone": 1, "private": 1, "http": 1}
        assert found["yield"]["answered"] == 13
        assert found["yield"]["low"] < 11 / 13 < found["yield"]["high"]
        for text in (
            "14 videos to request at 3600000/h",
            "3 of 14 clips are missing: 1 gone, 1 http, 1 private; each has its reason in audioset-accordion/ledger.parquet",
            "1 of them may still be available: run the same command again",
            "Yield: 11 of the 13 that were found or are gone for good, 84.6 % (95 % interval: 57.8 % to 95.7 %)",
            "Next: synth manifest audioset-accordion/sources.parquet --label Accordion --label 'Baby cry, infant cry' "
            "--seconds 10 --rate 16000 -o accordion",
        ):
            assert text in done.says, done.says
        whole(tmp_path / "audioset-accordion", 11)

        site.forget()
        site.videos[ytid(5)].does = "ok"
        done = fetch(site, tmp_path, code=4)
        assert site.ids() == {ytid(5)}
        assert "audioset-accordion has 11 of them, 2 are refused for good" in done.says
        assert "2 of 14 clips are missing" in done.says
        whole(tmp_path / "audioset-accordion", 12)

        site.forget()
        site.videos.update(videos(sounds))
        done = fetch(site, tmp_path, "--retry-permanent")
        assert site.ids() == {ytid(2), ytid(3)}
        whole(tmp_path / "audioset-accordion", 14)

        site.forget()
        assert "Nothing to download" in fetch(site, tmp_path).says
        assert not site.asked


def test_a_larger_limit_adds_to_what_was_fetched(lists, sounds, tmp_path):
    with Site(videos(sounds)) as site:
        fetch(site, tmp_path, "--limit", 4, "--out", "few")
        first = site.ids()
        assert len(first) == 4
        site.forget()
        fetch(site, tmp_path, "--limit", 9, "--out", "few")
        assert len(site.ids()) == 5
        assert not site.ids() & first
        whole(tmp_path / "few", 9)


def test_copies_are_adopted_and_not_fetched(lists, sounds, tmp_path):
    with Site(videos(sounds)) as site:
        fetch(site, tmp_path, "--out", "first")
        copies = tmp_path / "copies"
        copies.mkdir()
        for row in rows(tmp_path / "first" / "ledger.parquet")[:9]:
            (copies / f"Y{row['ytid']}_1.000_3.000.flac").write_bytes((tmp_path / "first" / row["path"]).read_bytes())
        site.forget()
        found = fetch(site, tmp_path, "--out", "second", "--adopt", copies, "--json").json
        assert (found["adopted"], found["had"]) == (9, 14)
        assert len(site.ids()) == 5
        whole(tmp_path / "second", 14)


def test_a_bot_check_stops_politely_and_says_what_to_do(lists, sounds, tmp_path):
    with Site({name: Video(error=BOT) for name in videos(sounds)}) as site:
        done = fetch(site, tmp_path, "--json", "-j", "1", code=4)
        assert len(site.ids()) == 1, "nobody else was asked"
    assert done.json["had"] == 0
    assert done.json["sources"] is None
    assert "not a bot" in done.json["stopped"]
    assert "--cookies" in done.says
    assert "No clip was found" in done.says
    assert not (tmp_path / "audioset-accordion" / "sources.parquet").exists()


def test_killed_and_resumed(lists, sounds, tmp_path):
    slow = ("--pace", "10/s", "-j", "1")
    with Site(videos(sounds)) as site:
        words = ["fetch-audioset", "--label", "Accordion", "--label", "/t/dd00002", "--csv", "lists", *QUICK, *slow]
        env = site.environment(tmp_path / "python")
        with subprocess.Popen([*SYNTH, *words], cwd=tmp_path, env=env, stderr=subprocess.DEVNULL) as killed:
            assert site.wait("media", 6, 120)
            killed.kill()
        assert not (tmp_path / "audioset-accordion" / "sources.parquet").exists()
        asked = site.ids("media")
        assert len(asked) < 14
        site.forget()
        done = fetch(site, tmp_path)
        assert "14 found" in done.says
        assert len(site.ids("media") & asked) <= 1, "only what was not finished is fetched again"
        whole(tmp_path / "audioset-accordion", 14)
    for row in rows(tmp_path / "audioset-accordion" / "ledger.parquet"):
        assert row["status"] == "ok"
    assert (
        pq.read_schema(tmp_path / "audioset-accordion" / "sources.parquet").metadata[b"rate_hz"]
        == json.dumps(16000).encode()
    )
