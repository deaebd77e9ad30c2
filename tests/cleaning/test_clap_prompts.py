"""``synth clean --prompts``: which labels a file does not speak of is said, and what is no such file is refused."""

from __future__ import annotations

import csv
import json

import pytest

from synth.cleaning import descriptions
from tests.cleaning import judges
from tests.cleaning.tables import cleaned, refused, run
from tests.real_data import DATA, needs_data

pytest.importorskip("torch")
pytest.importorskip("transformers")
HEARD = {  # every label of the clips, described
    "Siren": "The loud wail of an alarm.",
    "White noise, static": "A hiss.",
    "Clock": "A mechanism that ticks.",
    "Bell": "A hollow thing of metal that rings.",
    "Helicopter": "A machine with rotor blades.",
    "Crickets, insects": "Insects that chirp at night.",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Sources of two clips of each of six labels."""
    home = tmp_path_factory.mktemp("prompts")
    labels = judges.clips(home / "clips", 2, 1.0)
    with (home / "labels.csv").open("w", newline="") as file:
        rows = [(path, json.dumps([label])) for path, label in labels.items()]  # a list: commas belong to the names
        csv.writer(file).writerows([("path", "labels"), *rows])
    done = run("index", home / "clips", "--csv", home / "labels.csv", "-o", home / "sources.parquet")
    assert done.exit_code == 0, done.output
    return home


@pytest.fixture
def words(folder, tmp_path):
    """The command up to the file of prompts."""
    return (folder / "sources.parquet", "--checkpoint", judges.TINY, "-o", tmp_path / "v.parquet", "--prompts")


def ontology(path, **changes):
    """Write an ontology of the labels; a change is another description, or None for none."""
    known = {name: changes.get(name, text) for name, text in HEARD.items()} | changes
    return entries(path, [{"id": f"/m/{k}", "name": name, "description": known[name]} for k, name in enumerate(known)])


def entries(path, values):
    path.write_text(json.dumps(values))
    return path


def test_a_file_that_speaks_of_all_labels_is_not_talked_about(words, tmp_path):
    said = cleaned(*words, ontology(tmp_path / "o.json"))
    assert (said["warnings"], said["standard_prompts"]) == ([], [])


def test_labels_that_an_ontology_does_not_know_are_named_with_the_nearest_ones(words, tmp_path):
    file = entries(tmp_path / "o.json", [{"id": f"/m/{k}", "name": name, "description": name}
                                         for k, name in enumerate(("SIREN", "Bells", "Clock", "Helicopter"))])  # fmt: skip
    said = cleaned(*words, file)
    assert said["standard_prompts"] == ["Bell", "Crickets, insects", "Siren", "White noise, static"]
    text = " ".join(run("clean", *words, file).stdout.split())
    assert f"warning: {file} does not describe 4 of 6 labels, which the standard sentence alone asks about" in text
    assert "'Bell' (not known; nearest: 'Bells')" in text
    assert "'Siren' (not known; nearest: 'SIREN')" in text
    assert "'White noise, static' (not known)" in text
    assert "--prompts FILE.csv with the columns label,prompt" in text


@pytest.mark.parametrize(("description", "key"), [(None, True), ("", True), (" \n", True), (None, False)])
def test_a_class_without_a_description_is_asked_about_by_its_name(words, tmp_path, description, key):
    values = json.loads(ontology(tmp_path / "o.json", Bell=description).read_text())
    for one in values if not key else ():
        if one["name"] == "Bell":
            del one["description"]
    said = cleaned(*words, entries(tmp_path / "o.json", values))
    assert said["standard_prompts"] == ["Bell"]
    assert "'Bell' (has no description)" in said["warnings"][0]


def test_a_name_of_two_classes_says_nothing(words, tmp_path):
    values = json.loads(ontology(tmp_path / "o.json").read_text())
    said = cleaned(*words, entries(tmp_path / "o.json", [*values, {"id": "/m/x", "name": "Bell", "description": None}]))
    assert said["standard_prompts"] == ["Bell"]
    assert "'Bell' (the name of 2 classes)" in said["warnings"][0]


@pytest.mark.parametrize(("suffix", "text"), [
    (".csv", "label,prompt\nBell,a church bell ringing\nZither,a zither\n"),
    (".toml", "[prompts]\nBell = 'a church bell ringing'\nZither = 'a zither'\n"),
])  # fmt: skip
def test_labels_that_ones_own_file_does_not_speak_of_are_named(words, tmp_path, suffix, text):
    file = tmp_path / f"own{suffix}"
    file.write_text(text)
    said = cleaned(*words, file)
    others = [name for name in sorted(HEARD) if name != "Bell"]
    assert said["standard_prompts"] == others
    unused, plain = said["warnings"]
    assert unused == f"{file} has prompts for labels that no clip carries: Zither"
    assert plain.startswith(f"{file} has no prompts for 5 of 6 labels: {', '.join(others)}. ")
    assert "'This is a sound of clock'" in plain


def test_a_file_with_another_template_means_all_labels(words, tmp_path):
    (tmp_path / "own.toml").write_text('template = "i hear {label}"\n')
    said = cleaned(*words, tmp_path / "own.toml")
    assert (said["warnings"], said["standard_prompts"]) == ([], [])


REFUSED = {
    "cut short": ('[{"id": "/m/0", "name": "Bell", "descr', "is no JSON, or cut short (Unterminated string"),
    "a page": ("<!doctype html>", "is no JSON, or cut short"),
    "too deep": ("[" * 100_000, "is no JSON, or cut short"),
    "an object": ('{"Bell": "it rings"}', "holds no list; wanted AudioSet's ontology.json"),
    "nothing": ("[]", "holds an empty list"),
    "no name": ('[{"id": "/m/0", "name": "Bell", "description": "x"}, {"id": "/m/1"}]', "entry 2: {'id': '/m/1'}; wanted"),
    "a number": ('[{"id": "/m/0", "name": "Bell", "description": 5}]', "entry 1: {'id': '/m/0'"),
    "an id twice": ('[{"id": "/m/0", "name": "Bell"}, {"id": "/m/0", "name": "Clock"}]', "entry 2: the id /m/0 is there twice"),
    "other labels": ('[{"id": "/m/0", "name": "Belle", "description": "x"}]',
                     "describes none of the labels of these clips: 'Bell' (not known; nearest: 'Belle'), 'Clock' (not known)"),
    "no description": ('[{"id": "/m/0", "name": "Bell"}]', "describes none of the labels of these clips: 'Bell' (has no description)"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_ontology_of_these_labels_is_refused(words, tmp_path, what):
    text, says = REFUSED[what]
    file = tmp_path / "o.json"
    file.write_text(text)
    said = refused(*words, file)
    assert f"--prompts {file}" in said
    assert says in said
    assert not (tmp_path / "v.parquet").exists()


def test_a_table_without_rows_is_refused(words, tmp_path):
    (tmp_path / "own.csv").write_text("label,prompt\n")
    assert "own.csv has no rows" in refused(*words, tmp_path / "own.csv")


def test_a_wrong_file_is_wrong_without_a_judge(words, tmp_path):
    (tmp_path / "o.json").write_text("[]")
    said = refused(words[0], "--checkpoint", tmp_path / "none.pt", *words[3:], tmp_path / "o.json", "--without-checkpoint", "unjudged")  # fmt: skip
    assert "holds an empty list" in said


@needs_data
def test_the_real_ontology_names_what_it_does_not_know(words):
    said = cleaned(*words, DATA / "audioset" / "ontology.json")
    assert said["standard_prompts"] == ["Crickets, insects", "White noise, static"]
    assert "'Crickets, insects' (not known" in said["warnings"][0]
    assert "'White noise, static' (not known; nearest: 'White noise'" in said["warnings"][0]


@needs_data
@pytest.mark.parametrize(
    ("label", "name"),
    [("baby cry", "Baby cry, infant cry"), ("rooster", "Chicken, rooster"), ("church_bell", "Church bell")],
)
def test_the_nearest_name_is_found_by_each_of_its_synonyms(label, name):
    file = DATA / "audioset" / "ontology.json"
    known = descriptions.read(file, file.read_text(encoding="utf-8"))
    assert known.why_not(label, None).startswith(f"'{label}' (not known; nearest: '{name}'")
