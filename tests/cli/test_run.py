"""``synth run``: a recipe is the same commands typed one after another."""

from __future__ import annotations

import json

import click
import pytest

from synth import demo, recipe
from synth.cli.main import COMMANDS, main
from synth.cli.run import line_of
from tests.cli.test_commands import run, says
from tests.end_to_end.commands import files, synth

CLIPS = 'clips = "24/12/12"\n'


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_command_has_a_table_but_those_that_wait_for_someone():
    assert set(recipe.COMMANDS) <= set(COMMANDS)
    assert set(COMMANDS) - set(recipe.COMMANDS) <= {"run", "review"}


def test_a_recipe_is_the_commands_typed(here):
    (here / "room.toml").write_text(
        f'[index]\npaths = ["{demo.folder()}"]\nout = "sources.parquet"\n'
        '[split]\nsources = "sources.parquet"\nspeakers = "1-2"\nout = "split.parquet"\n'
        f'[plan]\nsources = "split.parquet"\nspeakers = "1-2"\n{CLIPS}level-dbfs = "-30:-25"\nstems = true\nout = "plan.parquet"\n'
        '[render]\nplan = "plan.parquet"\nsources = "split.parquet"\nout = "room"\n'
        '[audit]\nfolder = "room"\n'
    )
    done = synth("run", "room.toml", cwd=here)
    for line in (
        f"$ synth index --out=sources.parquet {demo.folder()}",
        "$ synth plan --speakers=1-2 --clips=24/12/12 --level-dbfs=-30:-25 --stems --out=plan.parquet split.parquet",
        "$ synth audit room",
    ):
        assert line in done.says
    typed = here / "typed"
    synth("index", demo.folder(), "-o", "s.parquet", cwd=here)
    synth("split", "s.parquet", "--speakers", "1-2", "-o", "t.parquet", cwd=here)
    options = ["--speakers", "1-2", "--clips", "24/12/12", "--level-dbfs=-30:-25", "--stems"]
    synth("plan", "t.parquet", *options, "-o", "p.parquet", cwd=here)
    synth("render", "p.parquet", "--sources", "t.parquet", "-o", typed, cwd=here)
    synth("audit", typed, cwd=here)
    assert files(here / "room") == files(typed)


def test_a_folder_without_a_name_is_named_after_the_recipe(here):
    (here / "crowd.toml").write_text(f'[mix]\nspeakers = "1-2"\n{CLIPS}')
    synth("run", "crowd.toml", cwd=here)
    assert (here / "crowd" / "audit.json").exists()


def test_json_is_one_object_with_every_command(here):
    (here / "crowd.toml").write_text(f'[mix]\nspeakers = "1-2"\n{CLIPS}[verify]\nfolder = "crowd"\n')
    first, second = json.loads(run("run", "crowd.toml", "--json").stdout)["commands"]
    assert first["result"]["clips"] == {"train": 24, "val": 12, "test": 12}
    assert second["command"] == "synth verify crowd"
    assert second["result"]["holds"] is True


def test_a_dry_run_prints_the_commands_and_makes_nothing(here):
    (here / "crowd.toml").write_text(f"[mix]\n{CLIPS}")
    assert "$ synth mix --clips=24/12/12 --out=crowd" in says(run("run", "crowd.toml", "--dry-run"))
    assert [path.name for path in here.iterdir()] == ["crowd.toml"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('[mix]\nclip = "1/1/1"', "[mix]: unknown key 'clip'; did you mean 'clips'?"),
        ('[mixx]\nclips = "1/1/1"', "[mixx] is no command with a recipe"),
        ('[mix]\nclips = ["1/1/1", "2/2/2"]', "clips = ['1/1/1', '2/2/2'] (list); wanted three whole numbers"),
        ("[mix]\nclips = {a = 1}", "clips = {'a': 1} (dict); wanted three whole numbers"),
        ('[fetch-audioset]\nlabel = "a"\nlimit = [1, 2]', "limit has 2 values; synth takes one --limit"),
        ("[audit]\nfolder = {a = 1}", "folder = {'a': 1}; wanted a text"),
        ('[mix]\nseconds = "long"', "seconds = 'long' (str); wanted a number"),
        ('[clean]\nprecision = "long"', "'long' is not a valid float"),
        ('[index]\npaths = "x"', "[index]: Missing option '-o' / '--out'"),
        ("", "holds no table"),
        ("[mix]\nquiet = true\n", "unknown key 'quiet'"),
    ],
)
def test_a_wrong_recipe_runs_nothing(here, text, wanted):
    (here / "wrong.toml").write_text(text)
    result = run("run", "wrong.toml")
    assert result.exit_code == 2
    assert wanted in says(result)
    assert [path.name for path in here.iterdir()] == ["wrong.toml"]


def test_a_missing_recipe_is_named(here):
    result = run("run", "nowhere.toml")
    assert result.exit_code == 3
    assert "nowhere.toml: no such recipe" in says(result)


def test_the_commands_stop_at_the_first_that_fails(here):
    (here / "broken.toml").write_text('[audit]\nfolder = "not-there"\n' + f'[mix]\nspeakers = "1-2"\n{CLIPS}')
    assert run("run", "broken.toml").exit_code == 3
    assert not (here / "broken").exists()


def test_arguments_that_begin_with_a_dash_stay_arguments(here):
    line = line_of("audit", {"folder": "--all"}, here / "x.toml")
    context = line.command.make_context("audit", list(line.arguments))
    assert context.params["folder"] == "--all"
    assert context.params["everything"] is False
    assert isinstance(main.get_command(click.Context(main), "run"), click.Command)


def test_a_recipe_says_the_same_to_mix_and_to_run(here):
    """With numbers and lists, where the clips go and how many processes make them."""
    (here / "crowd.toml").write_text(
        "[mix]\nspeakers = 2\nclips = [24, 12, 12]\nsplit = [80, 10, 10]\nlevel-dbfs = [-30, -22]\nseconds = 1\n"
        'out = "made"\njobs = 1\n'
    )
    synth("mix", "--recipe", "crowd.toml", cwd=here)
    (here / "made").rename(here / "by-mix")
    ran = synth("run", "crowd.toml", cwd=here)
    assert "$ synth mix --speakers=2 --clips=24/12/12 --split=80/10/10 --level-dbfs=-30:-22" in ran.says
    assert files(here / "made") == files(here / "by-mix")
    synth("mix", "--recipe", "crowd.toml", "--out", "mine", "--speakers", "1", cwd=here)
    found = recipe.of_folder(here / "mine" / "recipe.toml")
    assert (found.speakers, found.clips, found.level_dbfs) == ("1", "24/12/12", "-30:-22")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("jobs = 'two'", "jobs = 'two' (str); wanted a whole number"),
        ("out = 3", "out = 3 (int); wanted a path"),
        ("jbos = 2", "unknown key 'jbos'; did you mean 'jobs'?"),
        ("speakers = 2.5", "speakers = 2.5 (float); wanted a number such as 3"),
        ("clips = [1, 2]", "clips = [1, 2] (list); wanted three whole numbers"),
    ],
)
def test_what_is_wrong_in_a_recipe_is_said_alike_by_mix_and_run(here, line, wanted):
    (here / "crowd.toml").write_text(f"[mix]\n{line}\n")
    for words in (["mix", "--recipe", "crowd.toml"], ["run", "crowd.toml"]):
        result = run(*words)
        assert result.exit_code == 2
        assert wanted in says(result)
    assert [path.name for path in here.iterdir()] == ["crowd.toml"]
