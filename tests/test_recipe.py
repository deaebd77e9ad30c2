"""Recipes: what is refused and how, what is written is what is read, and who wins over whom."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.errors import InputError, UsageError
from synth.planning.request import clip_counts, speakers
from synth.recipe import ManifestOptions, MixOptions, mix_options, of_folder, options, over, read, written
from synth.tables import SPLITS

TEXTS = st.text(max_size=30)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = {
    "str": TEXTS,
    "str | None": TEXTS | st.none(),
    "int": st.integers(-(2**63), 2**63 - 1),
    "float": NUMBERS,
    "float | None": NUMBERS | st.none(),
    "bool": st.booleans(),
    "tuple[str, ...]": st.lists(TEXTS, max_size=3).map(tuple),
}
OPTIONS = st.builds(MixOptions, **{field.name: VALUES[str(field.type)] for field in fields(MixOptions)})


def recipe(tmp_path, text: str):
    path = tmp_path / "r.toml"
    path.write_text(text, encoding="utf-8")
    return path


@given(OPTIONS)
def test_what_is_written_is_read_again(tmp_path_factory, options):
    path = tmp_path_factory.mktemp("recipe") / "recipe.toml"
    path.write_text(written(options, "a header"), encoding="utf-8")
    assert mix_options(read(path)["mix"], "recipe") == options


def test_every_default_is_written_out():
    text = written(MixOptions(), "one\ntwo")
    assert text.startswith("# one\n# two\n[mix]\n")
    for name, value in asdict(MixOptions()).items():
        assert (f"\n{name.replace('_', '-')} = " in text) == (value is not None)


def test_a_key_may_have_a_dash_or_an_underscore():
    assert mix_options({"sir-db": 2}, "r") == mix_options({"sir_db": 2.0}, "r") == MixOptions(sir_db=2.0)


def test_an_option_wins_over_the_recipe_and_the_recipe_over_the_default():
    chosen = mix_options({"seed": 4, "rate": 8000, "stems": True}, "r").with_changes(
        {"seed": 5, "rate": None, "stems": False}
    )
    assert (chosen.seed, chosen.rate, chosen.stems, chosen.codec) == (5, 8000, False, "wav")


@pytest.mark.parametrize(
    ("key", "meant"),
    [("speaker", "speakers"), ("sir", "sir_db"), ("min-actve", "min_active"), ("Seed", "seed"), ("secnods", "seconds")],
)
def test_an_unknown_key_is_told_the_nearest(key, meant):
    with pytest.raises(UsageError) as caught:
        mix_options({key: 1}, "my.toml")
    assert "my.toml" in str(caught.value)
    assert f"'{key}'" in str(caught.value)
    assert f"did you mean '{meant}'?" in str(caught.value)


def test_a_key_like_no_other_lists_the_known_ones():
    with pytest.raises(UsageError) as caught:
        mix_options({"qqqq": 1}, "my.toml")
    assert "did you mean" not in str(caught.value)
    assert all(field.name in str(caught.value) for field in fields(MixOptions))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("speakers", 3.5),
        ("speakers", [1, 2, 3]),
        ("speakers", True),
        ("seed", 1.5),
        ("seed", "1"),
        ("seed", True),
        ("rate", 16000.0),
        ("seconds", "1"),
        ("seconds", True),
        ("stems", 1),
        ("stems", "true"),
        ("source", 1),
        ("clips", [1, 2]),
        ("clips", [1.5, 2, 3]),
        ("clips", {"dev": 3}),
        ("split", [80, 10]),
        ("split", True),
        ("noise", ["a"]),
        ("level-dbfs", [-30]),
        ("level-dbfs", ["-30", "-20"]),
        ("overlap", False),
    ],
)
def test_a_value_of_the_wrong_type_is_named(key, value):
    with pytest.raises(UsageError) as caught:
        mix_options({key: value}, "my.toml")
    assert f"{key} = {value!r}" in str(caught.value)
    assert "wanted" in str(caught.value)


def test_one_source_may_stand_without_brackets(tmp_path):
    assert mix_options(read(recipe(tmp_path, '[mix]\nsource = "a"\n'))["mix"], "r").source == ("a",)


def test_a_list_of_sources_is_of_texts(tmp_path):
    with pytest.raises(UsageError, match="source"):
        mix_options(read(recipe(tmp_path, '[mix]\nsource = ["a", 1]\n'))["mix"], "r")


@pytest.mark.parametrize(
    ("text", "error"), [("[mix\n", InputError), ("[mixx]\n", UsageError), ("seed = 1\n", UsageError)]
)
def test_a_recipe_that_is_none_is_refused(tmp_path, text, error):
    path = recipe(tmp_path, text)
    with pytest.raises(error, match=r"r\.toml"):
        read(path)


def test_an_unknown_table_is_told_the_nearest(tmp_path):
    with pytest.raises(UsageError, match="did you mean 'mix'"):
        read(recipe(tmp_path, "[mixx]\nseed = 1\n"))


def test_a_missing_recipe_says_so(tmp_path):
    with pytest.raises(InputError, match="no such recipe"):
        read(tmp_path / "none.toml")


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "r.toml"
    path.write_bytes(b"[mix]\nclips = '\xff'\n")
    with pytest.raises(InputError, match="not valid TOML"):
        read(path)


def test_the_content_is_what_changes_a_sample_or_a_label():
    content = MixOptions(source=("a",), noise="n", csv=("c",), store="files", split="80/10/10").content()
    assert not {"source", "noise", "csv", "store"} & set(content)
    assert {"codec", "stems", "seed", "speakers", "rate", "seconds", "split"} <= set(content)
    assert json.loads(json.dumps(content)) == content
    assert mix_options(content, "plan") == MixOptions(split="80/10/10")


MANIFESTS = st.builds(ManifestOptions, **{field.name: VALUES[str(field.type)] for field in fields(ManifestOptions)})


@given(MANIFESTS)
def test_options_of_labelled_clips_are_read_again_from_their_folder(tmp_path_factory, options):
    path = tmp_path_factory.mktemp("recipe") / "recipe.toml"
    path.write_text(written(options, "a header"), encoding="utf-8")
    assert list(read(path)) == ["manifest"]
    assert of_folder(path) == options


def test_a_folder_says_which_command_made_it(tmp_path):
    assert of_folder(recipe(tmp_path, "[mix]\nseed = 3\n")) == MixOptions(seed=3)
    assert of_folder(recipe(tmp_path, "[manifest]\nseed = 3\n")) == ManifestOptions(seed=3)
    with pytest.raises(UsageError, match="did you mean 'seconds'"):
        of_folder(recipe(tmp_path, "[manifest]\nsecnods = 3\n"))


def test_what_labelled_clips_were_made_of_is_no_content():
    content = ManifestOptions(sources="s", verdicts="v", store="files", label=("a",), split="80/10/10").content()
    assert not {"sources", "verdicts", "store"} & set(content)
    assert {"label", "min_verdict", "windows", "split", "seconds", "rate", "seed", "codec"} <= set(content)
    assert options("manifest", json.loads(json.dumps(content)), "plan") == ManifestOptions(
        label=("a",), split="80/10/10"
    )


@pytest.mark.parametrize(
    ("name", "value", "typed"),
    [
        ("speakers", 3, "3"),
        ("speakers", (1, 3), "1-3"),
        ("speakers", [2, 2], "2-2"),
        ("speakers", range(1, 4), "1-3"),
        ("speakers", np.int64(2), "2"),
        ("source", "LibriSpeech", ("LibriSpeech",)),
        ("source", Path("a") / "b c", (str(Path("a/b c")),)),
        ("source", ["a", Path("b")], ("a", "b")),
        ("source", (one for one in "ab"), ("a", "b")),
        ("clips", (90, 9, 9), "90/9/9"),
        ("clips", np.array([90, 9, 0]), "90/9/0"),
        ("clips", {"train": 90, "test": 9}, "90/0/9"),
        ("clips", 90, "90"),
        ("split", (80, 10, 10), "80/10/10"),
        ("split", (0.8, 0.1, 0.1), "0.8/0.1/0.1"),
        ("split", {"train": 1}, "1/0/0"),
        ("level_dbfs", (-30, -22), "-30:-22"),
        ("level_dbfs", [-30.5, np.float32(-22)], "-30.5:-22"),
        ("snr_db", 10, "10"),
        ("overlap", (0, 0.5), "0:0.5"),
        ("seconds", 2, 2.0),
        ("seconds", np.float64(0.5), 0.5),
        ("rate", np.int32(8000), 8000),
        ("stems", np.True_, True),
        ("noise", Path("n"), "n"),
        ("balance", Path("b.csv"), "b.csv"),
    ],
)
def test_a_value_of_python_is_what_would_be_typed(name, value, typed):
    found = getattr(over(MixOptions(), {name: value}, "synth.mix()"), name)
    assert found == typed
    assert type(found) is type(typed)


@given(st.integers(0, 10), st.integers(0, 10))
def test_a_range_of_speakers_in_any_form_is_the_same(low, more):
    forms = [f"{low}-{low + more}", (low, low + more), [low, low + more], range(low, low + more + 1)]
    read = {speakers(over(MixOptions(), {"speakers": one}, "x").speakers) for one in forms}
    assert read == {(low, low + more)}


@given(st.lists(st.integers(0, 10**9), min_size=3, max_size=3).filter(any))
def test_clips_in_any_form_are_the_same(counts):
    forms = ["/".join(map(str, counts)), tuple(counts), counts, dict(zip(SPLITS, counts, strict=True))]
    found = [clip_counts(over(MixOptions(), {"clips": one}, "x").clips) for one in forms]
    assert all(one == found[0] for one in found)
    assert found[0] == {name: count for name, count in zip(SPLITS, counts, strict=True) if count}


@given(st.floats(-70, 0), st.floats(-70, 0))
def test_a_range_of_levels_is_kept_to_the_last_digit(one, other):
    low, high = sorted((one, other))
    text = over(MixOptions(), {"level_dbfs": (low, high)}, "x").level_dbfs
    assert tuple(map(float, text.split(":"))) == (low, high)


def test_one_number_of_clips_is_for_train_alone():
    assert clip_counts("90") == clip_counts("90/0/0") == {"train": 90}
