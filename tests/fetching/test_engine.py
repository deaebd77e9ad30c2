"""Two hundred segments and everything that can go wrong with them, through the real yt-dlp against a real server."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import soundfile as sf

from synth.errors import InputError, UsageError
from synth.fetching.engine import Outcome, Settings, fetch
from synth.fetching.items import Wanted
from synth.tables import LEDGER
from tests.fetching.server import Site, Video

QUICK = {"pace_per_h": 1e9, "timeout_s": 0.6, "retries": 1, "hold_s": 0.2}
LOOKS_REMOVED = (
    "Video unavailable. This content isn\u2019t available, try again later. The current session has been rate-limited by "
    "YouTube for up to an hour. It is recommended to use `-t sleep` to add a delay between video requests"
)
BOT = (
    "Sign in to confirm you\u2019re not a bot. Use --cookies-from-browser or --cookies for the authentication. See  "
    "https://github.com/yt-dlp/yt-dlp/wiki/FAQ#how-do-i-pass-cookies-to-yt-dlp  for how to manually pass cookies"
)


def name(k: int) -> str:
    """Return the k-th id; some begin with - or _, and two differ in case alone."""
    return f"{'-_aA'[k % 4]}{k:04d}_v-{k % 7}xZ"


def quiet(what: str, done: int, total: int) -> None:
    assert 0 <= done <= total


def run(wanted: list[Wanted], folder: Path, **settings: object) -> Outcome:
    return fetch(wanted, folder, Settings(**{**QUICK, **settings}), quiet)


def rows(folder: Path) -> dict[str, dict]:
    table = pq.read_table(folder / "ledger.parquet")
    assert table.schema.names == LEDGER.names
    return {row["ytid"]: row for row in table.to_pylist()}


def segment(ytid: str, start_s: float = 1.0, end_s: float = 3.0) -> Wanted:
    return Wanted(ytid, start_s, end_s, ("Accordion",), ("/m/0mkg",), "balanced")


def tidy(folder: Path) -> None:
    """Nothing lies in the folder but the ledger and whole clips, each under the name that the ledger has for it."""
    clips = {row["path"]: row for row in pq.read_table(folder / "ledger.parquet").to_pylist() if row["path"]}
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == {"ledger.parquet", *clips}
    for path, row in clips.items():
        assert sha256((folder / path).read_bytes()).hexdigest() == row["sha256"]
        with sf.SoundFile(folder / path) as file:
            assert (file.format, file.subtype, file.channels) == ("FLAC", "PCM_16", 1)
            assert (file.samplerate, file.frames) == (row["rate_hz"], row["frames"])


def kinds(media: dict[str, bytes]) -> list[tuple[Video, str, bool]]:
    """Return what goes wrong, and the status that it must end in, and whether for good."""
    webm = media["webm"]

    def bad(does: str, **more: object) -> Video:
        return Video(webm, 6, does, **more)

    def says(error: str) -> Video:
        return Video(error=error)

    return [
        (bad("404"), "http", True),
        (bad("403", retry_after=""), "http", False),
        (bad("403 once", retry_after=""), "ok", True),
        (bad("429", retry_after="0"), "rate", False),
        (bad("429 once"), "ok", True),
        (bad("500 once"), "ok", True),
        (bad("503"), "http", False),
        (bad("truncated"), "truncated", False),
        (bad("shortened"), "truncated", False),
        (bad("shortened", declared=False), "truncated", False),
        (bad("broken once"), "ok", True),
        (bad("stalled"), "timeout", False),
        (bad("endless"), "http", False),
        (bad("endless", declared=False), "large", True),
        (bad("ok", page="500"), "http", False),
        (bad("ok", page="429 once", retry_after="0"), "ok", True),
        (Video(media["two"], 2), "short", True),
        (Video(media["silence"], 6), "silent", True),
        (Video(b"<html>not found</html>", 6), "truncated", False),
        (Video(webm, 6, extra={"live_status": "is_live"}), "pending", False),
        (says("Video unavailable. This video has been removed by the uploader"), "gone", True),
        (says("Video unavailable"), "gone", True),
        (
            says("Private video. Sign in if you've been granted access to this video. Use --cookies for it"),
            "private",
            True,
        ),
        (says("The uploader has not made this video available in your country"), "geo", True),
        (says("Sign in to confirm your age. This video may be inappropriate for some users."), "age", True),
        (says("Join this channel to get access to members-only content like this video"), "members", True),
        (says("Premieres in 40 minutes"), "pending", False),
        (says("Video unavailable. This video is not available"), "ambiguous", False),
        (
            says("Video unavailable. Playback on other websites has been disabled by the video owner"),
            "ambiguous",
            False,
        ),
        (says("Something that nobody has met yet"), "ambiguous", False),
        (says(LOOKS_REMOVED), "rate", False),
        (says(BOT), "bot", False),
    ]


def test_two_hundred_segments(media, tmp_path, pointed):
    good = [Video(media["webm" if k % 2 else "m4a"], 6) for k in range(168)]
    bad = kinds(media)
    videos = {name(k): video for k, video in enumerate(good)}
    expected = dict.fromkeys(videos, ("ok", True))
    for k, (video, status, permanent) in enumerate(bad):
        videos[name(1000 + k)] = video
        expected[name(1000 + k)] = (status, permanent)
    ids = sorted(videos, key=lambda ytid: sha256(ytid.encode()).digest())  # the bad ones lie scattered
    wanted = [segment(ytid) for ytid in ids]
    wanted += [segment(name(3), 3.5, 4.5), *wanted[:6]]  # a second segment, and some that are asked for twice
    folder = tmp_path / "out"
    with Site(videos) as site:
        pointed(site)
        first = run(wanted, folder, max_bytes=8 << 20)
        assert first.stopped and first.asked == len(videos) + 1
        assert first.by_status.get("pending", 0) > 2  # the stop left some that were not asked for
        for _ in range(2):  # two things stop everything, and each comes last in the run after it stopped one
            outcome = run(wanted, folder, max_bytes=8 << 20)
        assert outcome.stopped and ("--cookies" in outcome.stopped or "hour" in outcome.stopped)
        found = rows(folder)
        assert {ytid: (row["status"], row["permanent"]) for ytid, row in found.items()} == expected
        assert outcome.had == sum(status == "ok" for status, _ in expected.values()) + 1
        assert outcome.by_status == Counter([*(status for status, _ in expected.values()), "ok"])
        assert all(
            row["attempts"] >= 1 and row["time"] and row["message"] for row in found.values() if row["status"] != "ok"
        )
        assert all(row["labels"] == ["Accordion"] and row["subset"] == "balanced" for row in found.values())
        assert {row["codec"] for row in found.values() if row["status"] == "ok"} == {"opus", "aac"}
        tidy(folder)
        one_each = Counter(ytid for (kind, ytid), n in site.asked.items() for _ in range(n) if kind == "media")
        assert all(one_each[name(k)] == 1 for k in range(168))  # once, for two segments and through three runs too

        site.forget()
        for video in videos.values():  # a better day
            if video.error in (LOOKS_REMOVED, BOT):
                video.error, video.media, video.duration_s = None, media["webm"], 6
        outcome = run(wanted, folder, max_bytes=8 << 20)
        transient = {ytid for ytid, (_, permanent) in expected.items() if not permanent}
        assert outcome.stopped is None
        assert site.ids("watch") == transient
        assert site.ids("media") <= transient
        tidy(folder)

        site.forget()
        run([item for item in wanted if expected[item.ytid][0] in ("ok", "gone", "private")], folder)
        assert not site.asked  # nothing to ask for


def test_retry_after_is_honoured(media, tmp_path, pointed):
    videos = {name(k): Video(media["webm"], 6) for k in range(6)}
    videos[name(0)].does = "429 once"
    with Site(videos) as site:
        pointed(site)
        outcome = run([segment(ytid) for ytid in videos], tmp_path / "out", jobs=1)
    times = [at for at, kind, _ in site.times if kind == "watch"]
    assert outcome.had == 6 and outcome.stopped is None
    assert times[1] - times[0] >= 1.0  # the server said one second


def test_a_server_that_refuses_everything_is_left_alone(media, tmp_path, pointed):
    videos = {name(k): Video(media["webm"], 6, "429", retry_after="0") for k in range(40)}
    videos |= {name(50 + k): Video(media["webm"], 6, "429", retry_after="7200") for k in range(3)}
    with Site(videos) as site:
        pointed(site)
        outcome = run([segment(name(50))], tmp_path / "long")
        assert outcome.stopped and "7200 s" in outcome.stopped
        assert rows(tmp_path / "long")[name(50)]["status"] == "rate"
        site.forget()
        for video in videos.values():
            video.retry_after = "0.2"  # neither seconds nor a date: our own waiting time
        outcome = run([segment(ytid) for ytid in videos], tmp_path / "many", hold_s=0.02, jobs=1)
        assert outcome.stopped and "--pace" in outcome.stopped
        assert len(site.ids()) <= 3


def test_no_formats_is_a_fault_of_this_machine(tmp_path, pointed):
    videos = {name(k): Video(b"x", 6, formats=[]) for k in range(30)}
    with Site(videos) as site:
        pointed(site)
        outcome = run([segment(ytid) for ytid in videos], tmp_path, jobs=1)
        assert len(site.ids()) == 5
    assert outcome.stopped and "deno" in outcome.stopped
    assert outcome.by_status == {"pending": 25, "format": 5}


def test_without_a_network_it_stops_soon(tmp_path, pointed):
    videos = {name(k): Video(b"x", 6, formats=[{"url": "http://127.0.0.1:9/nobody"}]) for k in range(30)}
    with Site(videos) as site:
        pointed(site)
        outcome = run([segment(ytid) for ytid in videos], tmp_path, jobs=1, retries=0)
    assert outcome.stopped and "proxy" in outcome.stopped
    assert outcome.by_status == {"pending": 25, "http": 5}


def test_permanent_refusals_are_asked_again_when_wanted(media, tmp_path, pointed):
    videos = {name(0): Video(error="Video unavailable"), name(1): Video(media["webm"], 6)}
    wanted = [segment(ytid) for ytid in videos]
    with Site(videos) as site:
        pointed(site)
        assert run(wanted, tmp_path).by_status == {"gone": 1, "ok": 1}
        site.forget()
        videos[name(0)] = Video(media["m4a"], 6)
        assert run(wanted, tmp_path).had == 1 and not site.asked
        assert run(wanted, tmp_path, retry_permanent=True).had == 2
        assert site.ids() == {name(0)}
    assert rows(tmp_path)[name(0)]["attempts"] == 2


def test_what_has_disappeared_is_marked_and_kept(media, tmp_path, pointed):
    videos = {name(k): Video(media["webm"], 6) for k in range(3)}
    wanted = [segment(ytid) for ytid in videos]
    with Site(videos) as site:
        pointed(site)
        run(wanted, tmp_path)
        videos[name(0)].error = "Private video. Sign in if you've been granted access to this video"
        videos[name(1)].page = "503"
        site.forget()
        outcome = run(wanted, tmp_path, recheck=True)
        assert outcome.by_status == {"ok": 2, "private": 1}
        assert not site.ids("media") and site.ids("watch") == set(videos)
        tidy(tmp_path)  # the clip is there
        videos[name(0)].error = None
        assert run(wanted, tmp_path, recheck=True).had == 3
        assert not site.ids("media")


def test_a_clip_that_was_lost_is_fetched_again(media, tmp_path, pointed):
    videos = {name(k): Video(media["webm"], 6) for k in range(3)}
    wanted = [segment(ytid) for ytid in videos]
    with Site(videos) as site:
        pointed(site)
        run(wanted, tmp_path)
        before = rows(tmp_path)
        (tmp_path / before[name(0)]["path"]).unlink()
        damaged = tmp_path / before[name(1)]["path"]
        damaged.write_bytes(damaged.read_bytes()[:-100])
        site.forget()
        assert run(wanted, tmp_path).had == 3
        assert site.ids("media") == {name(0), name(1)}
    tidy(tmp_path)
    assert {row["sha256"] for row in before.values()} == {row["sha256"] for row in rows(tmp_path).values()}


def test_a_segment_that_ends_elsewhere_is_another(media, tmp_path, pointed):
    with Site({name(0): Video(media["webm"], 6)}) as site:
        pointed(site)
        run([segment(name(0))], tmp_path)
        assert run([segment(name(0), 1, 2)], tmp_path).had == 1
    assert rows(tmp_path)[name(0)]["frames"] == 48000
    tidy(tmp_path)


def test_copies_are_adopted_and_not_fetched(media, tmp_path, pointed):
    copies = tmp_path / "copies"
    copies.mkdir()
    (copies / f"{name(0)}.webm").write_bytes(media["webm"])  # the whole video
    (copies / f"Y{name(1)}.webm").write_bytes(media["two"])  # the segment, by its length
    (copies / f"{name(2)}.m4a").write_bytes(b"no sound")
    (copies / f"{name(3)}_1000.webm").write_bytes(media["silence"])
    (copies / f"{name(4)}.webm").write_bytes(media["webm"])
    (copies / "notes.txt").write_text("not a copy")
    videos = {name(k): Video(media["m4a"], 6) for k in range(4)}
    videos[name(4)] = Video(error="Video unavailable")
    wanted = [segment(ytid) for ytid in videos]
    folder = tmp_path / "out"
    with Site(videos) as site:
        pointed(site)
        run([wanted[4]], folder)
        assert rows(folder)[name(4)]["status"] == "gone"
        site.forget()
        outcome = run(wanted, folder, adopt=(copies,))
        assert (outcome.had, outcome.adopted) == (5, 3)
        assert sum(outcome.not_adopted.values()) == 3
        assert site.ids() == {name(2), name(3)}
        found = rows(folder)
        assert [found[name(k)]["adopted_from"] for k in (0, 1, 4)] == [
            f"{name(0)}.webm",
            f"Y{name(1)}.webm",
            f"{name(4)}.webm",
        ]
        assert found[name(2)]["adopted_from"] is None and found[name(2)]["format_id"] == "251"
        tidy(folder)
        site.forget()
        assert run(wanted, folder, adopt=(copies,)).adopted == 0 and not site.asked


@pytest.mark.parametrize(
    "ytid",
    [
        "--exec",
        "../../x",
        "../../../xx",
        "a" * 10,
        "a" * 12,
        "abc\0efghijk",
        "abcdefghij\n",
        "$(touch x)1",
        "\udcffbcdefghijk",
        "",
    ],
)
def test_hostile_ids_reach_nothing(media, tmp_path, pointed, ytid):
    good = name(1)
    with Site({good: Video(media["webm"], 6)}) as site:
        pointed(site)
        folder = tmp_path / "a" / "b" / "out"
        outcome = run([segment(ytid), segment(good)], folder)
        assert outcome.by_status == {"invalid": 1, "ok": 1}
        assert {path.split("/")[-1] for _, path in site.asked} == {good}
    assert {path.name for path in tmp_path.rglob("*") if path.is_file() and "out" not in path.parts} == set()
    tidy(folder)


@pytest.mark.parametrize("times", [(float("nan"), 3), (0, float("inf")), (3, 1), (-1, 3), (30000, 30_010_000), (2, 2)])
def test_times_that_are_none(tmp_path, times):
    assert run([segment(name(0), *times)], tmp_path).by_status == {"invalid": 1}


def test_ten_times_the_size(media, tmp_path, pointed):
    honest = Video(media["webm"], 6)
    lying = Video(media["webm"], 6, "endless")
    with Site({name(0): lying, name(1): honest}) as site:
        pointed(site)
        outcome = run([segment(name(0)), segment(name(1))], tmp_path, max_bytes=32 << 20)
        assert outcome.by_status == {"http": 1, "ok": 1}
        assert site.sent[name(0)] < 16 << 20  # what it wanted to send: 655 MB
    tidy(tmp_path)


def test_a_video_that_ends_before_the_segment_is_not_downloaded(media, tmp_path, pointed):
    with Site({name(0): Video(media["webm"], 6)}) as site:
        pointed(site)
        assert run([segment(name(0), 10, 20)], tmp_path).by_status == {"short": 1}
        assert run([segment(name(0), 5, 15)], tmp_path / "late").by_status == {"short": 1}
        assert site.asked["media", name(0)] == 1


def test_a_format_larger_than_allowed_is_not_begun(media, tmp_path, pointed):
    with Site({name(0): Video(media["webm"], 6)}) as site:
        pointed(site)
        assert run([segment(name(0))], tmp_path, max_bytes=1000).by_status == {"large": 1}
        assert not site.ids("media")


def test_a_full_disk_stops_everything_and_leaves_nothing(media, tmp_path, pointed):
    resource = pytest.importorskip("resource")
    assert len(media["webm"]) > 48 << 10
    videos = {name(k): Video(media["two"], 2) for k in range(2)} | {name(2): Video(media["webm"], 6)}
    wanted = [segment(ytid, 0.0, 0.2) for ytid in videos]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Site(videos) as site:
        pointed(site)
        resource.setrlimit(resource.RLIMIT_FSIZE, (48 << 10, before[1]))
        try:
            with pytest.raises(InputError, match="disk is full"):
                run(wanted, tmp_path, jobs=1)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert [row["status"] for row in rows(tmp_path).values()] == ["ok", "ok", "pending"]
        tidy(tmp_path)
        assert run(wanted, tmp_path).had == 3
    tidy(tmp_path)


def test_cookies_are_sent_and_nothing_else(media, tmp_path, pointed):
    jar = tmp_path / "cookies.txt"
    jar.write_text("# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\tSID\tverysecret123\n")
    before = jar.read_bytes(), jar.stat().st_mtime_ns
    videos = {name(0): Video(media["webm"], 6), name(1): Video(media["webm"], 6, "403", retry_after="")}
    folder = tmp_path / "out"
    with Site(videos) as site:
        pointed(site)
        outcome = run([segment(ytid) for ytid in videos], folder, cookies=jar)
        assert outcome.by_status == {"ok": 1, "http": 1}
        assert all("SID=verysecret123" in sent for sent in site.cookies)
    assert (jar.read_bytes(), jar.stat().st_mtime_ns) == before
    assert "403" in rows(folder)[name(1)]["message"]  # the server repeated the cookie there
    assert "verysecret" not in repr(rows(folder)) + repr(outcome)


@pytest.mark.parametrize("content", [None, '{"name": "SID", "value": "verysecret"}', "verysecret"])
def test_a_cookie_file_that_is_none(tmp_path, content):
    jar = tmp_path / "jar"
    if content is not None:
        jar.write_text(content)
    with pytest.raises(InputError, match=r"cookies\.txt") as raised:
        run([segment(name(0))], tmp_path / "out", cookies=jar)
    assert "verysecret" not in str(raised.value)


@pytest.mark.parametrize("setting", ["pace_per_h", "jobs", "rate_hz"])
def test_settings_that_cannot_be(tmp_path, setting):
    with pytest.raises(UsageError, match="wanted more than 0"):
        run([segment(name(0))], tmp_path, **{setting: 0})


def test_a_folder_has_one_rate(media, tmp_path, pointed):
    with Site({name(0): Video(media["webm"], 6)}) as site:
        pointed(site)
        assert run([segment(name(0))], tmp_path, rate_hz=16000).had == 1
        with pytest.raises(InputError, match="at 16000 Hz, wanted 48000 Hz"):
            run([segment(name(0))], tmp_path)
    assert rows(tmp_path)[name(0)]["frames"] == 32000
    tidy(tmp_path)


def test_two_writers(media, tmp_path, pointed):
    with Site({name(0): Video(media["webm"], 6, "stalled")}) as site:
        pointed(site)
        first = threading.Thread(target=run, args=([segment(name(0))], tmp_path))
        first.start()
        assert site.wait("media", 1, 20)
        with pytest.raises(InputError, match="being written by process"):
            run([segment(name(0))], tmp_path)
        first.join()
    tidy(tmp_path)


SCRIPT = """
import json, sys
from pathlib import Path
from synth.fetching.engine import Settings, fetch
from synth.fetching.items import Wanted
folder, ids = Path(sys.argv[1]), json.loads(sys.argv[2])
wanted = [Wanted(ytid, 1.0, 3.0) for ytid in ids]
fetch(wanted, folder, Settings(pace_per_h=1e9, timeout_s=5, retries=1, jobs=2), lambda *_: None)
"""


def started(site: Site, folder: Path, ids: list[str]) -> subprocess.Popen:
    words = [sys.executable, "-c", SCRIPT, str(folder), json.dumps(ids)]
    return subprocess.Popen(words, env=site.environment(folder.parent / "site"), stderr=subprocess.PIPE)


def test_killed_ten_times(media, tmp_path, pointed):
    folder = tmp_path / "out"
    videos = {name(k): Video(media["webm" if k % 2 else "m4a"], 6) for k in range(60)}
    videos[name(70)] = Video(error="Video unavailable")
    ids = list(videos)
    with Site(videos) as site:
        pointed(site)
        for k in range(10):
            recorded = (
                {row["ytid"] for row in pq.read_table(folder / "ledger.parquet").to_pylist() if row["path"]}
                if k
                else set()
            )
            site.forget()
            process = started(site, folder, ids)
            assert site.wait("media", 1 + k % 5, 60), process.communicate()[1]
            threading.Event().wait(0.037 * k % 0.1)  # anywhere within a download, a cut, a writing
            process.send_signal(signal.SIGKILL)
            process.communicate()
            assert not recorded & site.ids(), "asked again for what was recorded"
            for row in pq.read_table(folder / "ledger.parquet").to_pylist():  # readable, and true
                assert row["status"] in ("pending", "ok", "gone")
                if row["path"]:
                    assert sha256((folder / row["path"]).read_bytes()).hexdigest() == row["sha256"]
            for path in folder.rglob("*.flac"):
                if not path.name.startswith(".partial-"):
                    assert sf.info(path).frames == 96000  # none half-written under a final name
        assert 0 < len(list(folder.rglob("Y*.flac"))) < 60
        outcome = run([Wanted(ytid, 1.0, 3.0) for ytid in ids], folder)
    assert outcome.by_status == {"ok": 60, "gone": 1}
    tidy(folder)


def test_ctrl_c_leaves_a_state_that_goes_on(media, tmp_path, pointed):
    folder = tmp_path / "out"
    videos = {name(k): Video(media["webm"], 6) for k in range(60)}
    videos[name(5)].does = "stalled"
    with Site(videos) as site:
        pointed(site)
        process = started(site, folder, list(videos))
        assert site.wait("media", 8, 60)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1].decode()
        assert process.returncode != 0 and "KeyboardInterrupt" in said
        tidy(folder)  # no journal, no lock, no temporary folder
        had = {ytid for ytid, row in rows(folder).items() if row["status"] == "ok"}
        assert 0 < len(had) < 60
        videos[name(5)].does = "ok"
        site.forget()
        outcome = run([Wanted(ytid, 1.0, 3.0) for ytid in videos], folder)
        assert outcome.had == 60 and site.ids() == set(videos) - had
    tidy(folder)
