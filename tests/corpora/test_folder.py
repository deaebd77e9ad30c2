"""A folder of one's own, with and without a CSV, as speech and as noise."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.corpora import own_csv, read
from synth.corpora.items import Oddities
from synth.errors import InputError
from tests.corpora.trees import by_path, odd, text, tree


@pytest.fixture
def root(tmp_path):
    return tree(tmp_path / "mine", "a/one.wav", "a/two.wav", "b/three.flac", "notes.txt")


def described(root, content, **more):
    return read(root, "mine", text(root.parent / "t.csv", content), **more)


class TestWithoutCsv:
    def test_nothing_is_guessed(self, root):
        corpus = read(root, "mine")
        items = by_path(corpus)
        assert list(items) == ["a/one.wav", "a/two.wav", "b/three.flac"]
        assert all((i.speaker_id, i.sex, i.labels, i.status) == (None, None, (), "ok") for i in items.values())
        assert all(item.group_id == f"mine/{item.path}" for item in items.values())
        assert (corpus.name, corpus.licence) == ("folder", "LicenseRef-unknown")
        assert odd(corpus)["no-csv"].count == 3
        assert "a, b" in odd(corpus)["no-csv"].says

    def test_noise(self, root):
        corpus = read(root, "mine", noise=True)
        assert (corpus.name, corpus.oddities) == ("noise", ())
        assert [item.group_id for item in corpus.items] == [f"mine/{item.path}" for item in corpus.items]

    def test_any_folder_may_be_noise(self, tmp_path):
        tree(tmp_path / "LibriSpeech", "train-clean-100/19/198/19-198-0000.flac")
        corpus = read(tmp_path / "LibriSpeech", "x", noise=True)
        assert (corpus.name, corpus.items[0].speaker_id) == ("noise", None)

    def test_litter(self, root):
        corpus = read(tree(root, "a/._one.wav", "Thumbs.db"), "mine")
        assert Counter(item.status for item in corpus.items) == {"ok": 3, "litter": 1}
        assert odd(corpus)["litter"].count == 2


class TestWithCsv:
    def test_all_columns(self, root):
        corpus = described(
            root,
            "path,speaker_id,sex,labels,group_id,split,licence,attribution,room,age\n"
            'a/one.wav,Ann,w,"dog; cat;dog",,train,CC0-1.0,Ann B.,"a, b",\n'
            "a/two.wav,Bob,Male,,session 1,,,,,7\n"
            "b/three.flac,,,,,,,,,\n",
        )
        one, two, three = by_path(corpus).values()
        assert (one.speaker_id, one.sex, one.group_id, one.labels) == ("mine/Ann", "F", "mine/Ann", ("dog", "cat"))
        assert (one.split, one.licence, one.attribution) == ("train", "CC0-1.0", "Ann B.")
        assert json.loads(one.extra) == {"room": "a, b", "age": ""}
        assert (two.speaker_id, two.sex, two.group_id) == ("mine/Bob", "M", "mine/session 1")
        assert (three.speaker_id, three.sex, three.group_id) == (None, None, "mine/b/three.flac")
        assert (three.status, three.reason) == ("unknown-speaker", "row 4 of t.csv names no speaker")
        assert list(odd(corpus)) == ["unknown-speaker"]

    def test_files_missing_here_and_there(self, root):
        corpus = described(root, "path\na/one.wav\ngone.wav\n")
        assert {path: item.status for path, item in by_path(corpus).items()} == {
            "a/one.wav": "ok",
            "a/two.wav": "not-in-csv",
            "b/three.flac": "not-in-csv",
            "gone.wav": "missing",
        }
        assert by_path(corpus)["gone.wav"].reason == "row 3 of t.csv names it and it is not there"
        assert [odd(corpus)[kind].count for kind in ("csv-missing-file", "not-in-csv")] == [1, 2]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    def test_separators_and_marks(self, root, encoding, separator, newline):
        table = root.parent / "t.csv"
        rows = ['"Path"| SEX |"labels"', '"a/one.wav"|f|"x;y"', "b/three.flac|M|", ""]
        table.write_bytes(newline.join(rows).replace("|", separator).encode(encoding))
        items = by_path(read(root, "mine", table))
        assert [items[path].sex for path in ("a/one.wav", "b/three.flac")] == ["F", "M"]
        assert items["a/one.wav"].labels == ("x", "y")

    @pytest.mark.parametrize("path", ["./a/one.wav", "a//one.wav", "b/../a/one.wav", "a\\one.wav", " a/one.wav "])
    def test_ways_to_write_a_path(self, root, path):
        assert by_path(described(root, f"path\n{path}\n"))["a/one.wav"].status == "ok"

    def test_absolute_paths(self, root):
        assert by_path(described(root, f"path\n{root}/a/one.wav\n"))["a/one.wav"].status == "ok"

    def test_two_ways_to_write_an_umlaut(self, root):
        tree(root, "a/u\u0308.wav")
        assert by_path(described(root, "path\na/ü.wav\n"))["a/u\u0308.wav"].status == "ok"

    def test_a_row_twice(self, root):
        corpus = described(root, "path,sex\na/one.wav,f\na/one.wav,F\n")
        assert odd(corpus)["csv-row-twice"].count == 1

    def test_a_speaker_in_two_groups_is_named(self, root):
        corpus = described(root, "path,speaker_id,group_id\na/one.wav,A,1\na/two.wav,A,2\n")
        assert odd(corpus)["speaker-in-groups"].example == "mine/A"

    def test_noise_takes_groups_and_labels_and_no_speakers(self, root):
        corpus = described(root, "path,speaker_id,sex,group_id,labels\na/one.wav,A,F,take 1,rain\n", noise=True)
        item = by_path(corpus)["a/one.wav"]
        assert (corpus.name, item.speaker_id, item.sex) == ("noise", None, None)
        assert (item.group_id, item.labels) == ("mine/take 1", ("rain",))

    def test_a_csv_makes_a_folder_of_any_corpus(self, tmp_path):
        root = tree(tmp_path / "LibriTTS", "84/121123/84_121123_000007_000001.wav")
        corpus = described(root, "path,speaker_id,sex\n84/121123/84_121123_000007_000001.wav,84,F\n")
        assert (corpus.name, corpus.items[0].speaker_id) == ("folder", "mine/84")

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            ("name,sex\na/one.wav,F\n", r"no column 'path'; found name, sex; wanted 'path'"),
            ("", "found an empty file"),
            ('"path" ,sex\na/one.wav,F\n', "found '\"path\" ,sex'"),
            ("path\n", "no rows"),
            (
                "path,split\na/one.wav,trian\n",
                r"row 2, column split: 'trian'; wanted train, val, test or nothing; did you mean 'train'\?",
            ),
            ("path,split\na/one.wav,eval\n", r"column split: 'eval'; wanted .*; is it test or val\? Write which"),
            ("path,split\na/one.wav,Held-Out\n", r"column split: 'Held-Out'; wanted .*; is it test or val\?"),
            ("path,sex\na/one.wav,F\na/one.wav,M\n", r"rows 2 and 3 name the same path .* in sex"),
            ("path\na/one.wav\n./a/one.wav\n", "rows 2 and 3 name the same file"),
            ("path,sex\n,F\n", "row 2: the path is empty"),
            ("path,labels\na/one.wav,dog,cat\n", "row 2: 3 fields, the header has 2"),
            ("path,sex,sex\na/one.wav,F,F\n", "column sex is there twice"),
            ("path\n../x.wav\n", "row 2: ../x.wav does not lie in"),
            ("path\ngone.wav\nlost.wav\n", r"none of its 2 paths is there; row 2 says gone.wav; .* e.g. a/one.wav"),
            ('path\n"a/one.wav\n', "line 2"),
        ],
    )
    def test_mistakes_are_named_with_their_row(self, root, content, says):
        with pytest.raises(InputError, match=says):
            described(root, content)

    def test_a_table_that_is_not_there(self, root):
        with pytest.raises(InputError, match="No such file"):
            read(root, "mine", root / "gone.csv")


cells = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
filled = cells.map(str.strip).filter(bool)
words_for_nothing = ("nan", "nat", "na", "none", "null", "unknown")
label = filled.filter(lambda text: text.isalnum() and text.casefold() not in words_for_nothing)  # signs are asked about
row = st.tuples(
    st.sampled_from(["", "Ann", "Bob", "c 3", "003", "3", "Ää", "日本"]),
    st.sampled_from(["", "F", "M"]),
    st.lists(label, max_size=3, unique=True),
    cells,
)


@given(st.dictionaries(filled, row, min_size=1, max_size=8), st.sampled_from([",", ";", "\t"]), st.booleans())
def test_what_is_written_is_read_back(tmp_path_factory, rows, separator, mark):
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=separator)
    writer.writerow(["path", "speaker_id", "sex", "labels", "more"])
    writer.writerows(
        [path, speaker, sex, ";".join(labels), more] for path, (speaker, sex, labels, more) in rows.items()
    )
    table = tmp_path_factory.mktemp("csv") / "t.csv"
    table.write_bytes(stream.getvalue().encode("utf-8-sig" if mark else "utf-8"))
    oddities = Oddities()
    back = own_csv.read(table, oddities)
    words = {
        ";": ["how the table is read: separated by semicolons"],
        "\t": ["how the table is read: separated by tabs"],
    }
    assert [oddity.says for oddity in oddities.all()] == words.get(separator, [])
    assert {
        r.path: (r.speaker_id or "", r.sex or "", list(r.labels), json.loads(r.extra)["more"]) for r in back
    } == rows


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_a_reason(tmp_path_factory, content):
    table = tmp_path_factory.mktemp("csv") / "t.csv"
    table.write_bytes(b"path,sex\n" + content)
    try:
        assert own_csv.read(table, Oddities())
    except InputError as error:
        assert "t.csv" in str(error)
