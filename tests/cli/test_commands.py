"""The commands as their users see them: help, suggestions, exit codes, one JSON object."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from synth import demo
from synth.cli.main import COMMANDS, main

SMALL = ["--speakers", "1-2", "--clips", "24/12/12", "-j", "1"]


def run(*words: object) -> Result:
    found = CliRunner().invoke(main, [str(word) for word in words], prog_name="synth")
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found


def says(result: Result) -> str:
    return " ".join((result.stdout + result.stderr).split())


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> Path:
    """A folder with sources, split and plan of the demo voices."""
    folder = tmp_path_factory.mktemp("tables")
    for words in (
        ["index", demo.folder(), "-o", folder / "sources.parquet"],
        ["split", folder / "sources.parquet", "--speakers", "1-2", "-o", folder / "split.parquet"],
        ["plan", folder / "split.parquet", *SMALL[:4], "-o", folder / "plan.parquet"],
    ):
        assert run(*words, "--quiet").exit_code == 0
    return folder


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example_and_explains_every_option(name):
    result = run(name, "--help")
    assert result.exit_code == 0
    assert f"Example: synth {name} " in says(result)
    command = main.get_command(click.Context(main), name)
    silent = [one.name for one in command.params if isinstance(one, click.Option) and not one.help]
    assert silent == []
    options = {option for one in command.params for option in one.opts}
    assert {"--quiet", "--json"} <= options
    assert "--out" not in options or "-o" in options
    assert command.get_short_help_str(200).rstrip(".") != ""


def test_the_command_alone_lists_all_commands():
    text = says(run("--help"))
    assert all(f"{name} {line}" in text for name, line in COMMANDS.items())
    assert run("-h").stdout == run("--help").stdout
    assert "synth" in run("--version").stdout


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("mxi", "mix"), ("plna", "plan"), ("idnex", "index"), ("verfy", "verify"), ("rendre", "render")],
)
def test_an_unknown_command_is_told_the_nearest(typed, meant):
    result = run(typed)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert f"no command '{typed}'; did you mean '{meant}'?" in says(result)


@pytest.mark.parametrize(
    ("command", "typed", "meant"),
    [
        ("mix", "--speeker", "--speakers"),
        ("plan", "--sir", "--sir-db"),
        ("render", "--stem", "--stems"),
        ("mix", "--sources", "--source"),
        ("mix", "--min_active", "--min-active"),
        ("fetch-audioset", "--lable", "--label"),
    ],
)
def test_an_unknown_option_is_told_the_nearest(command, typed, meant):
    result = run(command, typed, "2")
    assert result.exit_code == 2
    assert f"No such option '{typed}'. Did you mean '{meant}'?" in says(result)


@pytest.mark.parametrize(
    ("command", "typed"), [("mix", "--foo"), ("verify", "--out"), ("index", "--zzz"), ("audit", "--weights=3")]
)
def test_an_option_that_is_near_to_none_gets_no_suggestion(command, typed):
    result = run(command, "x", typed)
    assert result.exit_code == 2
    assert f"No such option '{typed.partition('=')[0]}'." in says(result)
    assert "mean" not in says(result)


def test_a_name_like_no_command_gets_no_suggestion():
    result = run("zzzzzz")
    assert result.exit_code == 2
    assert "did you mean" not in says(result)
    assert "synth --help" in says(result)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["mix", "--speakers", "3-1"], 2, "did you mean 1-3"),
        (["mix", "--speakers", "0-2"], 2, "--noise"),
        (["mix", "--clips", "10/2"], 2, "--clips"),
        (["mix", "--seconds", "x"], 2, "--seconds"),
        (["mix", "-j", "0"], 2, "-j"),
        (["mix", "--codec", "mp3"], 2, "mp3"),
        (["mix", "--balance", "nestd"], 2, "did you mean 'nested'"),
        (["mix", "--recipe", "none.toml"], 3, "no such recipe"),
        (["mix", "--source", "none"], 3, "none does not exist"),
        (["mix", "--source", "none", "--root", "x"], 2, "--root"),
        (["index", "none", "-o", "s.parquet"], 3, "none does not exist"),
        (["index", "-o", "s.parquet"], 2, "PATHS"),
        (["index", "none", "--rate", "123", "-o", "s.parquet"], 2, "--rate 123"),
        (["split", "none.parquet", "-o", "s.parquet"], 3, "none.parquet does not exist"),
        (["plan", "none.parquet", "-o", "p.parquet"], 3, "synth index"),
        (["render", "none.parquet", "-o", "d"], 3, "synth plan"),
        (["audit", "none"], 3, "none"),
        (["verify", "none"], 3, "none"),
    ],
)
def test_what_is_wrong_has_an_exit_code_and_a_sentence(tmp_path, monkeypatch, words, code, text):
    monkeypatch.chdir(tmp_path)
    result = run(*words, "--quiet")
    assert result.exit_code == code, says(result)
    assert result.stdout == ""
    assert result.stderr.count("Error: ") == 1
    assert text in says(result)
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_what_the_voices_cannot_give_is_refused_with_what_they_can(tables, tmp_path):
    result = run("split", tables / "sources.parquet", "--speakers", "1-5", "-o", tmp_path / "s.parquet")
    assert result.exit_code == 3
    assert "10 female speakers are too few: 5 for train, 5 for val, 5 for test make 15" in says(result)
    assert "--speakers up to 3" in says(result)
    assert run("split", tables / "sources.parquet", "--speakers", "1-3", "-o", tmp_path / "s.parquet").exit_code == 0


def test_a_plan_of_sources_without_splits_says_what_to_type(tables, tmp_path):
    result = run("plan", tables / "sources.parquet", "-o", tmp_path / "p.parquet")
    assert result.exit_code == 3
    assert "synth split" in says(result)
    assert not (tmp_path / "p.parquet").exists()


@pytest.mark.parametrize("place", ["folder", "below a file"])
def test_an_output_that_cannot_be_written_is_an_input_error(tables, tmp_path, place):
    target = tmp_path / "t"
    if place == "folder":
        target.mkdir()
    else:
        target.write_text("x")
        target = target / "s.parquet"
    result = run("split", tables / "sources.parquet", "--speakers", "1-2", "-o", target)
    assert result.exit_code == 3
    assert str(tmp_path / "t") in says(result)


def one_object(result: Result) -> dict[str, object]:
    assert result.exit_code == 0, says(result)
    lines = result.stdout.splitlines()
    assert len(lines) == 1, "one object on standard output and nothing else"
    found = json.loads(lines[0])
    assert isinstance(found, dict)
    return found


def test_json_is_one_object_and_everything_else_goes_to_standard_error(tables, tmp_path):
    out = tmp_path / "set"
    index = run("index", demo.folder(), "-o", tmp_path / "s.parquet", "--json")
    assert one_object(index)["rows"] == 100
    assert "recordings can be used" in index.stderr
    split = run("split", tables / "sources.parquet", "--speakers", "1-2", "-o", tmp_path / "sp.parquet", "--json")
    assert one_object(split)["groups"]["train/F"] == 6
    plan = run("plan", tables / "split.parquet", *SMALL[:4], "-o", tmp_path / "p.parquet", "--json")
    assert one_object(plan)["clips"] == {"train": 24, "val": 12, "test": 12}
    render = run("render", tables / "plan.parquet", "--sources", tables / "split.parquet", "-o", out, "-j", 1, "--json")
    assert one_object(render)["clips"] == {"train": 24, "val": 12, "test": 12}
    audit = run("audit", out, "--json")
    assert audit.exit_code in (0, 1)
    assert {"out", "holds", "findings"} <= set(json.loads(audit.stdout))
    verify = run("verify", out, "--json")
    assert one_object(verify)["holds"] is True


def test_json_of_a_mix(tmp_path):
    result = run("mix", *SMALL, "--out", tmp_path / "set", "--json")
    assert result.exit_code in (0, 1)
    found = json.loads(result.stdout)
    assert found["clips"] == {"train": 24, "val": 12, "test": 12}
    assert set(found["cells"]["train"].values()) == {4, 6} or sum(found["cells"]["train"].values()) == 24
    assert "demo voices" in result.stderr


def test_quiet_says_nothing(tables, tmp_path):
    words = ["plan", tables / "split.parquet", *SMALL[:4], "-o", tmp_path / "p.parquet"]
    silent, loud = run(*words, "--quiet"), run(*words)
    assert (silent.stdout, silent.stderr) == ("", "")
    assert "next: synth render" in loud.stdout


def test_ctrl_c_is_130_and_says_that_work_is_kept(tmp_path, monkeypatch):
    import synth.steps.index as step

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(step, "index", interrupted)
    result = run("index", demo.folder(), "-o", tmp_path / "s.parquet")
    assert result.exit_code == 130
    assert "Interrupted" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_option_wins_over_the_recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe = tmp_path / "mine.toml"
    recipe.write_text('[mix]\nspeakers = "1-2"\nclips = "12/12/12"\nseed = 4\nrate = 8000\n')
    result = run("mix", "--recipe", recipe, "--seed", 5, "-j", 1, "--quiet")
    assert result.exit_code in (0, 1), says(result)
    from synth.recipe import mix_options, read

    found = mix_options(read(tmp_path / "mine" / "recipe.toml")["mix"], "r")
    assert (found.seed, found.rate, found.speakers, found.codec) == (5, 8000, "1-2", "wav")


def test_an_unknown_key_of_a_recipe_is_a_usage_error(tmp_path):
    recipe = tmp_path / "mine.toml"
    recipe.write_text("[mix]\nspeekers = '1-2'\n")
    result = run("mix", "--recipe", recipe, "--out", tmp_path / "set")
    assert result.exit_code == 2
    assert "did you mean 'speakers'" in says(result)
    assert not (tmp_path / "set").exists()
