"""``synth.fetch_audioset`` from Python: what it returns, and what comes of what was there before."""

from __future__ import annotations

import pytest

import synth
from synth.errors import InputError, UsageError
from synth.fetching import download
from synth.steps.fetch_audioset import pace_per_h
from tests.audio.media import encoded, noise
from tests.end_to_end.commands import rows
from tests.fetching.server import Site, Video

IDS = [f"-video__{k:03d}" for k in range(6)]


@pytest.fixture
def site(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    videos = {ytid: Video(encoded("webm", noise(3, 48000, seed=k)), 3) for k, ytid in enumerate(IDS)}
    with Site(videos) as site:
        monkeypatch.setattr(download, "EXTRACTORS", [site.extractor()])
        yield site


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "eval_segments.csv"
    path.write_text("".join(f'{ytid}, 0.000, 2.000, "/m/0mkg"\n' for ytid in IDS))
    (tmp_path / "class_labels_indices.csv").write_text('index,mid,display_name\n0,/m/0mkg,"Accordion"\n')
    return path


def test_what_came_of_it_is_returned(site, csv, tmp_path):
    site.videos[IDS[1]] = Video(error="Video unavailable")
    site.videos[IDS[2]].does = "503"
    options = {"csv": [csv], "out": tmp_path / "out", "rate": 16000, "pace": 1e9}
    found = synth.fetch_audioset("accordion", **options)
    assert (found.outcome.asked, found.had, found.missing, found.final, found.answered) == (6, 4, 2, 1, 5)
    assert found.by_reason == {"gone": 1, "http": 1}
    assert found.interval[0] < 4 / 5 < found.interval[1]
    assert found.sources == tmp_path / "out" / "sources.parquet"
    assert {row["subset"] for row in rows(found.sources)} == {"eval"}

    site.videos[IDS[0]] = Video(error="Video unavailable")
    found = synth.fetch_audioset(["/m/0mkg"], recheck=True, **options)
    status = {row["ytid"]: row["status"] for row in rows(tmp_path / "out" / "ledger.parquet")}
    assert status[IDS[0]] == "gone"
    assert (found.had, found.outcome.had) == (4, 3), "what has disappeared since is still there"
    assert len(rows(found.sources)) == 4


def test_clips_of_another_rate_are_refused(site, csv, tmp_path):
    synth.fetch_audioset("Accordion", csv=[csv], out=tmp_path / "out", rate=16000, pace=1e9, limit=1)
    with pytest.raises(InputError, match="16000 Hz, wanted 48000 Hz"):
        synth.fetch_audioset("Accordion", csv=[csv], out=tmp_path / "out", pace=1e9)


@pytest.mark.parametrize(
    ("pace", "per_h"),
    [("300/h", 300), ("5/min", 300), ("1/s", 3600), ("2400/d", 100), ("7.5", 7.5), (60, 60), (1e9, 1e9)],
)
def test_paces(pace, per_h):
    assert pace_per_h(pace) == pytest.approx(per_h)


@pytest.mark.parametrize("pace", ["", "0", "-5/h", "nan", "inf", "1e999", "5/week", "300/h x", "1,5/h"])
def test_no_paces(pace):
    with pytest.raises(UsageError, match="--pace"):
        pace_per_h(pace)
