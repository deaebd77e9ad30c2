"""Scores as other programs write them: separators, index columns, decimal commas, percent, names written otherwise."""

from __future__ import annotations

import csv
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.cleaning.names import Clips
from synth.cleaning.scores import scores
from synth.errors import InputError
from tests.cleaning.tables import long, refused, run, sources

LABELS = ("Baby cry, infant cry", "Male speech, man speaking", "dog")
CLIPS = Clips([f"clips/a/{k}.wav" for k in range(4)], [f"a/{k}.wav" for k in range(4)])
VALUES = np.array([[0.5, -1.25, 2.0], [1.5, 3.0, 0.25], [-2.0, 0.75, 1.0], [4.0, 0.125, -0.5]], np.float32)


def wide(separator=",", header=("path", *LABELS), names=CLIPS.paths, number=str, index=None, quoting=csv.QUOTE_MINIMAL):
    """Return a table as text; ``index``: a first column without data, its name and its first entry."""
    out = io.StringIO(newline="")
    rows = csv.writer(out, delimiter=separator, quoting=quoting, lineterminator="\n")
    rows.writerow([*([index[0]] if index else []), *header])
    for k, (name, line) in enumerate(zip(names, VALUES, strict=True)):
        rows.writerow([*([index[1] + k] if index else []), name, *map(number, line)])
    return out.getvalue()


def read(tmp_path, text, name="s.csv", clips=CLIPS):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return scores(tmp_path / name, clips, LABELS)


def comma(number) -> str:
    return str(number).replace(".", ",")


def percent(number) -> str:
    return f"{100 * number:g}%"


TABLES = {
    "comma, quoted": wide(),
    "semicolon, as pandas writes it": wide(";"),
    "tab": wide("\t"),
    "vertical bar": wide("|"),
    "every field quoted": wide(";", quoting=csv.QUOTE_ALL),
    "decimal comma": wide(";", number=comma),
    "decimal comma, quoted": wide(",", number=comma),
    "percent": wide(";", number=percent),
    "percent and decimal comma": wide(";", number=lambda one: comma(percent(one)).replace("%", " %")),
    "index of pandas": wide(index=("", 0)),
    "index that was read and written again": wide(index=("Unnamed: 0", 0)),
    "row numbers from one": wide("\t", index=("", 1)),
    "paths as the index without a name": wide(header=("", *LABELS)),
    "ids as the index without a name": wide(";", header=("", *LABELS), names=CLIPS.ids),
    "names in other case": wide(header=("Path", "BABY CRY, infant cry", "male speech,  man speaking", " Dog ")),
    "source id with a blank": wide(header=("Source ID", *LABELS), names=CLIPS.ids),
    "paths below the root's folder": wide(names=[f"/data/x/clips/{one}" for one in CLIPS.paths]),
    "paths with other folders": wide(names=[f"../audio/{one}" for one in CLIPS.paths]),
    "backslashes": wide(names=["C:\\\\data\\\\" + one.replace("/", "\\\\") for one in CLIPS.paths]),
    "from here": wide(names=[f"./{one}" for one in CLIPS.paths]),
    "file names alone": wide(names=[one.rpartition("/")[2] for one in CLIPS.paths]),
    "ids in the column path": wide(names=CLIPS.ids),
    "UTF-16 of a spreadsheet": wide("\t").encode("utf-16"),
    "UTF-8 with a mark": wide(";").encode("utf-8-sig"),
    "Windows line ends": wide(";").replace("\n", "\r\n"),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_wide_table_is_read_however_it_was_written(tmp_path, name):
    text = TABLES[name]
    if "backslashes" in name:
        text = text.replace("\\\\", "\\")
    found = read(tmp_path, text)
    np.testing.assert_array_equal(found.values, VALUES)
    assert not found.left_out


@pytest.mark.parametrize(
    "header", [("source_id", "label", "score"), ("Path", "LABEL", "Score"), ("path", "Label ", "score")]
)
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("index", [False, True])
def test_a_long_table_is_read_however_it_was_written(tmp_path, header, separator, index):
    names = CLIPS.ids if header[0] == "source_id" else CLIPS.paths
    rows = [(one, label, VALUES[k, n]) for k, one in enumerate(names) for n, label in enumerate(LABELS)]
    out = io.StringIO(newline="")
    write = csv.writer(out, delimiter=separator)
    write.writerow([""] * index + [*header])
    write.writerows([k] * index + [*row] for k, row in enumerate(rows))
    np.testing.assert_array_equal(read(tmp_path, out.getvalue()).values, VALUES)


NUMBERS = st.lists(st.floats(-1e6, 1e6, width=32), min_size=4, max_size=4)


@given(
    NUMBERS,
    st.sampled_from([(",", str), (";", str), ("\t", comma), (";", comma), (",", comma), ("|", str)]),
    st.booleans(),
)
def test_numbers_come_back_as_they_were(tmp_path_factory, numbers, how, quoted):
    separator, written = how
    rows = [["path", "dog"], *([one, written(number)] for one, number in zip(CLIPS.paths, numbers, strict=True))]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL).writerows(rows)
    found = read(tmp_path_factory.mktemp("n"), out.getvalue())
    np.testing.assert_array_equal(found.values[:, 2], np.array(numbers, np.float32))


def test_what_is_no_number_is_counted_and_a_word_is_refused(tmp_path):
    text = "path;dog\na/0.wav;0,5\na/1.wav;NA\na/2.wav;\na/3.wav;1,5\n"
    found = read(tmp_path, text)
    np.testing.assert_array_equal(found.values[:, 2], np.array([0.5, np.nan, np.nan, 1.5], np.float32))
    assert found.left_out == {"scores that are no number": 2}
    with pytest.raises(InputError, match="row 4: the column dog holds 'loud'"):
        read(tmp_path, text.replace("1,5", "loud"))
    with pytest.raises(InputError, match="1 of 2 values have a percent sign"):
        read(tmp_path, text.replace("0,5", "50 %"))
    with pytest.raises(InputError, match="holds '1,5'"):
        read(tmp_path, text.replace("0,5", "0.5"))


def test_a_row_that_does_not_fit_names_the_separator(tmp_path):
    """Names with commas that nobody quoted."""
    with pytest.raises(InputError, match=r"has 5 fields and the header 3, separated by commas") as error:
        read(tmp_path, "path,label,score\na/0.wav,dog,1\na/1.wav,Baby cry, infant cry,extra,2\n")
    assert "must stand in quotes" in str(error.value)


def test_one_file_name_in_two_folders_is_refused_with_both(tmp_path):
    clips = Clips(["clips/a/0.wav", "clips/b/0.wav", "clips/b/1.wav"], ["a/0.wav", "b/0.wav", "b/1.wav"])
    with pytest.raises(
        InputError, match=r"0\.wav may be clips/a/0\.wav or clips/b/0\.wav; name the clips by source_id"
    ):
        read(tmp_path, "path,dog\n0.wav,1\n1.wav,2\n", clips=clips)
    found = read(tmp_path, "path,dog\nx/y/a/0.wav,1\nx/y/b/0.wav,2\n1.wav,3\n", clips=clips)
    assert found.values[:, 2].tolist() == [1, 2, 3]


def test_two_roots_in_different_places(tmp_path):
    clips = Clips(["one/0.wav", "two/0.wav"], ["0.wav", "0.wav"])
    found = read(tmp_path, "path,dog\n/x/one/0.wav,1\n/y/z/two/0.wav,2\n", clips=clips)
    assert found.values[:, 2].tolist() == [1, 2]


def test_a_clip_of_another_data_set_with_the_same_end_is_none_of_these(tmp_path):
    """All begin with one folder, but for one that lies elsewhere: it only happens to end alike."""
    names = ["audio/a/0.wav", "audio/a/1.wav", "audio/a/2.wav", "test/a/3.wav"]
    found = read(tmp_path, "path,dog\n" + "".join(f"{one},{k}\n" for k, one in enumerate(names)))
    assert np.isnan(found.values[3, 2])
    assert found.values[:3, 2].tolist() == [0, 1, 2]
    assert found.left_out["clips that the sources do not have"] == 1


def test_two_spellings_of_one_label_are_not_mixed(tmp_path):
    found = read(tmp_path, "path,dog,Dog\na/0.wav,1,2\n")
    assert found.values[0, 2] == 1
    assert found.left_out["columns that are no label of the sources"] == 1
    with pytest.raises(InputError, match="no column is a label of the sources"):
        read(tmp_path, "path,DOG,Dog\na/0.wav,1,2\n")


def test_parquet_with_the_index_of_pandas_and_categories(tmp_path):
    table = pa.table({
        "label": pa.array(["dog"] * 4).dictionary_encode(),
        "score": pa.array(["1,5", "2", "3", "4"]).dictionary_encode(),
        "__index_level_0__": CLIPS.paths,
    })  # fmt: skip
    pq.write_table(table, tmp_path / "s.parquet")
    assert scores(tmp_path / "s.parquet", CLIPS, LABELS).values[:, 2].tolist() == [1.5, 2, 3, 4]


@pytest.mark.parametrize("labels", [["dog"], ["dog", "barking"]])
def test_where_every_clip_has_the_label_there_is_nothing_to_compare_with(tmp_path, labels):
    ids = sources(tmp_path / "s.parquet", [labels] * 60)
    rows = [(one, name, k / 60) for k, one in enumerate(ids) for name in labels]
    text = run(
        "clean", tmp_path / "s.parquet", "--scores", long(tmp_path / "s.csv", rows), "-o", tmp_path / "v.parquet"
    )
    assert "unjudged: no scored clip without it to compare with" in text.output
    assert "no scores" not in text.output
    reasons = {row["reason"] for row in pq.read_table(tmp_path / "v.parquet").to_pylist()}
    assert all(one.startswith("no scored clip without '") and "all 60 carry it" in one for one in reasons)


@pytest.mark.parametrize(
    ("mine", "others", "says"),
    [
        (9, 60, "9 scored clips are too few (wanted 10)"),
        (60, 19, "19 scored clips without it are too few to compare with (wanted 20)"),
    ],
)
def test_which_side_is_too_small_is_said(tmp_path, mine, others, says):
    ids = sources(tmp_path / "s.parquet", [["dog"]] * mine + [["cat"]] * others)
    scored = long(tmp_path / "s.csv", [(one, "dog", k % 7) for k, one in enumerate(ids)])
    text = run("clean", tmp_path / "s.parquet", "--scores", scored, "-o", tmp_path / "v.parquet").output
    assert f"unjudged: {says}" in text


def test_a_message_for_scores_of_other_clips_shows_both(tmp_path):
    sources(tmp_path / "s.parquet", [["dog"]] * 3)
    long(tmp_path / "s.csv", [("x/9.wav", "dog", 1)], ("path", "label", "score"))
    said = refused(tmp_path / "s.parquet", "--scores", tmp_path / "s.csv", "-o", tmp_path / "v.parquet")
    assert "'x/9.wav'" in said
    assert "0.wav, 1.wav" in said
