"""AudioSet's classes: names and mids, the graph, and how well each label was judged."""

from __future__ import annotations

import csv
import json

import pytest

from synth.corpora.audioset import classes
from synth.errors import InputError, UsageError
from tests.corpora import audioset_real as real
from tests.real_data import needs_data


@pytest.fixture(scope="module")
def known():
    return classes.read(real.FOLDER / "class_labels_indices.csv")


@needs_data
def test_names_and_mids_are_those_of_the_file(known):
    with (real.FOLDER / "class_labels_indices.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["mid"], row["display_name"]) for row in rows] == list(known.names.items())
    assert len(known.names) == len(known.mids) == 527
    assert classes.read(next(real.FOLDER.glob("variants/18_*.csv"))) == known


@needs_data
def test_every_name_in_any_case_and_every_mid_is_resolved(known):
    for mid, name in known.names.items():
        assert {known.mid(text) for text in (mid, name, name.upper(), f"  {name} ")} == {mid}
        assert known.split(name) == [mid], "names hold commas"


@needs_data
def test_labels_separated_by_commas_are_told_apart(known):
    names = list(known.names.values())
    for k in range(0, len(names), 3):
        some = names[k : k + 3]
        assert known.split(",".join(some)) == [known.mid(one) for one in some]
    assert known.split("Speech, /m/0mkg") == ["/m/09x0r", "/m/0mkg"]


@needs_data
@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Akordion", "Accordion"),
        ("baby cry", "Baby cry, infant cry"),
        ("musical instruments", "Musical instrument"),
        ("Male speech", "Male speech, man speaking"),
    ],
)
def test_an_unknown_name_is_told_the_nearest_and_never_taken_for_another(known, typed, meant):
    with pytest.raises(UsageError, match=f"did you mean '{meant}'"):
        known.mid(typed)


@needs_data
def test_a_name_like_no_label_is_told_where_the_names_are(known):
    with pytest.raises(UsageError, match=r"its 527 names are in class_labels_indices\.csv"):
        known.mid("xqzw")
    with pytest.raises(UsageError, match="'Trombonist'"):
        known.split("Speech,Trombonist")


@needs_data
def test_descendants_are_a_set_however_they_are_reached():
    """Compared with a naive walk over the file; 38 classes have several parents."""
    nodes = {node["id"]: node for node in json.loads((real.FOLDER / "ontology.json").read_text())}
    found = classes.read_ontology(real.FOLDER / "ontology.json")

    def naive(mid: str) -> list[str]:
        return [one for child in nodes[mid]["child_ids"] for one in (child, *naive(child))]

    assert len(found.names) == 632
    assert sum(len(above) > 1 for above in found.parents.values()) == 38
    twice = 0
    for mid in nodes:
        walked = naive(mid)
        assert found.descendants(mid) == set(walked)
        twice += len(walked) > len(set(walked))
        assert all(mid in found.ancestors(one) for one in set(walked))
    assert twice > 0
    assert real.ACCORDION in found.descendants(real.INSTRUMENT)
    assert found.descendants(real.ACCORDION) == set()


def test_a_circle_in_the_graph_ends(tmp_path):
    path = tmp_path / "ontology.json"
    path.write_text(
        json.dumps([{"id": x, "name": x, "child_ids": [y]} for x, y in (("/m/aa", "/m/bb"), ("/m/bb", "/m/aa"))])
    )
    assert classes.read_ontology(path).descendants("/m/aa") == {"/m/bb"}


@needs_data
def test_quality_is_a_share_or_unknown():
    found = classes.read_quality(real.FOLDER / "qa_true_counts.csv")
    assert len(found) == 527
    assert found[real.ACCORDION] == 0.9
    assert sum(share is None for share in found.values()) == 70, "none was rated: no division by zero, no share of 0"
    assert sum(share is not None and share < 0.5 for share in found.values()) == 81


@needs_data
def test_names_of_the_strong_labels():
    found = classes.read_strong_names(real.FOLDER / "mid_to_display_name.tsv")
    assert len(found.names) == 456
    assert found.name("/m/01j2bj") == "Bathroom sounds"


@pytest.mark.parametrize(
    ("reader", "content", "says"),
    [
        (classes.read, "index,mid,display_name\n", "no classes"),
        (classes.read, "index,mid,display_name\n0,x,Speech\n", "row 2"),
        (classes.read, "<html>", "no classes"),
        (classes.read_quality, "label_id,num_rated,num_true\n/m/09x0r,10,11\n", "row 2"),
        (classes.read_quality, "label_id,num_rated,num_true\n/m/09x0r,x,1\n", "row 2"),
        (classes.read_ontology, "[{}]", "no ontology.json"),
        (classes.read_ontology, "nothing", "no ontology.json"),
        (classes.read_ontology, '[{"id": "/m/aa", "name": "a", "child_ids": ["/m/bb"]}]', "/m/bb"),
        (classes.read_strong_names, "/m/09x0r,Speech\n", "row 1"),
    ],
)
def test_other_files_are_refused(tmp_path, reader, content, says):
    path = tmp_path / "file"
    path.write_text(content)
    with pytest.raises(InputError, match=says):
        reader(path)
    with pytest.raises(InputError, match="No such file"):
        reader(tmp_path / "none")
