"""Several labels in a cell: recognised and said, or asked about; never one label per combination."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from synth.corpora import label_cells
from synth.corpora.comma_names import COMMA_NAMES
from synth.errors import InputError
from tests.real_data import DATA, needs_data

names = (
    st.text(st.sampled_from("abcdefg -_'"), min_size=1, max_size=6).map(str.strip).filter(lambda name: name.strip("-_"))
)
sets = st.lists(st.lists(names, max_size=4, unique=True), min_size=1, max_size=12)


def cells(*texts):
    return label_cells.read(texts, range(2, len(texts) + 2), "t.csv, column labels")


@given(sets, st.sampled_from([json.dumps, repr, lambda found: str(np.array(found, object)) if found else "[]"]))
def test_lists_are_lists(found, write):
    got = cells(*(write(labels) for labels in found))
    assert got.cells == [tuple(labels) for labels in found]
    assert got.said == (f"{n} cells of labels are lists" if (n := len(found)) > 1 else "1 cell of labels is a list",)


@given(sets, st.sampled_from([";", " ; ", "|", " | ", "\n", " \r\n"]))
def test_what_joins_labels_separates_them(found, joiner):
    assume(any(len(labels) > 1 for labels in found))
    assert cells(*(joiner.join(labels) for labels in found)).cells == [tuple(labels) for labels in found]


@given(st.lists(st.lists(st.sampled_from("abcde"), min_size=1, max_size=3, unique=True), min_size=1, max_size=12))
def test_commas_without_blanks_separate(found):
    got = cells(*(",".join(labels) for labels in found))
    assert got.cells == [tuple(labels) for labels in found]


@pytest.mark.parametrize("name", COMMA_NAMES)
def test_names_of_audioset_keep_their_commas(name):
    assert cells(name, "Speech").cells == [(name,), ("Speech",)]
    assert cells(f"Speech,{name}", name).cells == [("Speech", name), (name,)]
    assert cells(f"Speech, {name}", "Speech", name).cells == [("Speech", name), ("Speech",), (name,)]


@needs_data
def test_all_names_with_commas_are_known():
    lines = (DATA / "audioset" / "class_labels_indices.csv").read_text("utf-8").splitlines()[1:]
    published = [line.split(",", 2)[2].strip('"') for line in lines]
    assert set(COMMA_NAMES) == {name for name in published if "," in name}


def test_parts_that_are_labels_elsewhere_are_labels():
    got = cells("dog, cat", "dog", "cat, bird", "bird")
    assert got.cells == [("dog", "cat"), ("dog",), ("cat", "bird"), ("bird",)]
    assert got.said == ("2 cells of labels are separated by ','",)


@pytest.mark.parametrize(
    "column", [("dog, cat", "bird"), ("dog, cat", "dog, cat"), ("Water, tap", "Water"), ("a, b", "c, d", "a")]
)
def test_what_nothing_tells_is_asked(column):
    with pytest.raises(
        InputError, match=r"row 2: '.*' is one label that holds commas, or 2 labels.*Separate labels by ';'"
    ):
        cells(*column)


def test_the_answers_to_the_question_are_understood():
    assert cells("dog; cat", "bird").cells == [("dog", "cat"), ("bird",)]
    assert cells('["dog, cat"]', "bird").cells == [("dog, cat",), ("bird",)]
    assert cells("Water, tap; Sink, filling", "Door, wooden").cells == [
        ("Water, tap", "Sink, filling"),
        ("Door, wooden",),
    ]


def test_missing_values_are_no_labels():
    assert cells("nan", "dog", "", "<NA>", "NaN").cells == [(), ("dog",), (), (), ()]


def test_a_decimal_comma_is_asked_about():
    with pytest.raises(InputError, match="'1,5 kHz' is one label"):
        cells("1,5 kHz", "noise")


@given(
    st.lists(st.lists(st.sampled_from(["dog", "car horn", "rain"]), max_size=3, min_size=1, unique=True), min_size=1),
    st.sampled_from(["/", " / ", "+", " + ", " & ", " and ", ": "]),
)
def test_any_other_sign_between_labels_is_asked_about(found, joiner):
    column = ["dog", "car horn", "rain", *(joiner.join(labels) for labels in found)]
    if all(len(labels) == 1 for labels in found):
        assert cells(*column).cells == [(cell,) for cell in column]
    else:
        with pytest.raises(InputError, match=r"is one label, or \d labels joined by .*Separate labels by ';'"):
            cells(*column)


@pytest.mark.parametrize(
    "column",
    [
        ("dog/cat", "cat/rain", "dog/rain"),
        ("dog cat", "dog", "cat", "cat rain", "rain"),
        ("#dog #cat", "#dog", "#cat"),
        ("Dog_Cat", "dog", "cat"),
        ("male-female", "male", "female"),
    ],
)
def test_a_combination_is_no_label(column):
    with pytest.raises(InputError, match=r"column labels, row 2: '.*' is one label, or 2 labels joined by"):
        cells(*column)


@pytest.mark.parametrize(
    "column",
    [
        ("car_horn", "dog_bark", "street_music", "air_conditioner", "drilling"),
        ("dog bark", "dog howl", "dog"),
        ("Male speech", "Speech", "Hi-hat", "Drum kit", "Drum", "Rain on surface", "Rain", "AC/DC"),
        ("animal/dog", "animal/cat", "street/car"),
        ('["dog cat"]', "dog", "cat"),
        ("dog cat; rain", "dog", "cat"),
    ],
)
def test_names_of_several_words_are_names(column):
    labels = [("dog cat", "rain") if ";" in cell else (cell.strip('[]"'),) for cell in column]
    assert cells(*column).cells == labels


@pytest.mark.parametrize("cell", ["set()", "()", "[]", "array([], dtype=object)", "nan", "N/A", "-", "?", "", "null"])
def test_nothing_is_no_label(cell):
    assert cells(cell, "dog").cells == [(), ("dog",)]


@pytest.mark.parametrize(
    "cell", ["array(['dog', 'cat'], dtype=object)", "frozenset({'dog', 'cat'})", "('dog', 'cat')", "{'dog', 'cat'}"]
)
def test_what_python_prints_is_a_list(cell):
    assert cells(cell).cells == [("dog", "cat")]


@pytest.mark.parametrize("cell", ["[['dog'], ['cat']]", "['dog', nan]", "['dog', 'cat]]"])
def test_what_looks_like_a_list_and_is_none_is_asked_about(cell):
    with pytest.raises(InputError, match=r"row 2: .* begins and ends like a list"):
        cells(cell, "dog")


@pytest.mark.parametrize(
    "cell", ["{dog,cat}", "{dog, cat}", "[dog;cat]", "[dog|cat]", "dog；cat", "dog｜cat", "{'dog', 'cat'}"]
)
def test_lists_of_databases_and_wide_signs_are_recognised(cell):
    assert cells(cell, "rain").cells == [("dog", "cat"), ("rain",)]


@pytest.mark.parametrize("comma", ["，", "、"])
def test_a_wide_comma_is_a_comma(comma):
    assert cells(f"dog{comma}cat", "dog", "cat").cells == [("dog", "cat"), ("dog",), ("cat",)]
    with pytest.raises(InputError, match="is one label that holds commas, or 2 labels"):
        cells(f"dog{comma}cat", "bird")
    assert cells(f'["dog{comma}cat"]', "bird").cells == [(f"dog{comma}cat",), ("bird",)]


@pytest.mark.parametrize("cell", ["{'dog': 1}", '{"dog": 0.9, "cat": 0.1}', "{dog: 1, cat: 0}", "[{'dog'}]"])
def test_a_dictionary_is_no_label(cell):
    with pytest.raises(InputError, match="begins and ends like a list and is none of texts; separate labels by ';'"):
        cells(cell, "dog")


@pytest.mark.parametrize("sign", [",", ", ", "/", " and ", "\t"])
@pytest.mark.parametrize("other", ["dog;rain", "dog|rain", '["dog", "rain"]', "dog\nrain"])
def test_signs_beside_another_separator_are_asked_about_too(sign, other):
    column = (other, f"dog{sign}cat;rain" if ";" in other else f"dog{sign}cat|rain", "cat", "dog")
    with pytest.raises(InputError, match=r"row 3: 'dog.*cat' is one label, or 2 labels joined by"):
        cells(*column)
    assert cells(other, f'["dog{sign}cat"]', "cat", "dog").cells[1] == (f"dog{sign}cat",)


def test_names_with_commas_beside_semicolons_are_names():
    assert cells("Baby cry, infant cry;Music", "Gunshot, gunfire", "Violin, fiddle", "fiddle;violin").cells == [
        ("Baby cry, infant cry", "Music"),
        ("Gunshot, gunfire",),
        ("Violin, fiddle",),
        ("fiddle", "violin"),
    ]


def test_the_example_of_an_empty_cell_is_one():
    assert cells("[]", "-", "dog").said == (
        "1 cell of labels is a list",
        "1 cell of labels is empty, such as '-'",
    )
