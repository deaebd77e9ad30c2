"""Table files: encodings, separators, quotes that are text, Parquet; real tables of corpora where they are there."""

from __future__ import annotations

import csv
import json
import zipfile
from datetime import date
from importlib.util import find_spec

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.corpora import own_csv, read, sheet
from synth.corpora.columns import names_path
from synth.corpora.items import Oddities
from synth.errors import InputError
from tests.corpora.trees import by_path, odd, tree
from tests.real_data import DATA, needs_data


def rows_of(path):
    return sheet.read(path, names_path)


@needs_data
@pytest.mark.parametrize(("name", "rows"), [("validated.vi.head600.tsv", 600), ("dev.vi.tsv", 248)])
def test_common_voice_loses_no_row(name, rows):
    table = DATA / "corpora" / "commonvoice" / name
    found = own_csv.read(table, Oddities())
    lines = table.read_text("utf-8").split("\n")
    assert len(found) == rows == len([line for line in lines[1:] if line])
    assert [row.path for row in found] == [line.split("\t")[1] for line in lines[1:] if line]
    assert {row.sex for row in found} <= {"F", "M", None}


sentence = st.text(st.sampled_from("ab \"',;"), max_size=12)


@given(st.lists(sentence, min_size=1, max_size=30))
def test_quotes_that_are_text_merge_no_rows(tmp_path_factory, sentences):
    table = tmp_path_factory.mktemp("tsv") / "t.tsv"
    lines = [f"s{k}\t{k}.mp3\t{text}\tF" for k, text in enumerate(sentences)]
    table.write_text("\n".join(["client_id\tpath\tsentence\tgender", *lines]) + "\n", "utf-8")
    found = own_csv.read(table, Oddities())
    assert [(row.path, row.speaker_id, row.sex) for row in found] == [
        (f"{k}.mp3", f"s{k}", "F") for k in range(len(sentences))
    ]


@given(st.lists(st.text(st.sampled_from('ab \n",'), max_size=8), min_size=1, max_size=8))
def test_fields_that_were_quoted_are_read_back(tmp_path_factory, notes):
    table = tmp_path_factory.mktemp("csv") / "t.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(
            [("path", "note"), *((f"{k}.wav", n) for k, n in enumerate(notes))]
        )
    assert [fields for _, fields in rows_of(table).records] == [[f"{k}.wav", note] for k, note in enumerate(notes)]


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", ()),
        ("utf-8-sig", ()),
        ("utf-16", ("in UTF-16",)),
        ("utf-16-le", ("in UTF-16",)),
        ("utf-16-be", ("in UTF-16",)),
        ("cp1252", ("in Windows-1252 (Latin-1)",)),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_encodings(tmp_path, encoding, said, newline):
    root = tree(tmp_path / "mine", "a/ä.wav")
    table = tmp_path / "t.csv"
    table.write_bytes(newline.join(["path,speaker_id,sex", "a/ä.wav,Jörg,m", ""]).encode(encoding))
    corpus = read(root, "mine", table)
    assert by_path(corpus)["a/ä.wav"].speaker_id == "mine/Jörg"
    assert rows_of(table).said == said


def test_the_separator_is_found_and_said(tmp_path):
    table = tmp_path / "t.csv"
    for separator, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        table.write_text(separator.join(["path", "labels"]) + "\n" + separator.join(["a, b.wav", "dog"]) + "\n")
        found = rows_of(table)
        assert (found.records, found.said) == ([(2, ["a, b.wav", "dog"])], (f"separated by {word}",))
    table.write_text("sep=;\r\npath;labels\r\na.wav;dog\r\n")
    assert rows_of(table).records == [(2, ["a.wav", "dog"])]


@pytest.mark.parametrize("above", ["", "\n", "\n\n", "\r\n \r\n"])
@pytest.mark.parametrize("separator", [",", ";", "|"])
def test_blank_lines_above_the_header_and_blanks_before_quotes(tmp_path, above, separator):
    table = tmp_path / "t.csv"
    lines = [["path", ' "speaker_id"', " sex"], ["a.wav", ' "Ann, the first"', ' "F"'], ["b.wav", " Bob", " m"]]
    table.write_bytes((above + "".join(separator.join(line) + "\n" for line in lines)).encode())
    rows = own_csv.read(table, Oddities())
    first = above.count("\n") + 2
    assert [(row.number, row.path, row.speaker_id, row.sex) for row in rows] == [
        (first, "a.wav", "Ann, the first", "F"),
        (first + 1, "b.wav", "Bob", "M"),
    ]


def test_parquet(tmp_path):
    table = pa.table(
        {
            "file": ["a.wav", "b.wav"],
            "speaker": pa.array([84.0, None]),
            "tags": [["dog", "Baby cry, infant cry"], []],
            "gender": ["f", None],
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    one, two = own_csv.read(tmp_path / "t.parquet", Oddities())
    assert (one.path, one.speaker_id, one.sex, one.labels) == ("a.wav", "84", "F", ("dog", "Baby cry, infant cry"))
    assert (two.speaker_id, two.nobody, two.sex, two.labels) == (None, "", None, ())


def test_files_that_are_no_tables_are_named(tmp_path):
    for content, says in (
        (b"PAR1 and then nothing", "cannot be read as Parquet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel file"),
        (b"\xff\xfea", "begins like UTF-16"),
        (b"path\na\x81.wav\n", "row 2: byte 0x81 is no UTF-8, nor is the file in Windows-1252"),
    ):
        (tmp_path / "t").write_bytes(content)
        with pytest.raises(InputError, match=says):
            rows_of(tmp_path / "t")


@pytest.mark.skipif(find_spec("openpyxl") is not None, reason="openpyxl is installed: it reads the file")
def test_excel_without_its_reader_says_what_to_install(tmp_path):
    (tmp_path / "t.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match=r"pip install openpyxl.*save it as 'CSV UTF-8'"):
        rows_of(tmp_path / "t.xlsx")


class TestExcel:
    """Workbooks that openpyxl writes, as people leave them."""

    @pytest.fixture
    def book(self):
        return pytest.importorskip("openpyxl", reason="openpyxl is not installed").Workbook()

    def test_cells_are_text_as_it_is_seen(self, book, tmp_path):
        sheet_ = book.active
        for row in (
            ["filename", "speaker", "gender", "tags", "split", "recorded", "ok", None, None],
            ["a.wav", 84, "weiblich", "dog;cat", "train", date(2024, 5, 1), True],
            ["b.wav", 84.0, "W", "Dog", "Test", None, False],
            ["c.wav", None, "#N/A", None, None, None, None],
            [None] * 7,
            ["d.wav", "=A1", "M", "dog", "val", 0.5, 1],
        ):
            sheet_.append(row)
        sheet_["J9"].number_format = "0.00"  # a cell that is formatted and empty
        book.save(tmp_path / "t.xlsx")
        oddities = Oddities()
        rows = own_csv.read(tmp_path / "t.xlsx", oddities)
        assert [(row.number, row.path, row.sex, row.labels, row.split) for row in rows] == [
            (2, "a.wav", "F", ("dog", "cat"), "train"),
            (3, "b.wav", "F", ("Dog",), "test"),
            (4, "c.wav", None, (), None),
            (6, "d.wav", "M", ("dog",), "val"),
        ]
        assert [row.speaker_id for row in rows] == ["84", "84", None, None], "a formula without a value is nobody"
        assert json.loads(rows[0].extra) == {"recorded": "2024-05-01T00:00:00", "ok": "True"}
        assert "filename as path; speaker as speaker_id; gender as sex; tags as labels" in oddities.all()[0].says

    def test_the_sheet_with_the_table_is_found(self, book, tmp_path):
        book.active.append(["Notes of the project"])
        table = book.create_sheet("recordings")
        table.append(["path", "speaker_id"])
        table.append(["a.wav", "Zoë"])
        book.save(tmp_path / "t.xlsx")
        assert rows_of(tmp_path / "t.xlsx").records == [(2, ["a.wav", "Zoë"])]

    def test_a_field_beyond_the_header_is_an_error_and_a_missing_header_too(self, book, tmp_path):
        book.active.append(["path", "sex"])
        book.active.append(["a.wav", "F", "lost"])
        book.save(tmp_path / "t.xlsx")
        with pytest.raises(InputError, match="row 2: 3 fields, the header has 2"):
            own_csv.read(tmp_path / "t.xlsx", Oddities())
        book.active.delete_rows(1)
        book.save(tmp_path / "t.xlsx")
        with pytest.raises(InputError, match=r"row 1: no column 'path'; found a.wav, F, lost"):
            rows_of(tmp_path / "t.xlsx")

    def test_damaged_and_other_archives_are_named(self, book, tmp_path):
        book.active.append(["path"])
        book.save(tmp_path / "t.xlsx")
        whole = (tmp_path / "t.xlsx").read_bytes()
        for length in (4, 100, len(whole) // 2, len(whole) - 30):
            (tmp_path / "t.xlsx").write_bytes(whole[:length])
            with pytest.raises(InputError, match="cannot be read as Excel"):
                rows_of(tmp_path / "t.xlsx")
        with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as archive:
            archive.writestr("a.wav", b"no table")
        with pytest.raises(InputError, match="cannot be read as Excel"):
            rows_of(tmp_path / "t.xlsx")


@needs_data
def test_the_columns_of_published_tables():
    for path, wanted in (
        ("commonvoice/dev.vi.tsv", "separated by tabs; client_id as speaker_id; gender as sex"),
        ("urbansound8k/UrbanSound8K.part.csv", "slice_file_name as path; class as labels"),
        ("fsd50k/dev.head.csv", "fname as path; 5 cells of labels are separated by ','"),
    ):
        oddities = Oddities()
        assert own_csv.read(DATA / "corpora" / path, oddities)
        said = {oddity.kind: oddity.says for oddity in oddities.all()}
        assert said["csv-read"] == f"how the table is read: {wanted}"


class TestColumns:
    def test_usual_names_are_taken_and_said(self, tmp_path):
        root = tree(tmp_path / "mine", "a.wav")
        (tmp_path / "t.csv").write_text("File Name,Speaker,Gender,Category,License\na.wav,x,woman,dog,CC-BY-NC-3.0\n")
        corpus = read(root, "mine", tmp_path / "t.csv")
        (item,) = corpus.items
        assert (item.speaker_id, item.sex, item.labels, item.licence) == ("mine/x", "F", ("dog",), "CC-BY-NC-3.0")
        assert odd(corpus)["csv-read"].says == (
            "how the table is read: File Name as path; Speaker as speaker_id; Gender as sex; Category as labels; "
            "License as licence"
        )

    def test_near_misses_are_said(self, tmp_path):
        (tmp_path / "t.csv").write_text("path,lable,speeker_id,label,labels,room\na.wav,1,2,3,4,5\n")
        oddities = Oddities()
        (row,) = own_csv.read(tmp_path / "t.csv", oddities)
        says = {oddity.kind: oddity.says for oddity in oddities.all()}["csv-columns"]
        assert "speeker_id (call it speaker_id if it is meant as that)" in says
        assert "label (labels is there)" in says
        assert "room" not in says
        assert (row.labels, row.speaker_id) == (("4",), None)

    def test_two_columns_for_one_thing_are_a_question(self, tmp_path):
        (tmp_path / "t.csv").write_text("path,class,category\na.wav,1,2\n")
        with pytest.raises(InputError, match="class, category could each be the column labels; call the one"):
            own_csv.read(tmp_path / "t.csv", Oddities())
