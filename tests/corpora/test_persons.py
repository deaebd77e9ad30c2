"""Ids that differ only in how they are written are one person's; words for nobody are nobody."""

from __future__ import annotations

import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.corpora import persons

PEOPLE = ("S01", "s02", "Ärzu Çelik", "zoë", "日本 花子", "003", "3", "1 11", "11 1", "O'Neil", "Straße", "id-NA")
FORMS = ("NFC", "NFD", "NFKC", "NFKD")
BLANKS = ("", " ", "\t", "\u00a0", "\u200b", "\ufeff", "  \u3000")


@st.composite
def spellings(draw, person):
    """Write an id in some way: case, Unicode form, blanks around and within."""
    text = draw(st.sampled_from([person, person.lower(), person.upper(), person.title()]))
    if text.casefold() != person.casefold():
        text = person
    text = text.replace(" ", draw(st.sampled_from([" ", "  ", "\u00a0", " \t"])))
    text = unicodedata.normalize(draw(st.sampled_from(FORMS)), text)
    return draw(st.sampled_from(BLANKS)) + text + draw(st.sampled_from(BLANKS))


written = st.lists(
    st.sampled_from(PEOPLE).flatmap(lambda person: st.tuples(st.just(person), spellings(person))), min_size=1
)


@given(written)
def test_any_mixture_of_spellings_gives_the_same_persons(rows):
    names = persons.names([text for _, text in rows])
    name_of = {}
    for person, text in rows:
        assert name_of.setdefault(person, names[text]) == names[text]
    assert len(set(name_of.values())) == len(name_of)


@given(written)
def test_the_name_is_the_most_frequent_spelling(rows):
    names = persons.names([text for _, text in rows])
    visible = [(person, "".join(c for c in text if unicodedata.category(c) != "Cf")) for person, text in rows]
    shown = Counter((person, " ".join(unicodedata.normalize("NFC", text).split())) for person, text in visible)
    for person, text in rows:
        most = max(count for (who, _), count in shown.items() if who == person)
        assert shown[person, names[text]] == most


@pytest.mark.parametrize(
    ("one", "other"),
    [("S01", "s01 "), ("S 01", "S01"), ("Jo Ann", "joann"), ("ﬁnn", "FINN"), ("Ｓ０１", "s01"), ("e\u0301va", "Éva")],
)
def test_what_is_the_same(one, other):
    assert persons.identity(one) == persons.identity(other)


@pytest.mark.parametrize(("one", "other"), [("01", "1"), ("1 11", "11 1"), ("s_1", "s1"), ("s-1", "s1"), ("a", "ä")])
def test_what_is_not_the_same(one, other):
    assert persons.identity(one) != persons.identity(other)


@pytest.mark.parametrize(
    "word",
    [
        "",
        "nan",
        "NaN",
        " NAN ",
        "NA",
        "N/A",
        "n/a",
        "n.a.",
        "None",
        "NULL",
        "<NA>",
        "unknown",
        "Unk",
        "<unk>",
        "[none]",
        "-",
        "--",
        "–",
        "?",
        "??",
        "...",
        "_",
        "*",
        "~",
        "not available",
        "Not Applicable",
        "-1",
        "#N/A",
        "\u200b",
        " ",
    ],
)
def test_nobody(word):
    assert persons.is_nobody(word)


@pytest.mark.parametrize("word", ["0", "1", "Nan2", "Nana", "id-NA", "Nona", "unknown 3", "Noneto", "花", "x"])
def test_somebody(word):
    assert not persons.is_nobody(word)


def test_numbers_of_pandas():
    assert persons.names(["84", "84.0", "1089.0"]) == {"84": "84", "84.0": "84", "1089.0": "1089"}
    assert persons.names(["007.0", "7.0"]) == {"007.0": "007", "7.0": "7"}
    assert persons.names(["84.0", "84", "v1.0"]) == {"84.0": "84.0", "84": "84", "v1.0": "v1.0"}, (
        "versions are no numbers"
    )


@pytest.mark.parametrize(
    ("word", "sex"),
    [
        (word, "F")
        for word in ("F", "f", "Female", "woman", " W ", "female_feminine", "Female-Feminine", "girl", "weiblich")
    ]
    + [(word, "M") for word in ("m", "MALE", "man", "male_masculine", "männlich", "m\u0061\u0308nnlich", "boy")]
    + [(word, None) for word in ("", "other", "do_not_wish_to_say", "0", "1", "x", "non-binary", "intersex", "fm")],
)
def test_words_for_the_sexes(word, sex):
    assert persons.sex(word) == sex
