"""SPEAKERS.TXT: whatever rows are written, they are read back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from synth.corpora.items import Oddities
from synth.corpora.speakers import OFFICIAL_SEXES, parse
from tests.real_data import DATA, needs_data

names = st.text(st.characters(min_codepoint=32, max_codepoint=0x17F, exclude_characters="\x85\x7f"), max_size=50).map(
    str.strip
)
rows = st.dictionaries(
    st.integers(1, 99999).map(str),
    st.tuples(st.sampled_from("FM"), st.sampled_from(["dev-clean", "train-clean-100"]), names),
    min_size=1,
    max_size=20,
)


@given(rows, st.booleans(), st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_rows_are_read_back(table, comments, spaces, newline):
    lines = [";ID |SEX| SUBSET |MINUTES| NAME"] if comments else []
    bar = " | " if spaces else "|"
    lines += [bar.join([key, sex, subset, "25.03", name]) for key, (sex, subset, name) in table.items()]
    oddities = Oddities()
    speakers = parse(newline.join(lines) + newline, oddities)
    assert {key: (s.sex, s.subset, s.name) for key, s in speakers.items()} == table
    kinds = {oddity.kind: oddity.count for oddity in oddities.all()}
    assert kinds.get("speakers-pipe-in-name", 0) == sum("|" in name for _, _, name in table.values())
    assert ("speakers-no-comments" in kinds) == (not comments)


@given(st.text(max_size=200))
def test_any_text_is_survived(text):
    for speaker in parse(text, Oddities()).values():
        assert speaker.sex in ("F", "M", None)


@needs_data
def test_the_published_table():
    speakers = parse((DATA / "LibriSpeech" / "SPEAKERS.TXT").read_text("utf-8"), Oddities())
    assert len(speakers) == 2484
    assert [sum(s.sex == sex for s in speakers.values()) for sex in "FM"] == [1201, 1283]
    assert speakers["60"].name == "|CBW|Simon"
    assert {key: speakers[key].sex for key in OFFICIAL_SEXES} == OFFICIAL_SEXES
    assert sum(s.subset == "train-clean-100" for s in speakers.values()) == 251
