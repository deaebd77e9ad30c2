"""The bytes of a data set depend on its recipe and sources alone: not on workers, folders, time, or the way it was made."""

from __future__ import annotations

import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from synth import demo
from tests.end_to_end.commands import cell_names, clips, files, litter, planned, rows, samples, synth, values

# at 48 kHz a shard holds few clips, so there are four shards, and every source is resampled
PLAN = ("--speakers", "1-3", "--clips", "540/45/45", "--rate", 48000, "--seed", 7)
TABLES = ("plan.parquet", "manifest.parquet", "sources.parquet")


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return planned(tmp_path_factory.mktemp("plan"), plan=PLAN, index=("--rate", 48000))


@pytest.fixture(scope="module")
def first(plan, tmp_path_factory):
    """The data set that all others are compared with: one worker."""
    out = tmp_path_factory.mktemp("first") / "out"
    synth("render", plan, "-o", out, "-j", 1)
    return out


def test_several_shards_and_nothing_left_over(first):
    assert len(list((first / "data").iterdir())) >= 4, (
        "the other tests compare orders of work: they need several shards"
    )
    assert litter(first) == []


@pytest.mark.parametrize("jobs", [2, 3])
def test_the_number_of_workers_does_not_show(plan, first, tmp_path, jobs):
    synth("render", plan, "-o", tmp_path / "out", "-j", jobs)
    assert files(tmp_path / "out") == files(first)
    for table in TABLES:
        assert values(tmp_path / "out" / table) == values(first / table)


def test_planning_again_gives_the_same_values_and_bytes(plan, tmp_path):
    again = planned(tmp_path, plan=PLAN, index=("--rate", 48000))
    assert files(tmp_path) == files(plan.parent)
    assert values(again) == values(plan)


def test_another_seed_gives_other_clips(plan, tmp_path):
    other = (*PLAN[:-1], 8)
    synth("plan", plan.parent / "sources.parquet", *other, "-o", tmp_path / "plan.parquet")
    assert values(tmp_path / "plan.parquet") != values(plan)
    mine, theirs = (rows(path, "cell") for path in (plan, tmp_path / "plan.parquet"))
    assert mine == theirs, "the classes are laid out evenly, whatever the seed"


def test_a_corpus_that_moved_renders_the_same_with_an_empty_cache(first, tmp_path):
    elsewhere = tmp_path / "somewhere else" / "müsik"
    shutil.copytree(demo.folder(), elsewhere)
    out = tmp_path / "out"
    synth(
        "render", first / "plan.parquet", "--root", f"demo-voices={elsewhere}", "-o", out, SYNTH_CACHE_DIR=str(tmp_path)
    )
    assert files(out) == files(first)
    assert str(elsewhere) not in "".join(p.read_bytes().decode("latin1") for p in out.rglob("*") if p.is_file())


def test_few_clips_are_read_from_the_files_and_are_the_same_samples(tmp_path):
    """A corpus of the output rate is not decoded for a few windows; the arena holds the same samples."""
    plan = planned(tmp_path, plan=("--speakers", "1-2", "--clips", "12/0/0", "--seconds", 0.4), split="100/0/0")
    synth("render", plan, "-o", tmp_path / "windows", SYNTH_CACHE_DIR=str(tmp_path / "empty"))
    assert not (tmp_path / "empty" / "arena").exists(), "this test is about the path without an arena"
    synth("render", plan, "-o", tmp_path / "arena")
    assert files(tmp_path / "windows" / "data") == files(tmp_path / "arena" / "data")


@pytest.mark.parametrize("store", ["parquet", "files"])
@pytest.mark.parametrize("codec", ["wav", "flac"])
def test_every_store_and_codec_holds_the_same_samples(plan, first, tmp_path, store, codec):
    out = tmp_path / "out"
    synth("render", plan, "-o", out, "--store", store, "--codec", codec)
    assert litter(out) == []
    wanted = {row["clip_id"]: row["audio"] for row in clips(first, "clip_id", "audio")}
    if store == "parquet":
        found = {row["clip_id"]: row["audio"] for row in clips(out, "clip_id", "audio")}
    else:
        named = {row["clip_id"]: row["file_name"] for row in rows(out / "manifest.parquet", "clip_id", "file_name")}
        found = {clip_id: samples(out / name) for clip_id, name in named.items()}
    assert list(found) == list(wanted)
    assert all(np.array_equal(found[clip_id], wanted[clip_id]) for clip_id in wanted)
    same = [name for name in pq.read_schema(first / "manifest.parquet").names if name != "file_name"]
    assert rows(out / "manifest.parquet", *same) == rows(first / "manifest.parquet", *same)


@pytest.mark.parametrize(
    "options", [(), ("--overlap", "0:0.8", "--seconds", 3, "--min-active", 0.3), ("--sir-db", 20, "--codec", "flac")]
)
def test_stems_add_up_to_the_clip_bit_for_bit(tmp_path, options):
    plan = planned(tmp_path, plan=("--speakers", "1-4", "--clips", "300/0/0", *options), split="100/0/0")
    synth("render", plan, "-o", tmp_path / "out", "--stems")
    seen = 0
    for row in clips(tmp_path / "out"):
        stems = np.stack(row["stems"]).astype(np.int64)
        assert len(stems) == len(row["parts"]) == row["n_speakers"]
        assert np.array_equal(stems.sum(axis=0), row["audio"]), row["clip_id"]
        assert all(stem.any() for stem in stems), row["clip_id"]
        seen += 1
    assert seen == 300


def test_a_longer_plan_begins_with_the_shorter_one(tmp_path):
    short = planned(tmp_path, plan=("--speakers", "1-3", "--clips", "3600/360/360"))
    long = tmp_path / "long.parquet"
    synth("plan", tmp_path / "sources.parquet", "--clips", "7200/720/500", "-o", long)
    by_split = {split: [row for row in rows(long) if row["split"] == split] for split in ("train", "val", "test")}
    first = [row for row in rows(short) if row["split"] == "train"]
    assert len(first) == 3600
    assert first == by_split["train"][:3600]
    assert [row for row in rows(short) if row["split"] != "train"] == by_split["val"][:360] + by_split["test"][:360]


def test_a_rendered_prefix_has_the_same_samples(plan, first, tmp_path):
    words = list(PLAN)
    words[words.index("540/45/45")] = "400/40/40"
    synth("plan", plan.parent / "sources.parquet", *words, "-o", tmp_path / "plan.parquet")
    out = tmp_path / "out"
    synth("render", tmp_path / "plan.parquet", "--sources", plan.parent / "sources.parquet", "-o", out)
    wanted = {row["clip_id"]: row["audio"] for row in clips(first, "clip_id", "audio")}
    for row in clips(out, "clip_id", "audio"):
        assert np.array_equal(row["audio"], wanted[row["clip_id"]])


MIX = {
    "plain": ((), "80/10/10"),
    "everything": (
        (
            "--speakers", "1-2", "--seconds", 2, "--rate", 8000, "--balance", "cells", "--seed", 3, "--min-active", 0.5,
            "--sir-db", 8, "--level-dbfs", "-30:-25", "--overlap", "0.2:0.9", "--codec", "flac", "--stems",
        ),
        "60/20/20",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MIX)
def test_mix_is_the_five_commands(tmp_path, name):
    options, split = MIX[name]
    options = ("--clips", "180/36/36", *options)
    at = dict(zip(options[::2], options[1::2], strict=False))
    one, five = tmp_path / "one" / "set", tmp_path / "five" / "set"
    synth("mix", *options, "--split", split, "--out", one)
    rate = ("--rate", at.get("--rate", 16000))
    plan = planned(tmp_path, split=split, plan=_paired(options), index=rate)
    render = [flag for flag in ("--stems",) if flag in options]
    synth("render", plan, "-o", five, *render)
    synth("audit", five)
    pictures = {path for path in files(five) if path.endswith((".png", ".svg"))}
    assert files(one) == files(five, skip=tuple(pictures))
    assert not [path for path in files(one) if path.endswith((".png", ".svg"))], "mix makes no pictures"


def test_a_recipe_is_its_command_line(tmp_path):
    recipe = tmp_path / "mine.toml"
    recipe.write_text(
        '[mix]\nspeakers = "1-2"\nclips = "90/18/18"\nseconds = 2\nseed = 5\nsir-db = 3\nlevel_dbfs = "-30:-24"\n'
        'codec = "flac"\nstems = true\n'
    )
    words = "--speakers 1-2 --clips 90/18/18 --seconds 2 --seed 5 --sir-db 3 --level-dbfs -30:-24 --codec flac --stems"
    synth("mix", "--recipe", recipe, "--out", tmp_path / "recipe" / "set")
    synth("mix", *words.split(), "--out", tmp_path / "words" / "set")
    assert files(tmp_path / "recipe" / "set") == files(tmp_path / "words" / "set")


def test_the_written_recipe_makes_the_data_set_again_and_the_command_line_wins(tmp_path):
    synth("mix", "--clips", "90/18/18", "--seed", 4, "--out", tmp_path / "a" / "set")
    recipe = tmp_path / "a" / "set" / "recipe.toml"
    synth("mix", "--recipe", recipe, "--out", tmp_path / "b" / "set")
    assert files(tmp_path / "a" / "set") == files(tmp_path / "b" / "set")
    synth("mix", "--recipe", recipe, "--seed", 5, "--out", tmp_path / "c" / "set")
    assert values(tmp_path / "c" / "set" / "plan.parquet") != values(tmp_path / "a" / "set" / "plan.parquet")
    assert cell_names(tmp_path / "c" / "set") == cell_names(tmp_path / "a" / "set")


def test_no_out_names_the_folder_after_the_recipe(tmp_path):
    (tmp_path / "crowd.toml").write_text('[mix]\nclips = "18/0/0"\nsplit = "100/0/0"\n')
    synth("mix", "--recipe", "crowd.toml", cwd=tmp_path)
    assert (tmp_path / "crowd" / "audit.json").is_file()


def _paired(options: tuple) -> tuple:
    """Return options without flags: name, value, name, value."""
    return tuple(word for word in options if word != "--stems")
