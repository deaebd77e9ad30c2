"""Labels to sentences."""

from __future__ import annotations

import pytest

from synth.cleaning.prompts import prompts, synonyms
from synth.errors import InputError
from tests.real_data import DATA, needs_data


@pytest.mark.parametrize(
    ("label", "wanted"),
    [
        ("Accordion", ["accordion"]),
        ("Baby cry, infant cry", ["baby cry", "infant cry"]),
        ("crying_baby", ["crying baby"]),
        ("Inside, large room or hall", ["inside", "large room or hall"]),
        ("R&B", ["R&B"]),
        ("CD player", ["CD player"]),
        ("Bark,  , bark", ["bark"]),
        (",", [","]),
    ],
)
def test_names_are_split_at_commas(label, wanted):
    assert synonyms(label) == wanted


def test_the_standard_sentence_is_laions():
    found = prompts(["Siren", "Baby cry, infant cry"])
    assert found.sentences == (
        ("This is a sound of siren",),
        ("This is a sound of baby cry", "This is a sound of infant cry"),
    )
    assert found.none_of_these == ()
    assert found.all() == [text for texts in found.sentences for text in texts]


def test_a_toml_file_says_otherwise(tmp_path):
    file = tmp_path / "own.toml"
    file.write_text(
        'template = "one can hear {label}"\nnone_of_these = ["silence"]\n[prompts]\nSiren = ["an alarm", "a fire engine"]\n'
        'Bell = "a bell"\nZither = "a zither"\n'
    )
    found = prompts(["Siren", "Bell", "Clock, watch"], file)
    assert found.sentences == (
        ("an alarm", "a fire engine"),
        ("a bell",),
        ("one can hear clock", "one can hear watch"),
    )
    assert found.none_of_these == ("silence",)
    assert found.unused == ("Zither",)


def test_a_csv_file_gives_a_sentence_a_row(tmp_path):
    file = tmp_path / "own.csv"
    file.write_text('label,prompt\n"Baby cry, infant cry",a baby cries\n"Baby cry, infant cry",an infant weeps\n')
    found = prompts(["Baby cry, infant cry", "Siren"], file)
    assert found.sentences == (("a baby cries", "an infant weeps"), ("This is a sound of siren",))


@needs_data
def test_the_ontology_adds_its_descriptions_by_mid_and_by_name():
    file = DATA / "audioset" / "ontology.json"
    found = prompts(["Accordion", "cry of a baby", "no such thing"], file, {"cry of a baby": "/t/dd00002"})
    accordion, baby, other = found.sentences
    assert accordion[0] == "This is a sound of accordion"
    assert "bellows" in accordion[1]
    assert len(baby) == 2
    assert "young child" in baby[1]
    assert other == ("This is a sound of no such thing",)
    assert found.unused == ()


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.toml", "[prompts\n", "a.toml"),
        ("a.toml", "promts = 1\n", "did you mean 'prompts'"),
        ("a.toml", 'template = "a sound"\n', "label"),
        ("a.toml", "[prompts]\nSiren = []\n", "Siren"),
        ("a.toml", "[prompts]\nSiren = [1]\n", "Siren"),
        ("a.toml", "[prompts]\nSirens = 'x'\n", "did you mean 'Siren'"),
        ("a.csv", "name,text\nSiren,x\n", "wanted label and prompt"),
        ("a.csv", "label,prompt\nSiren,\n", "row 2"),
        ("a.json", "{}", "ontology.json"),
        ("a.json", "[1]", "ontology.json"),
        ("a.txt", "x", ".toml"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(name, text, says, tmp_path):
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(InputError, match=says.replace(".", r"\.")):
        prompts(["Siren", "Bell"], file)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        prompts(["Siren"], tmp_path / "a.toml")


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"label,prompt\nSiren,\xff\xfe\n")
    with pytest.raises(InputError, match="UTF-8"):
        prompts(["Siren"], tmp_path / "a.csv")
