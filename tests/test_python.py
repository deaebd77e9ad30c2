"""The commands as functions of Python: signatures, types, errors, what is returned, and that nothing heavy is loaded."""

from __future__ import annotations

import dataclasses
import inspect
import pydoc
import subprocess
import sys
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import click
import numpy as np
import pyarrow as pa
import pytest

import synth
from synth import demo
from synth.cli.main import COMMANDS, main
from synth.errors import SynthError, UsageError
from synth.recipe import ManifestOptions, MixOptions
from synth.steps.keywords import DEFAULTS

FUNCTIONS = [name for name in synth.__all__ if name != "__version__"]
NOT_OF_PYTHON = {"quiet", "as_json", "recipe", "dry_run"}  # what only a screen needs
OTHER_NAMES = {"folder": "out", "lists": "csv", "labels": "label", "sources": "sources"}


def returned(name: str) -> list[type]:
    """Return the dataclasses that a function gives back."""
    hint = inspect.signature(getattr(synth, name)).return_annotation
    return [hint] if get_origin(hint) is None else [one for one in get_args(hint) if dataclasses.is_dataclass(one)]


def test_every_command_is_a_function():
    assert {name.replace("-", "_") for name in COMMANDS} - {"run"} == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_signature_shows_every_option_with_its_type_and_default(name):
    shown = inspect.signature(getattr(synth, name))
    assert not [one for one in shown.parameters.values() if one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL)]
    assert not [one.name for one in shown.parameters.values() if one.annotation is one.empty]
    assert returned(name)
    assert len(str(shown)) < 3000
    command = main.get_command(click.Context(main), name.replace("_", "-"))
    typed = {OTHER_NAMES.get(one.name, one.name) for one in command.params} - NOT_OF_PYTHON
    lacking = typed - set(shown.parameters) - {OTHER_NAMES.get(one, one) for one in shown.parameters}
    only_typed = {"self_test", "no_browser", "export_to", "apply_from"}
    assert lacking <= only_typed, lacking


@pytest.mark.parametrize(
    ("function", "options"), [("mix", MixOptions), ("plan", MixOptions), ("manifest", ManifestOptions)]
)
def test_the_options_of_a_recipe_are_those_of_the_function(function, options):
    shown = inspect.signature(getattr(synth, function)).parameters
    for field in dataclasses.fields(options):
        if field.name != "sources":
            assert shown[field.name].default == field.default


@pytest.mark.parametrize("table", DEFAULTS)
def test_the_typed_options_are_the_recipe(table):
    fields = {field.name for field in dataclasses.fields(DEFAULTS[table])} - {"sources"}
    assert set(get_type_hints(table)) - {"sources"} == fields


def test_help_reads_well():
    whole = pydoc.render_doc(synth, renderer=pydoc.plaintext)
    assert "http" not in whole
    assert "**options" not in whole
    one = pydoc.render_doc(synth.mix, renderer=pydoc.plaintext)
    assert "speakers: str | int" in one
    assert "'3600/360/360'" in one
    assert "Raises" in one


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: synth.mix(speeker=3), "synth.mix(): unknown option 'speeker'; did you mean 'speakers'?"),
        (lambda: synth.mix(job=3), "did you mean 'jobs'?"),
        (lambda: synth.mix(qqqq=3), "unknown option 'qqqq'. Known options: out, jobs"),
        (lambda: synth.mix(speakers=[1, 2, 3]), "speakers = [1, 2, 3] (list); wanted a number such as 3, or a range"),
        (lambda: synth.mix(speakers=1.5), "speakers = 1.5 (float)"),
        (lambda: synth.mix(source=3), "source = 3 (int); wanted a path or a list of paths"),
        (lambda: synth.mix(source={"a": "b"}), "source = {'a': 'b'} (dict)"),
        (lambda: synth.mix(source=b"a"), "source = b'a' (bytes)"),
        (lambda: synth.mix(clips=(90, 9)), "clips = (90, 9) (tuple); wanted three whole numbers"),
        (lambda: synth.mix(level_dbfs=(-30, -22, -20)), "level_dbfs = (-30, -22, -20) (tuple)"),
        (lambda: synth.mix(seconds="1"), "seconds = '1' (str); wanted a number"),
        (lambda: synth.mix(jobs="2"), "synth.mix(): jobs = '2' (str); wanted a whole number"),
        (lambda: synth.mix(jobs=True), "jobs = True (bool)"),
        (lambda: synth.mix(roots={"A": 3}), "roots = {'A': 3} (dict); wanted {name: a path}"),
        (lambda: synth.mix("1-3"), "too many positional arguments"),
        (lambda: synth.plan("t", out="p", windows="all"), "synth.plan(): unknown option 'windows'"),
        (lambda: synth.render("p"), "missing a required argument: 'out'; wanted synth.render(plan, out, …)"),
        (lambda: synth.render(3, out="x"), "plan = 3 (int); wanted a path"),
        (lambda: synth.render("p", out="x", stem=True), "did you mean 'stems'?"),
        (lambda: synth.index(3), "paths = 3 (int); wanted a list, each a path"),
        (lambda: synth.split("t", split=(80, 10)), "split = (80, 10) (tuple); wanted three shares"),
        (lambda: synth.manifest("t", out="o", label=3), "label = 3 (int)"),
        (lambda: synth.clean("t", precision="0.9"), "precision = '0.9' (str); wanted a number"),
        (lambda: synth.audit("o", everything="yes"), "everything = 'yes' (str); wanted True or False"),
        (lambda: synth.verify("o", sample=1.5), "sample = 1.5 (float); wanted a whole number"),
        (lambda: synth.fetch_audioset(3), "label = 3 (int); wanted a text or a list"),
        (lambda: synth.fetch_librispeech(3), "subsets = 3 (int)"),
        (lambda: synth.mix(speakers="3-1"), "did you mean 1-3"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_wanted(tmp_path, monkeypatch, call, says):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        call()
    assert says in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_python_types_give_what_is_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my voices").symlink_to(demo.folder())
    by_types = synth.mix(
        speakers=range(1, 3),
        source=Path("my voices"),
        clips=np.array([24, 12, 12]),
        split=(80, 10, 10),
        level_dbfs=(-30, -22),
        jobs=np.int64(1),
        out=Path("typed"),
    )
    by_texts = synth.mix(
        speakers="1-2", source=["my voices"], clips="24/12/12", level_dbfs="-30:-22", jobs=1, out="texts"
    )
    assert by_types.planned.digest == by_texts.planned.digest
    assert by_types.rendered.clips == {"train": 24, "val": 12, "test": 12}
    recipe = {(tmp_path / name / "recipe.toml").read_text() for name in ("typed", "texts")}
    assert len(recipe) == 1
    found = synth.index("my voices")
    assert found.table.num_rows == 100
    moved = synth.index("V", roots={"V": "my voices"})
    assert moved.table.column("root").to_pylist()[0] == "V"
    for shown in (
        by_types,
        by_types.indexed,
        by_types.split,
        by_types.planned,
        by_types.rendered,
        by_types.audited,
        found,
    ):
        assert len(repr(shown).splitlines()) <= 4
        assert repr(shown).startswith(f"{type(shown).__name__}(")
    assert "'train': 24" in repr(by_types)
    assert "holds=True" in repr(by_types)
    assert "'typed'" in repr(by_types)


class Huge:
    """An object that shows itself at length."""

    def __repr__(self) -> str:
        return "<" + "very long\n" * 50_000 + ">"


HUGE = (
    [f"number {k}" for k in range(100_000)],
    {f"number {k}": list(range(50)) for k in range(10_000)},
    tuple({"a": ["b"] * 1000} for _ in range(1000)),
    "x y " * 100_000,
    pa.table({"a": range(1000), **{f"column {k}": ["x"] * 1000 for k in range(200)}}),
    Huge(),
)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("value", HUGE, ids=lambda value: type(value).__name__)
def test_a_result_shows_itself_in_a_few_lines_whatever_it_holds(name, value):
    for kind in returned(name):
        result = object.__new__(kind)
        for field in dataclasses.fields(kind):
            object.__setattr__(result, field.name, value)
        if "in_short" in vars(kind):  # it says something of its fields: those are real above
            continue
        shown = repr(result)
        assert len(shown.splitlines()) <= 4
        assert len(shown) <= 500
        assert shown.startswith(f"{kind.__name__}(")


def test_errors_are_caught_by_one_name():
    with pytest.raises(SynthError):
        synth.audit("nowhere")


def test_importing_loads_nothing_heavy():
    code = "import sys, synth; print([n for n in ('numpy', 'pyarrow', 'torch', 'pandas', 'click') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_recipe_is_a_file_or_options(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("two.toml").write_text("[mix]\nspeakers = 2\nclips = [24, 12, 12]\njobs = 1\n")
    done = synth.mix(recipe="two.toml", rate=8000)
    assert str(done.rendered.out) == "two", "called like its recipe, as by the command"
    assert 'speakers = "2"' in Path("two/recipe.toml").read_text()
    assert "rate = 8000" in Path("two/recipe.toml").read_text()
    assert synth.mix(recipe=Path("two.toml"), out="again", rate=8000).planned.digest == done.planned.digest
    Path("other tables.toml").write_text('[audit]\nfolder = "two"\n')
    with pytest.raises(UsageError, match=r"has no table \[mix\], but \[audit\]: synth run 'other tables.toml'"):
        synth.mix(recipe="other tables.toml")
    with pytest.raises(UsageError, match="jobs = 0: wanted 1 or more"):
        synth.mix(recipe="two.toml", jobs=0)
