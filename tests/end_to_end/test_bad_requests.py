"""What cannot be done is refused: what was found, what was wanted, what to type; nothing half-written is left."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from synth import demo
from tests.end_to_end.commands import files, litter, planned, rows, synth
from tests.end_to_end.speech import corpus, recordings

SMALL = ("--clips", "60/12/12")
WRONG = {
    "backwards": (["--speakers", "3-1"], "did you mean 1-3?"),
    "no number": (["--speakers", "two"], "wanted a number or a range such as 1-3"),
    "a crowd": (["--speakers", "1-50"], "at most 20 speakers"),
    "negative seconds": (["--seconds", "-1"], "--seconds -1: wanted more than 0 seconds"),
    "no seconds": (["--seconds", "0"], "wanted more than 0 seconds"),
    "not a number of seconds": (["--seconds", "nan"], "wanted more than 0 seconds"),
    "endless": (["--seconds", "inf"], "wanted more than 0 seconds"),
    "not on the grid": (["--seconds", "1.013"], "multiple of 0.02 s; the nearest is 1.02"),
    "longer than the clip": (["--min-active", "2"], "longer than the clip"),
    "two numbers of clips": (["--clips", "10/10"], "three whole numbers such as 3600/360/360"),
    "no clips": (["--clips", "0/0/0"], "three whole numbers"),
    "negative clips": (["--clips", "-5/1/1"], "three whole numbers"),
    "levels backwards": (["--level-dbfs", "-22:-33"], "did you mean -33:-22?"),
    "levels above full scale": (["--level-dbfs", "-10:10"], "wanted -70 to 0 dB"),
    "no level": (["--level-dbfs", "loud"], "wanted LOW:HIGH in dB"),
    "negative ratio": (["--sir-db", "-3"], "wanted 0 to 30"),
    "strange rate": (["--rate", "11025"], "multiple of 50 Hz"),
    "strange balance": (["--balance", "nestet"], "did you mean 'nested'?"),
    "strange split": (["--split", "80/20"], "wanted three shares such as 80/10/10"),
    "negative split": (["--split", "80/-10/30"], "wanted three shares"),
    "no workers": (["-j", "0"], "0 is not in the range"),
    "strange codec": (["--codec", "mp3"], "'mp3' is not one of 'wav', 'flac'"),
    "strange option": (["--speeker", "2"], "--speakers"),
    "root without a path": (["--root", "demo-voices"], "wanted NAME=PATH"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_option_is_a_usage_error(tmp_path, name):
    words, says = WRONG[name]
    refused = synth("mix", *SMALL, *words, "--out", "set", code=2, cwd=tmp_path)
    assert says in refused.says, refused.says
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_command_is_told_the_nearest(tmp_path):
    assert "did you mean 'render'?" in synth("rendr", "plan.parquet", code=2, cwd=tmp_path).says


RECIPES = {
    "unknown key": ("[mix]\nspeekers = '1-2'\n", 2, "unknown key 'speekers'; did you mean 'speakers'?"),
    "wrong type": ("[mix]\nseconds = 'one'\n", 2, "seconds = 'one' (str); wanted a number"),
    "unknown table": ("[mixx]\nseconds = 1\n", 2, "did you mean 'mix'?"),
    "no TOML": ("[mix\n", 3, "is not valid TOML"),
    "wrong value": ("[mix]\nspeakers = '3-1'\n", 2, "did you mean 1-3?"),
    "wrong store": ("[mix]\nstore = 'parket'\n", 2, "parquet"),
}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_that_is_wrong(tmp_path, name):
    text, code, says = RECIPES[name]
    (tmp_path / "mine.toml").write_text(text)
    refused = synth("mix", "--recipe", "mine.toml", *SMALL, code=code, cwd=tmp_path)
    assert says in refused.says, refused.says
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]


def test_a_recipe_that_is_not_there(tmp_path):
    refused = synth("mix", "--recipe", "gone.toml", code=3, cwd=tmp_path)
    assert "gone.toml: no such recipe" in refused.says and "[mix]" in refused.says


def test_an_impossible_split_says_the_numbers_and_the_nearest_that_is_possible(tmp_path):
    root = corpus(tmp_path / "voices")
    refused = synth("mix", "--source", root, "--speakers", "1-2", "--out", tmp_path / "set", code=3)
    assert "3 female speakers are too few: 2 for train, 2 for val, 2 for test make 6" in refused.says
    assert "Nearest feasible: --speakers up to 1 with these 3 splits; or 1 split with up to 2 speakers" in refused.says
    synth(
        "mix",
        "--source",
        root,
        "--speakers",
        "1-2",
        "--split",
        "100/0/0",
        "--clips",
        "60/0/0",
        "--out",
        tmp_path / "set",
    )


def test_more_speakers_than_there_are_is_refused(tmp_path):
    refused = synth(
        "mix", "--speakers", "11", "--split", "100/0/0", "--clips", "60/0/0", "--out", tmp_path / "s", code=3
    )
    assert "10 female speakers are too few" in refused.says and "11 of one sex" in refused.says


def test_clips_longer_than_the_recordings_are_refused_with_the_reason(tmp_path):
    refused = synth("mix", "--seconds", 30, "--out", tmp_path / "set", code=3)
    assert "0 female speakers with a usable recording" in refused.says
    assert "no window with the speaker active" in refused.says and "shorter clips (--seconds)" in refused.says
    assert not (tmp_path / "set").exists()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished folder with its plan."""
    folder = tmp_path_factory.mktemp("made")
    plan = planned(folder, plan=SMALL)
    synth("render", plan, "-o", folder / "set")
    return folder


def test_a_folder_of_another_recipe_is_refused_and_not_touched(made):
    before = files(made / "set")
    for other in (["--seed", 1], ["--clips", "61/12/12"], ["--seconds", 2]):
        refused = synth("mix", *SMALL, *other, "--out", made / "set", code=3)
        assert "holds a data set of another recipe" in refused.says
        assert "choose another --out, or remove that folder" in refused.says
    refused = synth("render", made / "plan.parquet", "--codec", "flac", "-o", made / "set", code=3)
    assert "another --codec" in refused.says
    refused = synth("render", made / "plan.parquet", "--store", "files", "-o", made / "set", code=3)
    assert "another --store" in refused.says
    assert files(made / "set") == before


def test_a_folder_with_other_things_in_it_is_refused_and_not_touched(made, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    refused = synth("render", made / "plan.parquet", "-o", tmp_path, code=3)
    assert "is not empty and holds no data set (thesis.tex)" in refused.says and "another --out" in refused.says
    refused = synth("render", made / "plan.parquet", "-o", tmp_path / "thesis.tex", code=3)
    assert "is a file" in refused.says
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("name", ["README.md", "recipe.toml", "attribution.txt", "manifest.parquet", "data/a.wav"])
def test_things_that_are_called_like_those_of_a_data_set_are_not_overwritten(made, tmp_path, name):
    mine = tmp_path / "project" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("years of work")
    before = files(tmp_path / "project")
    refused = synth("render", made / "plan.parquet", "-o", tmp_path / "project", code=3)
    assert f"is not empty and holds no data set ({name.partition('/')[0]})" in refused.says
    assert files(tmp_path / "project") == before


def test_a_folder_with_its_sources_alone_is_one_that_was_interrupted(made, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "sources.parquet").write_bytes((made / "set" / "sources.parquet").read_bytes())
    synth("render", made / "plan.parquet", "-o", tmp_path / "set")
    assert files(tmp_path / "set") == files(made / "set")


def test_an_output_below_a_file_is_refused(made, tmp_path):
    (tmp_path / "file").write_text("")
    for words in (
        ("render", made / "plan.parquet", "-o", tmp_path / "file" / "set"),
        ("index", "demo-voices", "-o", tmp_path / "file" / "sources.parquet"),
        ("plan", made / "sources.parquet", "-o", tmp_path / "file" / "plan.parquet"),
    ):
        refused = synth(*words, code=3)
        assert str(tmp_path / "file") in refused.says, refused.says


@pytest.mark.parametrize("out", ["folder", ".", "/"])
@pytest.mark.parametrize("command", ["index", "split", "plan", "clean"])
def test_a_folder_where_a_table_is_wanted_is_refused_before_the_work(made, tmp_path, command, out):
    (tmp_path / "folder").mkdir()
    words = {
        "index": ("demo-voices",),
        "split": (made / "indexed.parquet",),
        "plan": (made / "sources.parquet",),
        "clean": (made / "sources.parquet", "--scores", tmp_path / "none.csv"),
    }[command]
    usual = {"index": "sources", "clean": "verdicts"}.get(command, command)
    refused = synth(command, *words, "-o", out, code=3, cwd=tmp_path)
    example = Path(out) / f"{usual}.parquet"
    assert f"-o {out} is a folder; wanted the name of a table, e.g. -o {example}" in refused.says
    assert not any((tmp_path / "folder").iterdir())


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("speakers.csv", "A table that describes them is given beside it: --csv speakers.csv"),
        ("sources.parquet", "given beside it: --csv sources.parquet"),
        ("voice.wav", "e.g. the one that it lies in: ."),
    ],
)
def test_a_file_where_a_folder_of_recordings_is_wanted(tmp_path, name, says):
    (tmp_path / name).write_text("")
    for words in (("index", name, "-o", "new.parquet"), ("mix", "--source", name), ("mix", "--noise", name)):
        refused = synth(*words, code=3, cwd=tmp_path)
        assert f"{name} is a file; wanted a folder of" in refused.says and says in refused.says
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("command", ["audit", "verify"])
def test_what_is_no_data_set_is_said_with_the_one_that_is_meant(made, tmp_path, command):
    for below in ("data", "README.md"):
        refused = synth(command, made / "set" / below, code=3)
        assert f"did you mean the data set {made / 'set'}?" in refused.says
        assert "did you mean the data set set?" in synth(command, f"set/{below}", code=3, cwd=made).says
    refused = synth(command, ".", code=3, cwd=made / "set" / "data")
    assert ". holds no data set (no plan.parquet); did you mean the data set ..?" in refused.says
    (tmp_path / "empty").mkdir()
    refused = synth(command, "empty", code=3, cwd=tmp_path)
    assert "empty holds no data set (no plan.parquet); wanted a data set" in refused.says
    assert "synth mix --speakers 1-3 --out empty-set" in refused.says
    refused = synth(command, "gone", code=3, cwd=tmp_path)
    assert "gone is no folder; wanted a data set" in refused.says and "--out gone" in refused.says


def test_a_source_that_changed_is_named(tmp_path):
    root = corpus(tmp_path / "voices")
    plan = planned(tmp_path, root, split="100/0/0", plan=("--speakers", "1", "--clips", "60/0/0"))
    changed = recordings(root)[0]
    changed.write_bytes(recordings(root)[1].read_bytes())
    refused = synth("render", plan, "-o", tmp_path / "set", code=3)
    assert "1 of 30 recordings are not what this plan was made for" in refused.says
    assert f"voices/{changed.relative_to(root).as_posix()} (sha256" in refused.says
    assert "Put the original files back, or make a new plan: synth index" in refused.says
    changed.unlink()
    refused = synth("render", plan, "-o", tmp_path / "set", code=3)
    assert "1 of 30 recordings of this plan are missing" in refused.says and "--root NAME=PATH" in refused.says
    assert not (tmp_path / "set").exists()


def test_a_corpus_that_is_gone_is_asked_for(tmp_path):
    root = corpus(tmp_path / "voices")
    plan = planned(tmp_path, root, split="100/0/0", plan=("--speakers", "1", "--clips", "60/0/0"))
    root.rename(tmp_path / "moved")
    refused = synth("render", plan, "-o", tmp_path / "set", code=3)
    assert "the corpus 'voices' is not at" in refused.says and "--root voices=PATH" in refused.says
    refused = synth("render", plan, "-o", tmp_path / "set", code=3, SYNTH_CACHE_DIR=str(tmp_path / "new"))
    assert "has not been seen on this machine" in refused.says and "--root voices=PATH" in refused.says
    refused = synth("render", plan, "--root", f"voice={tmp_path / 'moved'}", "-o", tmp_path / "set", code=2)
    assert "no such root in these sources; they use voices" in refused.says
    synth("render", plan, "--root", f"voices={tmp_path / 'moved'}", "-o", tmp_path / "set")


def test_tables_that_are_none(made, tmp_path):
    sources = pq.read_table(made / "sources.parquet")
    less = tmp_path / "less.parquet"
    pq.write_table(sources.drop_columns(["envelope", "sex"]), less)
    refused = synth("split", less, "-o", tmp_path / "out.parquet", code=3)
    assert "lacks the columns sex, envelope of a sources table" in refused.says and "synth index PATH" in refused.says
    refused = synth("plan", less, "-o", tmp_path / "out.parquet", code=3)
    assert "lacks the columns sex, envelope" in refused.says and "synth split" in refused.says
    refused = synth("split", tmp_path / "gone.parquet", "-o", tmp_path / "out.parquet", code=3)
    assert "does not exist" in refused.says and "synth index PATH" in refused.says
    (tmp_path / "text.parquet").write_text("path,sex\n")
    refused = synth("split", tmp_path / "text.parquet", "-o", tmp_path / "out.parquet", code=3)
    assert "is not readable as Parquet" in refused.says
    refused = synth("split", made / "plan.parquet", "-o", tmp_path / "out.parquet", code=3)
    assert "lacks the columns" in refused.says
    refused = synth("render", made / "sources.parquet", "-o", tmp_path / "set", code=3)
    assert "lacks the columns" in refused.says and "synth plan" in refused.says
    assert not (tmp_path / "out.parquet").exists() and not (tmp_path / "set").exists()


def test_a_plan_that_was_cut(made, tmp_path):
    for name in ("plan.parquet", "sources.parquet"):
        data = (made / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) // 2] if name == "plan.parquet" else data)
    refused = synth("render", tmp_path / "plan.parquet", "-o", tmp_path / "set", code=3)
    assert "is not readable as Parquet" in refused.says and "synth plan" in refused.says
    assert not (tmp_path / "set").exists()


def test_a_plan_with_other_sources_is_refused(made, tmp_path):
    synth("split", made / "indexed.parquet", "--seed", 9, *SMALL, "-o", tmp_path / "other.parquet")
    words = ["render", made / "plan.parquet", "--sources", tmp_path / "other.parquet", "-o", tmp_path / "set"]
    refused = synth(*words, code=3)
    assert "made from other sources" in refused.says and "--sources FILE" in refused.says


def test_planning_before_splitting_says_what_is_missing(made, tmp_path):
    refused = synth("plan", made / "indexed.parquet", "-o", tmp_path / "plan.parquet", code=3)
    assert "no splits yet: synth split sources.parquet" in refused.says
    refused = synth("plan", made / "sources.parquet", "--rate", 8000, "-o", tmp_path / "plan.parquet", code=3)
    assert "measured for clips at 16000 Hz, the plan asks for 8000 Hz" in refused.says and "--rate 8000" in refused.says


def some_voices(folder, *more: str) -> Path:
    """Copy two recordings of the demo voices into a folder, and write a table beside it that names them and ``more``."""
    folder.mkdir()
    paths = recordings(demo.folder())[:2]
    for path in paths:
        shutil.copy(path, folder)
    table = folder.with_suffix(".csv")
    table.write_text(
        "\n".join(["path,speaker_id,sex", *(f"{path.name},s{k},F" for k, path in enumerate(paths)), *more])
    )
    return table


def test_planning_before_splitting_is_noticed_where_a_recording_is_not_used(tmp_path):
    table = some_voices(tmp_path / "own", "gone.wav,s1,F")
    done = synth("index", tmp_path / "own", "--csv", table, "-o", tmp_path / "sources.parquet")
    assert "not used: 1 missing" in done.says
    refused = synth("plan", tmp_path / "sources.parquet", "-o", tmp_path / "plan.parquet", code=3)
    assert "no splits yet: synth split sources.parquet" in refused.says


def test_nothing_is_called_unchanged_that_nobody_has_read(tmp_path):
    table = some_voices(tmp_path / "own")
    (tmp_path / "own" / "beside.wav").write_bytes(b"never read")
    words = ("index", tmp_path / "own", "--csv", table, "-o", tmp_path / "sources.parquet")
    cache = {"SYNTH_CACHE_DIR": str(tmp_path / "cache")}
    first = synth(*words, **cache)
    assert "not used: 1 not-in-csv" in first.says and "2 measured now" in first.says and "unchanged" not in first.says
    assert "all unchanged since last time" in synth(*words, **cache).says
    with recordings(tmp_path / "own")[0].open("ab") as file:
        file.write(b"\0")
    assert "1 measured now, the others unchanged since last time" in synth(*words, **cache).says


def test_mixtures_of_recordings_without_speakers_are_refused_with_what_is_lacking(tmp_path):
    table = some_voices(tmp_path / "own")
    table.write_text(table.read_text().replace("speaker_id", "note"))
    refused = synth("mix", "--source", tmp_path / "own", "--csv", table, "--out", tmp_path / "set", code=3)
    assert "none of the 2 recordings that can be used has a speaker" in refused.says
    assert "the columns path, speaker_id and sex" in refused.says and "--csv FILE" in refused.says
    table.write_text(table.read_text().replace("note", "speaker_id").replace(",sex", ",age"))
    refused = synth("mix", "--source", tmp_path / "own", "--csv", table, "--out", tmp_path / "set", code=3)
    assert "row 2 of own.csv says nothing of it (wanted F or M in the column sex)" in refused.says


def test_a_shard_that_was_cut_is_made_again(made, tmp_path):
    out = tmp_path / "set"
    shutil.copytree(made / "set", out)
    shard = next((out / "data").glob("train-*"))
    shard.write_bytes(shard.read_bytes()[:10_000])
    (out / "manifest.parquet").unlink()
    synth("render", made / "plan.parquet", "-o", out)
    assert files(out) == files(made / "set")


@pytest.fixture
def tiny_disk(tmp_path):
    """Mount a disk of the size asked for, and unmount it."""
    mounted: list[Path] = []

    def mount(kilobytes: int) -> Path:
        folder = tmp_path / f"disk-{len(mounted)}"
        folder.mkdir()
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder], capture_output=True
        )
        if made.returncode:
            pytest.skip("a small disk cannot be mounted here")
        mounted.append(folder)
        return folder

    try:
        yield mount
    finally:
        for folder in mounted:
            subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize(("store", "jobs"), [("parquet", 1), ("parquet", 2), ("files", 2)])
def test_a_disk_that_fills_up(tmp_path, tiny_disk, store, jobs):
    """What is finished is kept, nothing half-written is left, and with more room the same command goes on."""
    plan = planned(tmp_path, plan=("--clips", "60/60/60"))
    disk = tiny_disk(5_650)  # 180 clips have 5,625 KiB of samples; with their headers and labels they need some more
    out = disk / "set"
    words = ["render", plan, "--store", store, "-j", jobs, "-o", out]
    failed = synth(*words, code=3)
    assert "disk is full" in failed.says and "goes on where it stopped" in failed.says and "left there" in failed.says
    assert not (out / "manifest.parquet").exists()
    assert litter(out) == []
    subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
    synth(*words)
    synth(*words[:-1], tmp_path / "whole" / "set")
    assert files(out) == files(tmp_path / "whole" / "set")


def test_a_disk_that_is_too_small_from_the_start(made, tiny_disk):
    disk = tiny_disk(500)
    refused = synth("render", made / "plan.parquet", "-o", disk / "set", code=3)
    assert "needs about" in refused.says and "are free there" in refused.says and "--codec flac" in refused.says
    assert list(disk.iterdir()) == []


def test_a_table_on_a_full_disk(made, tiny_disk):
    disk = tiny_disk(8)
    for words in (
        ("index", "demo-voices", "-o", disk / "sources.parquet"),
        ("split", made / "indexed.parquet", "-o", disk / "sources.parquet"),
        ("plan", made / "sources.parquet", "--clips", "3600/360/360", "-o", disk / "plan.parquet"),
    ):
        failed = synth(*words, code=3)
        assert "disk is full" in failed.says
        assert list(disk.iterdir()) == []


def test_a_cache_on_a_full_disk(tmp_path, tiny_disk):
    """The cache is a help, not a need; if it cannot be written at all, the error says which folder and how to choose."""
    disk = tiny_disk(64)
    done = synth("index", "demo-voices", "-o", tmp_path / "sources.parquet", code=None, SYNTH_CACHE_DIR=str(disk))
    assert done.code in (0, 3)
    if done.code == 3:
        assert "cache" in done.says and str(disk) in done.says and "SYNTH_CACHE_DIR" in done.says
        assert not (tmp_path / "sources.parquet").exists()
    else:
        assert len(rows(tmp_path / "sources.parquet", "path")) == 100


def test_a_cache_that_is_a_file(tmp_path):
    (tmp_path / "cache").write_text("")
    words = ["index", "demo-voices", "-o", tmp_path / "sources.parquet"]
    failed = synth(*words, code=3, SYNTH_CACHE_DIR=str(tmp_path / "cache"))
    assert "SYNTH_CACHE_DIR" in failed.says and str(tmp_path / "cache") in failed.says


def test_a_damaged_cache_is_named_or_made_anew(tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "index.sqlite").write_bytes(b"this is no data base" * 100)
    words = ["index", "demo-voices", "-o", tmp_path / "sources.parquet"]
    done = synth(*words, code=None, SYNTH_CACHE_DIR=str(cache))
    assert done.code == 0 or (done.code == 3 and str(cache) in done.says)
