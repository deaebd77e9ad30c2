"""Which root a row of a table belongs to, when several are read in one command."""

from __future__ import annotations

import os

import pytest

from synth.corpora import Place, read_all
from synth.errors import InputError, UsageError
from tests.corpora.trees import by_path, libri, odd, text, tree

ACTORS = [f"03-01-01-01-01-01-{actor:02d}.wav" for actor in (1, 2)]


@pytest.fixture
def places(tmp_path):
    tree(tmp_path / "A", "0.wav", "sub/1.wav")
    tree(tmp_path / "B", "0.wav", "2.wav")
    return [Place("A", tmp_path / "A", str(tmp_path / "A")), Place("B", tmp_path / "B", str(tmp_path / "B"))]


def table(tmp_path, *rows, head="path,speaker_id,sex", name="t.csv"):
    return text(tmp_path / name, "\n".join([head, *rows]) + "\n")


def read(places, given):
    return {place.name: corpus for place, corpus in zip(places, read_all(places, given), strict=True)}


def test_rows_go_to_the_root_that_has_their_file(places, tmp_path):
    found = read(places, table(tmp_path, "A/0.wav,s1,F", "sub/1.wav,S1 ,F", "B/0.wav,s1,", "2.wav,s2,M"))
    a, b = by_path(found["A"]), by_path(found["B"])
    assert {path: item.speaker_id for path, item in a.items()} == {"0.wav": "t/s1", "sub/1.wav": "t/s1"}
    assert {path: item.speaker_id for path, item in b.items()} == {"0.wav": "t/s1", "2.wav": "t/s2"}
    assert (found["A"].table, found["B"].table) == ("t.csv", "t.csv")
    assert "speaker-spellings" in odd(found["A"])
    assert "speaker-spellings" not in odd(found["B"])


def test_groups_of_one_table_are_of_one_name_space_and_files_of_their_roots(places, tmp_path):
    found = read(places, table(tmp_path, "A/0.wav,g", "B/0.wav,g", "2.wav,", head="path,group_id"))
    assert by_path(found["A"])["0.wav"].group_id == by_path(found["B"])["0.wav"].group_id == "t/g"
    assert by_path(found["B"])["2.wav"].group_id == "B/2.wav"


def test_files_of_the_same_name_are_groups_of_their_own(places):
    found = read(places, None)
    groups = [item.group_id for corpus in found.values() for item in corpus.items]
    assert groups == ["A/0.wav", "A/sub/1.wav", "B/0.wav", "B/2.wav"]


def test_a_name_that_two_roots_have_is_a_question(places, tmp_path):
    with pytest.raises(
        InputError, match=r"1 of its 2 paths are in more than one root: row 2 says 0.wav: A/0.wav or B/0.wav"
    ):
        read(places, table(tmp_path, "0.wav,s1,F", "2.wav,s2,M"))


def test_the_same_file_in_two_roots_is_no_question(tmp_path):
    tree(tmp_path / "all", "in/0.wav", "1.wav")
    places = [Place("all", tmp_path / "all"), Place("in", tmp_path / "all" / "in")]
    found = read(places, table(tmp_path, "in/0.wav,s1,F", "1.wav,s2,M"))
    assert by_path(found["all"])["in/0.wav"].speaker_id == by_path(found["in"])["0.wav"].speaker_id == "t/s1"


@pytest.mark.parametrize("root", ["A", "{tmp}/A", "{tmp}/B/../A"])
def test_a_table_for_one_root(places, tmp_path, root):
    file = table(tmp_path, "0.wav,s1,F", "sub/1.wav,s2,M")
    for given in (f"{root.format(tmp=tmp_path)}={file}", {root.format(tmp=tmp_path): file}):
        found = read(places, [given] if isinstance(given, str) else given)
        assert [item.speaker_id for item in found["A"].items] == ["A/s1", "A/s2"]
        assert [item.speaker_id for item in found["B"].items] == [None, None]


def test_a_table_for_each_root_has_ids_of_its_own(places, tmp_path):
    one, two = table(tmp_path, "0.wav,s1,F"), table(tmp_path, "0.wav,s1,M", name="u.csv")
    found = read(places, [f"A={one}", f"B={two}"])
    assert by_path(found["A"])["0.wav"].speaker_id == "A/s1"
    assert by_path(found["B"])["0.wav"].speaker_id == "B/s1"


def test_one_table_given_for_two_roots_has_one_name_space(places, tmp_path):
    file = table(tmp_path, "0.wav,s1,F", "2.wav,s2,M", "gone.wav,s3,F")
    found = read(places, {"A": file, "B": file})
    assert {corpus: by_path(found[corpus])["0.wav"].speaker_id for corpus in "AB"} == {"A": "t/s1", "B": "t/s1"}
    assert [item.path for corpus in found.values() for item in corpus.items if item.status == "missing"] == ["gone.wav"]


def test_a_file_whose_name_holds_an_equals_sign(places, tmp_path):
    found = read(places, str(table(tmp_path, "A/0.wav,s1,F", name="a=b.csv")))
    assert by_path(found["A"])["0.wav"].speaker_id == "A/s1"


def test_paths_from_elsewhere(places, tmp_path):
    """Absolute, relative to the table's own folder, without their extension."""
    file = table(tmp_path / "meta", f"{tmp_path}/A/0.wav,s1,F", "../A/sub/1.wav,s2,M", "2,s3,F")
    found = read(places, file)
    assert [item.speaker_id for item in found["A"].items] == ["t/s1", "t/s2"]
    assert [item.speaker_id for item in found["B"].items] == [None, "t/s3"]


def test_a_recognised_corpus_beside_a_folder_with_a_table(tmp_path):
    tree(tmp_path / "ravdess", *ACTORS)
    tree(tmp_path / "own", "x.wav")
    corpus = libri(tmp_path, "dev-clean/84/121123/84-121123-0000.flac")
    places = [Place("ravdess", tmp_path / "ravdess"), Place("own", tmp_path / "own"), Place("LibriSpeech", corpus)]
    found = read(places, table(tmp_path, "x.wav,s1,F"))
    assert {name: one.name for name, one in found.items()} == {
        "ravdess": "ravdess",
        "own": "folder",
        "LibriSpeech": "librispeech",
    }
    assert found["ravdess"].licence == "CC-BY-NC-SA-4.0"
    assert [item.speaker_id for item in found["ravdess"].items] == ["ravdess/01", "ravdess/02"]


@pytest.mark.parametrize("name", ["ravdess", "LibriSpeech"])
def test_a_table_makes_no_licence_freer(tmp_path, name):
    if name == "ravdess":
        root, path, licence = tree(tmp_path / name, *ACTORS), ACTORS[0], "CC-BY-NC-SA-4.0"
    else:
        path, licence = "dev-clean/84/121123/84-121123-0000.flac", "CC-BY-4.0"
        root = libri(tmp_path, path)
    (corpus,) = read_all([Place(name, root)], table(tmp_path, f"{path},s1,F"))
    assert (corpus.name, corpus.licence) == ("folder", licence)
    assert by_path(corpus)[path].speaker_id == f"{name}/s1"


@pytest.mark.parametrize(
    ("written", "counts"),
    [
        ("CC0", "CC-BY-NC-SA-4.0"),
        ("CC BY 4.0", "CC-BY-NC-SA-4.0"),
        ("CC BY-NC-SA 4.0", "CC-BY-NC-SA-4.0"),
        ("CC BY-NC-ND 4.0", "CC-BY-NC-ND-4.0"),
        ("CC BY-SA 4.0", "LicenseRef-not-shareable"),
        ("all rights reserved", "LicenseRef-all-rights-reserved"),
        ("ask me", "LicenseRef-unknown"),
        ("", None),
    ],
)
def test_nor_does_a_row_of_it(tmp_path, written, counts):
    root = tree(tmp_path / "ravdess", *ACTORS)
    rows = table(tmp_path, f"{ACTORS[0]},s1,F,{written}", head="path,speaker_id,sex,licence")
    (corpus,) = read_all([Place("ravdess", root)], rows)
    assert by_path(corpus)[ACTORS[0]].licence == counts
    freer = "licence-of-corpus" in odd(corpus)
    assert freer == (written in ("CC0", "CC BY 4.0", "CC BY-SA 4.0"))


@pytest.mark.parametrize("written", ["CC BY-NC 4.0", "https://creativecommons.org/licenses/by-nc/4.0/", "CC-BY-NC-4.0"])
@pytest.mark.parametrize("noise", [False, True])
def test_the_licence_in_corpus_toml_is_read_like_any_other(tmp_path, written, noise):
    path = "dev-clean/84/121123/84-121123-0000.flac"
    root = libri(tmp_path, path)
    text(root / "corpus.toml", f'licence = "{written}"\nattribution = "me"\n')
    rows = None if noise else table(tmp_path, f"{path},s1,F")
    (corpus,) = read_all([Place("mine", root, noise=noise)], rows)
    assert (corpus.licence, corpus.attribution) == ("CC-BY-NC-4.0", "me")


def test_a_recognised_corpus_as_noise_keeps_its_licence(tmp_path):
    (corpus,) = read_all([Place("ravdess", tree(tmp_path / "ravdess", *ACTORS), noise=True)])
    assert (corpus.name, corpus.licence) == ("noise", "CC-BY-NC-SA-4.0")
    assert [item.speaker_id for item in corpus.items] == [None, None]


def test_a_table_may_describe_noise(places, tmp_path):
    tree(tmp_path / "hiss", "n.wav", "0.wav")
    places.append(Place("hiss", tmp_path / "hiss", noise=True))
    found = read(places, table(tmp_path, "2.wav,,", "n.wav,street,", head="path,group_id,x"))
    assert by_path(found["hiss"])["n.wav"].group_id == "t/street"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["C={t}"], r"--csv C=…: no root of that name; the roots are A, B"),
        (["A={t}", "A={u}"], "A has a table already"),
    ],
)
def test_roots_that_do_not_exist_or_have_two_tables(places, tmp_path, given, says):
    files = {"t": table(tmp_path, "0.wav,s1,F"), "u": table(tmp_path, "0.wav,s1,F", name="u.csv")}
    with pytest.raises(UsageError, match=says):
        read(places, [one.format(**files) for one in given])


def test_a_table_that_fits_no_root(places, tmp_path):
    with pytest.raises(
        InputError, match=r"its only path is not there; row 2 says x.wav; paths are relative to .*A, .*B"
    ):
        read(places, table(tmp_path, "x.wav,s1,F"))


def test_two_tables_for_the_same_root(places, tmp_path):
    with pytest.raises(InputError, match="both describe files of A; wanted one table for a root"):
        read(places, [table(tmp_path, "sub/1.wav,s1,F"), table(tmp_path, "A/0.wav,s1,F", name="u.csv")])


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links here")
def test_a_linked_file_is_the_same_file(tmp_path):
    tree(tmp_path / "A", "0.wav")
    tree(tmp_path / "B", "1.wav")
    (tmp_path / "B" / "0.wav").symlink_to(tmp_path / "A" / "0.wav")
    found = read([Place("A", tmp_path / "A"), Place("B", tmp_path / "B")], table(tmp_path, "0.wav,s1,F", "1.wav,s2,M"))
    assert by_path(found["A"])["0.wav"].speaker_id == by_path(found["B"])["0.wav"].speaker_id == "t/s1"
