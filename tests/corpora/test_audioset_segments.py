"""The lists of segments: the real ones, the damaged copies that were met, and damage of every other kind."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.corpora.audioset import segments
from synth.corpora.audioset.segments import Segments
from synth.errors import InputError
from tests.corpora import audioset_real as real
from tests.real_data import needs_data

IDS = ("--PJHxphWEs", "-0BIyqJj9ZU", "_abcdefghi-", "0123456789a", "zzztDPePp4g")
LABELS = ("/m/09x0r,/t/dd00088", "/m/012xff", "/m/03fwl,/m/04rlf,/m/09x0r", "/g/122z_qxw", "/m/0mkg")
TIMES = ((30.0, 40.0), (0.0, 9.0), (11.1, 21.1), (590.0, 600.0), (5.0, 15.0))
HEAD = (
    "# Segments csv created Sun Mar  5 10:54:31 2017\n"
    "# num_ytids=5, num_segs=5, num_unique_labels=7, num_positive_labels=8\n"
    "# YTID, start_seconds, end_seconds, positive_labels\n"
)
NAMES = {"speech": "/m/09x0r", "male speech, man speaking": "/m/05zppz", "accordion": "/m/0mkg", "music": "/m/04rlf"}
NAMES |= {"tender music": "/m/0t3f1"}


def clean(separator: str = ", ", time: str = "{:.3f}", quoted: str = '"{}"', head: str = HEAD) -> str:
    rows = zip(IDS, TIMES, LABELS, strict=True)
    return head + "".join(
        separator.join([ytid, time.format(start), time.format(end), quoted.format(labels)]) + "\n"
        for ytid, (start, end), labels in rows
    )


def write(folder: Path, content: str | bytes, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(folder: Path, content: str | bytes, names: dict[str, str] | None = None) -> Segments:
    return segments.read(write(folder, content), names)


def told(found: Segments) -> dict[str, real.Row]:
    return {
        ytid.decode(): (float(found.start_s[k]), float(found.end_s[k]), found.labels(k))
        for k, ytid in enumerate(found.ytid)
    }


TRUTH = {i: (*t, tuple(m.split(","))) for i, t, m in zip(IDS, TIMES, LABELS, strict=True)}


def why(found: Segments) -> dict[int, str]:
    return {one.line: one.kind for one in found.skipped}


# --- the real files


@needs_data
@pytest.mark.parametrize("path", [real.BALANCED, real.EVAL, real.UNBALANCED], ids=["balanced", "eval", "unbalanced"])
def test_the_real_files_are_read_as_they_are(path):
    found = segments.read(path)
    mine = told(found)
    assert mine == {ytid: row for ytid, row in real.rows().items() if ytid in mine}
    assert found.subset == path.name.split("_")[0]
    assert not found.skipped
    if path == real.UNBALANCED:
        assert found.partial
        assert "107,288" in found.notes[0]
        assert "2,041,789" in found.notes[0]
        assert (found.used, found.claims["num_segs"]) == (107_288, 2_041_789)
    else:
        assert not found.partial
        assert (found.claims["num_segs"], found.claims["num_ytids"]) == (len(found), len(set(found.ytid.tolist())))
        assert found.claims["num_positive_labels"] == len(found.codes)
        assert found.claims["num_unique_labels"] == len(found.mids)


@needs_data
@pytest.mark.parametrize(
    ("path", "counts"), [("balanced", (61, 60, 532)), ("eval", (61, 60, 406)), ("unbalanced", (99, 89, 6874))]
)
def test_direct_labels_are_counted(path, counts):
    found = segments.read({"balanced": real.BALANCED, "eval": real.EVAL, "unbalanced": real.UNBALANCED}[path])
    mids = [mid for row in range(len(found)) for mid in set(found.labels(row))]
    assert tuple(mids.count(mid) for mid in (real.ACCORDION, real.BABY_CRY, real.INSTRUMENT)) == counts


USED = {  # used, skipped by kind
    "02": (267, {"spreadsheet-id": 371, "unknown-label": 1}),
    "04": (599, {}),
    "05": (598, {}),
    "07": (500, {}),
    "08": (398, {"labels-cut": 5}),
    "10": (246, {"no-labels": 1}),
    "11": (966, {"no-labels": 1}),
    "12": (1000, {}),
    "14": (44, {"labels-cut": 16}),
    "15": (599, {}),
    "19": (196, {}),
}


@needs_data
@pytest.mark.parametrize("number", USED)
def test_damaged_copies_are_read_right(number):
    """Every row that is used says what the real row of that id says; every other row is named."""
    [path] = real.FOLDER.glob(f"variants/{number}_*.csv")
    found = segments.read(path, real.names())
    assert (found.used, dict(found.counts)) == USED[number]
    assert len(found.skipped) == sum(USED[number][1].values())
    compared = 0
    for ytid, (start_s, end_s, mids) in told(found).items():
        if ytid in real.rows():
            truth = real.rows()[ytid]
            assert (start_s, end_s) == truth[:2], ytid
            if number == "14":  # somebody kept one label of each row: nothing in the copy tells
                assert mids == ("/m/0c3f7m",)
                assert mids[0] in truth[2]
            else:
                assert set(mids) == set(truth[2]), ytid
            compared += 1
    assert compared >= min(found.used, 40)
    lines = path.read_bytes().decode().splitlines()
    for k, ytid in enumerate(found.ytid):
        assert lines[found.lines[k] - 1].startswith(ytid.decode())


@needs_data
@pytest.mark.parametrize(
    ("number", "says"),
    [
        ("01", ("none of its 637 rows", "371 spreadsheet-id", "#NAME?", "266 no-labels")),
        ("03", ("404 of 404 rows are a thousandfold", "line 4", "30000 to 40000")),
        ("18", ("no list of AudioSet segments", "index,mid,display_name")),
    ],
)
def test_damaged_copies_are_refused_with_the_counts(number, says):
    [path] = real.FOLDER.glob(f"variants/{number}_*.csv")
    with pytest.raises(InputError) as error:
        segments.read(path, real.names())
    assert all(one in str(error.value) for one in (path.name, *says))


@needs_data
def test_headers_are_compared_with_the_rows():
    [path] = real.FOLDER.glob("variants/11_*.csv")
    found = segments.read(path)
    assert found.partial
    assert found.subset == "unbalanced"
    assert "967" in found.notes[0]
    assert "2,041,789" in found.notes[0]


# --- other forms that say the same

FORMS = {
    "as published": clean(),
    "no blank": clean(","),
    "no quotes, no blank": clean(",", quoted="{}"),
    "no quotes": clean(quoted="{}"),
    "whole seconds": clean(",", "{:g}"),
    "semicolons": clean(";", quoted="{}"),
    "semicolons and decimal commas": clean(";", quoted="{}").replace(".000", ",000").replace(".100", ",100"),
    "tabs": clean("\t", quoted="{}"),
    "bars": clean("|", quoted="{}"),
    "CRLF": clean().replace("\n", "\r\n"),
    "CR": clean().replace("\n", "\r"),
    "no header": clean(head=""),
    "a header of names": clean(",", head="YTID,start_seconds,end_seconds,positive_labels\n"),
    "quotes tripled": clean(quoted='"""{}"""'),
    "quotes doubled by a spreadsheet": clean(",", quoted='" ""{}"""'),
    "typographic quotes": clean(quoted="“{}”"),
    "every field quoted": clean('","', quoted="{}", head="").replace("\n", '"\n"')[:-1].join(['"', ""]),
    "labels in columns": clean(",", quoted="{},,,,,"),
    "labels between blanks": clean(",", quoted=" {} ,,,"),
    "a Python list": clean(",").replace('"', "'").replace("'/", "\"['/").replace("'\n", "']\"\n"),
    "decimal commas that tear the fields": clean(",", head="").replace(".000", ",000").replace(".100", ",100"),
    "decimal commas in quotes": clean('","', quoted="{}", head="")
    .replace(".", ",")
    .replace("\n", '"\n"')[:-1]
    .join(['"', ""]),
    "blank lines": clean().replace("\n", "\n\n"),
    "padding": clean(",").replace("\n", ",,,,\n"),
    "an index": "".join(
        f"{k - 1 if k else ''},{row}\n"
        for k, row in enumerate(clean(",", head="YTID,start_seconds,end_seconds,positive_labels\n").splitlines())
    ),
    "columns in another order": "labels,end,start,ytid\n"
    + "".join(
        f'"{row[2]}",{row[1]},{row[0]},{i}\n' for i, row in ((i, (*TRUTH[i][:2], ",".join(TRUTH[i][2]))) for i in IDS)
    ),
    "further columns": "YTID,start_seconds,end_seconds,positive_labels,note\n"
    + clean(",", head="").replace('"\n', '",fine\n'),
    "ids before links": clean(head="")
    .replace("\n", "\nhttps://www.youtube.com/watch?v=")[:-32]
    .join(["https://youtu.be/", ""]),
    "ids with a Y": "".join(f"Y{line}\n" for line in clean(head="").splitlines()),
    "file names": clean(head="").replace(", ", ".wav, ", 1).replace("ZU,", "ZU.wav,"),
    "a label a row": "".join(f"{i},{s},{e},{m}\n" for i, (s, e, mids) in TRUTH.items() for m in mids),
    "rows twice": clean(head="") + clean(head=""),
    "shuffled": "".join(sorted(clean(head="").splitlines(keepends=True), key=lambda line: line[4])),
    "whole rows in quotes": "".join('"' + line.replace('"', '""') + '"\n' for line in clean(head="").splitlines()),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_that_say_the_same_are_read_alike(tmp_path, form):
    found = read(tmp_path, FORMS[form])
    assert told(found) == TRUTH
    assert dict(found.counts) == ({"repeated": 5} if form == "rows twice" else {})


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_encodings(tmp_path, encoding):
    assert told(read(tmp_path, clean().encode(encoding))) == TRUTH


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bytes])
def test_packing_is_told_by_the_bytes_and_not_by_the_name(tmp_path, pack):
    path = write(tmp_path, pack(clean().encode()), "list.csv.gz")
    assert told(segments.read(path)) == TRUTH


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_a_packed_file_that_is_cut_is_refused(tmp_path, pack):
    packed = pack((clean() * 5000).encode())
    with pytest.raises(InputError, match="damaged or cut"):
        read(tmp_path, packed[: len(packed) // 2])


# --- rows that cannot be believed

ROWS = {
    '--exec, 0, 10, "/m/09x0r"': "id",
    '../../x, 0, 10, "/m/09x0r"': "id",
    '../../../xy, 0, 10, "/m/09x0r"': "id",
    'ABCDEFGHIJ, 0, 10, "/m/09x0r"': "id",
    'ABCDEFGHIJKL, 0, 10, "/m/09x0r"': "id",
    'YBCDEFGHIJKL, 0, 10, "/m/09x0r"': "id",
    'ABCDEFG\0IJK, 0, 10, "/m/09x0r"': "nul",
    'ABCDEFGHI;$(, 0, 10, "/m/09x0r"': "id",
    'ABCDEFGHIJé, 0, 10, "/m/09x0r"': "id",
    '#NAME?, 0, 10, "/m/09x0r"': "spreadsheet-id",
    '1.23E+10, 0, 10, "/m/09x0r"': "id",
    'ABCDEFGHIJK, 10, 10, "/m/09x0r"': "times",
    'ABCDEFGHIJK, 20, 10, "/m/09x0r"': "times",
    'ABCDEFGHIJK, -5, 5, "/m/09x0r"': "times",
    'ABCDEFGHIJK, 0, 30, "/m/09x0r"': "times",
    'ABCDEFGHIJK, 1E+02, 1.1E+02, "/m/09x0r"': "times",
    'ABCDEFGHIJK, 0:30, 0:40, "/m/09x0r"': "times",
    'ABCDEFGHIJK, nan, inf, "/m/09x0r"': "times",
    "ABCDEFGHIJK, 0, 10, ": "no-labels",
    'ABCDEFGHIJK, 0, 10, ""': "no-labels",
    "ABCDEFGHIJK, 0, 10": "no-labels",
    "ABCDEFGHIJK, 0": "cut",
    "ABCDEFGHIJK": "cut",
    'ABCDEFGHIJK, 0, 10, "/m/09x0r,/m/04r': "labels-cut",
    'ABCDEFGHIJK, 0, 10, "$(rm -rf ~)"': "names",
    'ABCDEFGHIJK, 0, 10, "Speech"': "names",
    'ABCDEFGHIJK, 0, 10, "/m/../../x"': "names",
    "ABCDEFGHIJK, 0, 10, " + '"/m/09x0r"' * 20_000: "too-long",
}


@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
@pytest.mark.parametrize("separator", [", ", ","])
def test_rows_that_cannot_be_believed_are_named_and_the_rest_is_read(tmp_path, row, separator):
    lines = (clean(separator) + row.replace(", ", separator) + "\n").splitlines()
    lines.insert(5, lines.pop())
    found = read(tmp_path, "\n".join(lines) + "\n")
    assert told(found) == TRUTH
    assert why(found) == {6: ROWS[row]}
    assert found.used == 5
    assert found.found == 6


def test_rows_that_contradict_each_other_are_all_skipped(tmp_path):
    found = read(tmp_path, clean(head="") + '--PJHxphWEs, 30.000, 40.000, "/m/0mkg,/m/09x0r"\n')
    assert why(found) == {1: "contradiction", 6: "contradiction"}
    assert told(found) == {i: row for i, row in TRUTH.items() if i != IDS[0]}


def test_two_segments_of_a_video_are_two(tmp_path):
    found = read(tmp_path, clean(head="") + '--PJHxphWEs, 50.000, 60.000, "/m/0mkg"\n')
    assert len(found) == 6


@pytest.mark.parametrize("share", [5, 1])
def test_a_file_of_thousandfold_times_is_refused(tmp_path, share):
    lines = clean(head="").splitlines(keepends=True)
    text = "".join(line.replace(".000", "000").replace(".100", "100") for line in lines[:share])
    with pytest.raises(InputError, match=f"{share} of 5 rows are a thousandfold"):
        read(tmp_path, text + "".join(lines[share:]))


def test_a_thousandfold_row_among_many_is_named(tmp_path):
    many = "".join(f'{k:011d}, 0.000, 10.000, "/m/09x0r"\n' for k in range(20))
    found = read(tmp_path, clean(head="") + 'ABCDEFGHIJK, 30000, 40000, "/m/09x0r"\n' + many)
    assert why(found) == {6: "times-thousandfold"}
    assert len(found) == 25


def test_names_and_mids_may_be_mixed(tmp_path):
    text = 'ABCDEFGHIJK, 0.000, 10.000, "Male speech, man speaking,/m/0mkg,MUSIC,Tender"\n'
    found = read(tmp_path, text, NAMES)
    assert found.labels(0) == ("/m/05zppz", "/m/0mkg", "/m/04rlf", "/m/0t3f1")
    wrong = read(tmp_path, text + 'ABCDEFGHIJL, 0.000, 10.000, "Speech,Trombonist"\n', NAMES)
    assert why(wrong) == {2: "unknown-label"}
    assert "Trombonist" in wrong.skipped[0].reason


def test_a_file_cut_anywhere_gives_whole_rows_only(tmp_path):
    """However many bytes arrived: what is used is true, what is cut is named, and nothing else is lost."""
    text = clean(head="")
    for n in range(1, len(text)):
        try:
            found = read(tmp_path, text[:n])
        except InputError:
            assert text[:n].count("\n") == 0
            continue
        assert told(found).items() <= TRUTH.items(), text[:n]
        assert found.found == len(text[:n].splitlines())


def test_labels_lost_past_a_column_are_named(tmp_path):
    """Labels in columns without quotes, cut at a number of columns: rows that fill them all may have lost some."""
    rows = [
        f"{ytid},{start},{end}," + ",".join((mids.split(",") + [""] * 2)[:2])
        for ytid, (start, end), mids in zip(IDS, TIMES, LABELS, strict=True)
    ]
    found = read(tmp_path, "\n".join(rows) + "\n")
    assert why(found) == {1: "labels-cut", 3: "labels-cut"}
    assert told(found).items() <= TRUTH.items()
    whole = read(tmp_path, HEAD + clean(",", quoted="{}", head="").replace("\n", ",,\n"))
    assert told(whole) == TRUTH


def test_a_line_of_a_hundred_megabytes_costs_no_memory(tmp_path):
    import tracemalloc

    path = tmp_path / "bomb.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(clean(head="").encode())
        for _ in range(100):
            file.write(b"A" * 1_000_000)
        file.write(b"\n" + b'ABCDEFGHIJK, 0.000, 10.000, "/m/09x0r"\n')
    tracemalloc.start()
    found = segments.read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert why(found) == {6: "too-long"}
    assert "100,000,000 bytes" in found.skipped[0].reason
    assert len(found) == 6
    assert peak < 20_000_000


@pytest.mark.parametrize(
    "content",
    [
        *(
            b"",
            b"\n\n",
            b"<html><body>404 Not Found</body></html>",
            b"{}",
            b"version https://git-lfs.github.com/spec/v1\n",
        ),
        *(b"a,b,c\n1,2,3\n", HEAD.encode(), b"PK\x03\x04....", bytes(range(256)) * 40, b"id,caption\nx,y\n"),
    ],
)
def test_other_files_are_refused(tmp_path, content):
    with pytest.raises(InputError) as error:
        read(tmp_path, content)
    assert "list.csv" in str(error.value)


def test_what_is_missing_or_a_folder_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        segments.read(tmp_path / "none.csv")
    with pytest.raises(InputError, match="is a folder"):
        segments.read(tmp_path)


@pytest.mark.parametrize(
    ("name", "head", "subset"),
    [
        ("x.csv", "# num_ytids=22160, num_segs=22160\n", "balanced"),
        ("x.csv", "# Segments csv created Sun Mar  5 10:54:25 2017\n", "eval"),
        ("balanced_train_segments.csv", "# num_ytids=20371, num_segs=20371\n", "eval"),
        ("unbalanced_train_segments.csv", "", "unbalanced"),
        ("my_balanced.csv", "", "balanced"),
        ("x.csv", "", None),
    ],
)
def test_the_subset_is_told_by_the_header_then_by_the_name(tmp_path, name, head, subset):
    assert segments.read(write(tmp_path, clean(head=head), name)).subset == subset


WORDS = st.sampled_from(
    [*IDS, "30.000", "40", '"', '""', ",", ", ", ";", "\t", "/m/09x0r", "\n", "\r\n", "#", "Y", "\0", "é"]
)


@given(st.lists(WORDS, max_size=40), st.sampled_from(["utf-8", "utf-16", "latin-1"]))
def test_whatever_the_bytes_rows_are_counted_or_the_file_is_refused(tmp_path_factory, words, encoding):
    path = write(tmp_path_factory.getbasetemp(), "".join(words).encode(encoding), "any.csv")
    try:
        found = segments.read(path)
    except InputError:
        return
    assert found.used == len(found) or found.used > len(found)
    assert len(found.skipped) == sum(found.counts.values())
    assert all(len(ytid) == 11 for ytid in found.ytid)
    assert (found.end_s > found.start_s).all()


@given(st.integers(0, 4), st.data())
def test_clean_and_damaged_reading_agree(tmp_path_factory, k, data):
    """A block with one broken row is read row by row: its other rows come out as the quick way reads them."""
    lines = clean(head="").splitlines()
    cut = data.draw(st.integers(0, len(lines[k]) - 1))
    broken = [*lines[:k], lines[k][:cut], *lines[k + 1 :]]
    path = write(tmp_path_factory.getbasetemp(), "\n".join(broken) + "\n", "cut.csv")
    assert told(segments.read(path)) == {i: row for i, row in TRUTH.items() if i != IDS[k]}
