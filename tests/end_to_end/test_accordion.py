"""The recipe of found audio, whole: lists, fetch, index, clean, manifest, audit, through ``synth run`` against a site on this machine.

Its judge's checkpoint is not there: no label is judged, all are kept, and everything says so.
"""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.audio.media import encoded, noise
from tests.end_to_end.commands import SYNTH, files, synth
from tests.fetching.server import Site, Video

RECIPE = Path(__file__).resolve().parents[2] / "recipes" / "accordion.toml"
NAMES = {
    "/m/0mkg": "Accordion",
    "/t/dd00002": "Baby cry, infant cry",
    "/m/04szw": "Musical instrument",
    "/m/09x0r": "Speech",
}
WANTED = ["Accordion", "Baby cry, infant cry", "Musical instrument"]
HEADER = "# Segments csv created for a test\n# num_ytids={n}, num_segs={n}, num_unique_labels=4, num_positive_labels={p}\n# YTID, start_seconds, end_seconds, positive_labels\n"
LABELS = (
    ["/m/0mkg"],
    ["/t/dd00002"],
    ["/m/04szw"],
    ["/m/0mkg", "/m/04szw"],
    ["/t/dd00002", "/m/09x0r"],
    ["/m/04szw", "/m/09x0r"],
)
START_S, CLIP_S = 1, 10


def name(k: int) -> str:
    return f"{'-_aA'[k % 4]}{k:02d}cordion_"


@pytest.fixture(scope="module")
def media():
    """Twelve seconds of another noise for each video."""
    return {name(k): encoded("webm", noise(12, 48000, seed=k)) for k in range(30)}


def lists(folder: Path) -> None:
    """AudioSet's lists, small, where downloaded ones are kept: 30 segments with the labels, 6 without any of them."""
    folder.mkdir(parents=True)
    rows = [(name(k), LABELS[k % len(LABELS)]) for k in range(30)] + [
        (f"speech{k:05d}", ["/m/09x0r"]) for k in range(6)
    ]
    for file, some in (("balanced_train_segments.csv", rows[::2]), ("eval_segments.csv", rows[1::2])):
        lines = [f'{ytid}, {START_S}.000, {START_S + CLIP_S}.000, "{",".join(mids)}"\n' for ytid, mids in some]
        header = HEADER.format(n=len(some), p=sum(len(mids) for _, mids in some))
        (folder / file).write_text(header + "".join(lines))
    classes = "".join(f'{k},{mid},"{text}"\n' for k, (mid, text) in enumerate(NAMES.items()))
    (folder / "class_labels_indices.csv").write_text("index,mid,display_name\n" + classes)


@pytest.fixture
def place(tmp_path):
    """An empty folder with the recipe, at a pace that a test can wait for, and a cache that holds the lists and no checkpoint."""
    lists(tmp_path / "cache" / "audioset")
    (tmp_path / "here").mkdir()
    text = RECIPE.read_text(encoding="utf-8")
    assert 'pace = "300/h"' in text
    (tmp_path / "here" / "accordion.toml").write_text(text.replace('"300/h"', '"1000000/h"'))
    return tmp_path


def environment(site: Site, place: Path) -> dict[str, str]:
    return {
        **site.environment(place / "site"),
        "SYNTH_CACHE_DIR": str(place / "cache"),
        "HF_HOME": str(place / "hub"),
    }


def data_set(folder: Path) -> list[dict]:
    rows = pq.read_table(folder / "manifest.parquet").to_pylist()
    for row in rows:
        assert row["labels"] and set(row["labels"]) <= set(WANTED)
        assert row["labels_mask"] == [False] * len(row["labels"])
        assert (row["duration_s"], row["rate_hz"]) == (10.0, 48000)
    return rows


def test_the_recipe_makes_a_data_set(place, media):
    with Site({ytid: Video(data, 12) for ytid, data in media.items()}) as site:
        done = synth("run", "accordion.toml", cwd=place / "here", **environment(site, place))
        assert site.ids("media") == set(media), "one download a video, none without a label asked for"
        site.forget()
        synth("run", "accordion.toml", cwd=place / "here", **environment(site, place))
        assert not site.ids(), "nothing is asked for twice"
    assert "$ synth fetch-audioset" in done.says and "$ synth audit accordion" in done.says
    rows = data_set(place / "here" / "accordion")
    assert len(rows) == 30
    says_that_nothing_was_judged(place / "here", done.says)
    groups = {}
    for row in rows:
        groups.setdefault(row["parts"][0]["source_id"], set()).add(row["split"])
    assert all(len(splits) == 1 for splits in groups.values())
    for label in WANTED:
        for split in ("train", "val", "test"):
            assert any(label in row["labels"] for row in rows if row["split"] == split)


def says_that_nothing_was_judged(here: Path, said: str) -> None:
    """See the table, the screen and the data card say what is missing."""
    verdicts = pq.read_table(here / "accordion-verdicts.parquet").to_pylist()
    assert {(row["verdict"], row["by"], row["reason"]) for row in verdicts} == {
        ("unjudged", "model", "not judged: the checkpoint 630k-audioset-best is not on this machine")
    }
    assert "NO LABEL IS JUDGED: the checkpoint 630k-audioset-best is not on this machine" in said
    assert "lukewys/laion_clap/resolve/main/630k-audioset-best.pt (1.9 GB)" in said
    assert "35 labels were not judged: kept" in said
    card = (here / "accordion" / "README.md").read_text(encoding="utf-8")
    assert "the verdicts that were given judge none of them (labels_mask is false throughout)" in card


def test_what_could_not_be_had_is_listed_and_the_rest_is_made(place, media):
    videos = {ytid: Video(data, 12) for ytid, data in media.items()}
    videos[name(3)] = Video(error="Private video. Sign in if you've been granted access to this video")
    videos[name(7)] = Video(error="Video unavailable. This video has been removed by the uploader")
    with Site(videos) as site:
        done = synth("run", "accordion.toml", code=4, cwd=place / "here", **environment(site, place))
    assert "items missing" in done.says
    ledger = pq.read_table(place / "here" / "accordion-audio" / "ledger.parquet").to_pylist()
    assert {row["ytid"]: row["status"] for row in ledger if row["status"] != "ok"} == {
        name(3): "private",
        name(7): "gone",
    }
    assert len(data_set(place / "here" / "accordion")) == 28
    synth("audit", "accordion", cwd=place / "here")


def test_killed_anywhere_the_next_run_finishes(place, media):
    (place / "other").mkdir()
    (place / "other" / "accordion.toml").write_text((place / "here" / "accordion.toml").read_text())
    with Site({ytid: Video(data, 12) for ytid, data in media.items()}) as site:
        env = environment(site, place)
        synth("run", "accordion.toml", cwd=place / "other", **env)
        stations = ("accordion-sources.parquet", "accordion-verdicts.parquet", "accordion/plan.parquet")
        for k in range(4 + len(stations)):
            site.forget()
            process = subprocess.Popen(
                [*SYNTH, "run", "accordion.toml", "--quiet"],
                cwd=place / "here",
                env={**os.environ, **env},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            if k < 4 and not site.wait("media", 1 + 3 * k, 60):
                pytest.fail(process.communicate()[1].decode())
            elif k >= 4:  # in the stations after the fetch
                until(place / "here" / stations[k - 4], process)
            process.send_signal(signal.SIGKILL)
            process.communicate()
        synth("run", "accordion.toml", cwd=place / "here", **env)
    assert files(place / "here" / "accordion") == files(place / "other" / "accordion")
    assert not list((place / "here").rglob(".*")), "nothing half-written stays"


def until(path: Path, process: subprocess.Popen) -> None:
    """Wait until a file is there, or the process has ended."""
    while not path.exists() and process.poll() is None:
        try:
            process.wait(0.01)
        except subprocess.TimeoutExpired:
            continue


def test_the_shipped_recipe_is_understood():
    done = synth("run", RECIPE, "--dry-run")
    assert done.out.count("$ synth ") == 5
