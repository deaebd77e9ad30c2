"""--json: exactly one object on standard output, of every command, whether it works, fails or is typed wrongly."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from synth import demo
from synth.cli.main import COMMANDS, main
from synth.fetching.known import LIBRISPEECH, RAVDESS
from tests.fetching.loopback import serving
from tests.fetching.published import acted, actors, subset, voices

SMALL = ("--speakers", "1-2", "--clips", "24/12/12")
LISTED = '# num_ytids=1, num_segs=1\n# by hand\n# YTID, start_seconds, end_seconds, positive_labels\nab_defghij-, 0.000, 10.000, "/m/0mkg"\n'
RECIPE = '[mix]\nspeakers = 2\nclips = [24, 12, 12]\njobs = 1\nout = "of recipe"\n[verify]\nfolder = "of recipe"\n'


def run(*words: object) -> Result:
    found = CliRunner().invoke(main, [str(word) for word in words], prog_name="synth")
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found


def the_object(result: Result) -> dict[str, object]:
    (line,) = result.stdout.splitlines()
    found = json.loads(line)
    assert isinstance(found, dict)
    return found


@pytest.fixture
def site(monkeypatch):
    """A server on this machine with small archives; everything else is asked of it as a proxy, and refused."""
    with serving() as site:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, site.base)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.setenv(name, "127.0.0.1")
        monkeypatch.setitem(LIBRISPEECH, "train-clean-5", subset(site, voices("train-clean-5")))
        monkeypatch.setitem(RAVDESS, "speech", actors(site, acted()))
        yield site


@pytest.mark.usefixtures("site")
def test_every_command_prints_one_object(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.csv").write_text(LISTED)
    (tmp_path / "recipe.toml").write_text(RECIPE)
    paths = [path.relative_to(demo.folder()) for path in sorted(demo.folder().rglob("*.flac"))]
    labels = "".join(f"{path},{'FM'[k % 2]}\n" for k, path in enumerate(paths))
    (tmp_path / "labels.csv").write_text(f"path,labels\n{labels}")
    scores = "".join(
        f"{path},{label},{k % 7 + 3 * ('FM'[k % 2] == label)}\n" for k, path in enumerate(paths) for label in "FM"
    )
    (tmp_path / "scores.csv").write_text(f"path,label,score\n{scores}")
    lines = (
        ("fetch-librispeech", "train-clean-5"),
        ("fetch-ravdess",),
        ("fetch-audioset", "--label", "/m/0mkg", "--csv", "list.csv", "--dry-run"),
        ("index", "LibriSpeech", "-o", "s.parquet"),
        ("split", "s.parquet", "--speakers", "1-2", "-o", "split.parquet"),
        ("plan", "split.parquet", *SMALL, "-o", "plan.parquet"),
        ("render", "plan.parquet", "--sources", "split.parquet", "-j", 1, "-o", "set"),
        ("audit", "set"),
        ("verify", "set"),
        ("mix", *SMALL, "-j", 1, "--out", "mixed"),
        ("run", "recipe.toml"),
        ("run", "recipe.toml", "--dry-run"),
        ("index", f"sounds={demo.folder()}", "--csv", "labels.csv", "-o", "sounds.parquet"),
        ("manifest", "sounds.parquet", "--seconds", 1, "--rate", 16000, "-j", 1, "-o", "clips"),
        ("clean", "sounds.parquet", "--scores", "scores.csv", "-o", "verdicts.parquet"),
        ("review", "verdicts.parquet", "--export", "decided.csv"),
        ("review", "verdicts.parquet", "--apply", "decided.csv", "--sources", "sounds.parquet"),
    )
    assert {name for name, *_ in lines} == set(COMMANDS)
    for words in lines:
        result = run(*words, "--json")
        assert result.exit_code in (0, 1), f"{words}\n{result.stderr}"
        found = the_object(result)
        assert "error" not in found, words
        silent = run(*words, "--json", "--quiet")
        assert set(the_object(silent)) == set(found), words
        assert "Error" in silent.stderr or silent.stderr == "", words


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("mix", "--speakers", "9"), 3, "10 female speakers are too few"),
        (("mix", "--speakers", "x"), 2, "--speakers x"),
        (("mix", "--frobnicate"), 2, "No such option"),
        (("fetch-librispeech", "train-clean-50"), 2, "no subset"),
        (("fetch-librispeech", "dev-clean"), 3, "could not be fetched"),
        (("fetch-ravdess", "song"), 3, "could not be fetched"),
        (("fetch-audioset", "--label", "Accordion", "--csv", "nowhere"), 3, "no such file or folder"),
        (("index", "nowhere", "-o", "s.parquet"), 3, "does not exist"),
        (("split", "nowhere.parquet", "-o", "s.parquet"), 3, "does not exist"),
        (("plan", "nowhere.parquet", "-o", "s.parquet"), 3, "does not exist"),
        (("render", "nowhere.parquet", "-o", "set"), 3, "does not exist"),
        (("manifest", "nowhere.parquet", "-o", "set"), 3, "does not exist"),
        (("clean", "nowhere.parquet", "--scores", "x.csv", "-o", "v.parquet"), 3, "does not exist"),
        (("clean",), 2, "wanted a SOURCES table"),
        (("review", "nowhere.parquet"), 3, "does not exist"),
        (("audit", "nowhere"), 3, "is no folder"),
        (("verify", "nowhere"), 3, "is no folder"),
        (("run", "nowhere.toml"), 3, "no such recipe"),
    ],
)
def test_what_fails_is_an_object_too(tmp_path, monkeypatch, words, code, says):
    monkeypatch.chdir(tmp_path)
    result = run(*words, "--json")
    found = the_object(result)
    assert (result.exit_code, found["exit_code"]) == (code, code)
    assert says in found["error"]
    assert says in " ".join(result.stderr.split())
    assert run(*words).stdout.count('{"error"') == 0


def test_a_claim_that_does_not_hold_is_one_object_with_the_findings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("mix", *SMALL, "-j", 1, "--out", "set")
    next((tmp_path / "set" / "data").glob("train-*")).unlink()
    for command in ("audit", "verify"):
        result = run(command, "set", "--json")
        assert result.exit_code == 1
        assert the_object(result)["holds"] is False


def test_a_recipe_that_stops_is_one_object(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.toml").write_text(f'{RECIPE}[audit]\nfolder = "nowhere"\n')
    result = run("run", "r.toml", "--json")
    assert result.exit_code == 3
    assert the_object(result) == {"error": the_object(run("audit", "nowhere", "--json"))["error"], "exit_code": 3}
