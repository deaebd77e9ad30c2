"""Labels that do not speak against each other: parents and children in an ontology that is on this machine already."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synth.cleaning.null import named
from synth.corpora.audioset.classes import ONTOLOGY, Ontology, read_ontology
from synth.steps.related import above
from tests.cleaning import judges
from tests.cleaning.tables import cleaned, long, run, sources
from tests.real_data import DATA, needs_data

MIDS = {"Accordion": "/m/0mkg", "Baby": "/t/dd00002", "Guitar": "/m/0342h", "Musical instrument": "/m/04szw"}
EACH = 30
CARRIED = (["Accordion"], ["Musical instrument"], ["Guitar", "Musical instrument"], ["Baby"])
PLAIN = {"Accordion": 90, "Baby": 90, "Guitar": 60, "Musical instrument": 60}  # by what goes together alone
KIN = {"Accordion": 60, "Baby": 90, "Guitar": 60, "Musical instrument": 30}


def graph(**children: tuple[str, ...]) -> Ontology:
    names = {name: name for pair in children.items() for name in (pair[0], *pair[1])}
    parents = {name: [one for one, below in children.items() if name in below] for name in names}
    return Ontology(names, children, parents)


def test_a_class_is_above_all_that_is_below_it_by_whatever_way():
    """c has two parents; a class without a machine id, and one that the graph does not know, have none."""
    found = above(["a", "b", None, "c", "d", "x"], graph(a=("b", "between"), b=("c",), between=("c",), c=("d",)))
    wanted = {(0, 1), (0, 3), (0, 4), (1, 3), (1, 4), (3, 4)}
    assert set(zip(*(axis.tolist() for axis in np.nonzero(found)), strict=True)) == wanted
    assert above([], graph(a=("b",))).shape == (0, 0)


@needs_data
def test_the_real_ontology():
    ontology = read_ontology(DATA / "audioset" / ONTOLOGY)
    by_name = {name: mid for mid, name in ontology.names.items()}
    names = ("Music", "Musical instrument", "Accordion", "Guitar", "Speech", "Hiss", "Cat", "Steam", "Snake")
    found = above([by_name[name] for name in names], ontology)
    over = {name: {names[k] for k in np.nonzero(column)[0]} for name, column in zip(names, found.T, strict=True)}
    assert over["Accordion"] == over["Guitar"] == {"Music", "Musical instrument"}
    assert over["Hiss"] == {"Cat", "Steam", "Snake"}
    assert over["Music"] == over["Speech"] == set()
    everything = above(list(ontology.names), ontology)
    assert not (everything & everything.T).any()
    assert not everything.diagonal().any()


def test_what_a_clip_is_no_evidence_against():
    """Labels: parent, two children, another. A parent alone may be either child; beside one child it is not the other."""
    tree = np.zeros((4, 4), bool)
    tree[0, 1] = tree[0, 2] = True
    carries = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1]], bool)
    wanted = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1]], bool)
    assert np.array_equal(named(carries, tree), wanted)
    assert np.array_equal(named(carries, np.zeros((4, 4), bool)), carries)


def test_two_words_for_one_thing():
    """The last label is another word for the parent: it says no more than the parent does which child is heard."""
    tree = np.zeros((4, 4), bool)
    tree[0, 1] = tree[0, 2] = tree[0, 3] = tree[3, 0] = True
    carries = np.array([[1, 0, 0, 0], [0, 0, 0, 1], [1, 0, 0, 1], [1, 1, 0, 0]], bool)
    wanted = np.array([[1, 1, 1, 1], [1, 0, 0, 1], [1, 1, 1, 1], [1, 1, 0, 1]], bool)
    assert np.array_equal(named(carries, tree), wanted)


@pytest.fixture
def words(tmp_path, monkeypatch):
    """The command on clips of AudioSet and some scores, with a cache of its own."""
    monkeypatch.setenv("SYNTH_CACHE_DIR", str(tmp_path / "cache"))
    labels = [CARRIED[k % 4] for k in range(4 * EACH)]
    ids = sources(tmp_path / "s.parquet", labels)
    table = pq.read_table(tmp_path / "s.parquet")
    mids = pa.array([[MIDS[one] for one in mine] for mine in labels], table.schema.field("mids").type)
    pq.write_table(table.set_column(table.schema.get_field_index("mids"), "mids", mids), tmp_path / "s.parquet")
    scores = long(tmp_path / "s.csv", [(one, name, hash_of(one, name)) for one in ids for name in MIDS])
    return tmp_path / "s.parquet", "--scores", scores, "-o", tmp_path / "v.parquet"


def hash_of(*texts: str) -> int:
    return sum(ord(letter) * (k + 1) for k, letter in enumerate("".join(texts))) % 997


def kept(folder, *lacking: str):
    """Put an ontology among AudioSet's lists in the cache; return where it is."""
    children = {MIDS["Musical instrument"]: [MIDS["Accordion"], MIDS["Guitar"]]}
    entries = [
        {"id": mid, "name": name, "description": f"{name} is heard.", "child_ids": children.get(mid, [])}
        for name, mid in MIDS.items()
    ]
    for entry in entries:
        for key in lacking:
            del entry[key]
    path = folder / "cache" / "audioset" / ONTOLOGY
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(entries))
    return path


def nulls(said):
    return {name: facts["null"] for name, facts in said["classes"].items()}


def test_the_null_of_a_parent_holds_no_clips_of_its_children(words, tmp_path):
    said = cleaned(*words)
    assert (nulls(said), said["related"], said["ontology"]) == (PLAIN, {"together": 1, "ontology": 0}, None)
    path = kept(tmp_path)
    said = cleaned(*words)
    assert (nulls(said), said["related"], said["ontology"]) == (KIN, {"together": 1, "ontology": 2}, str(path))
    assert json.loads(pq.read_schema(tmp_path / "v.parquet").metadata[b"related"]) == said["related"]
    text = " ".join(run("clean", *words).stdout.split())
    assert f"1 goes together nearly always, 2 pairs are child and parent in {path}" in text


def test_an_ontology_in_the_cache_that_is_none_is_said_and_not_used(words, tmp_path):
    path = kept(tmp_path, "child_ids")
    said = cleaned(*words)
    assert (nulls(said), said["related"]["ontology"]) == (PLAIN, 0)
    assert said["warnings"] == [
        f"which labels are parents of others is not known: {path} is no ontology.json of AudioSet (KeyError('child_ids')); "
        "get it again"
    ]


def test_clips_without_machine_ids_have_no_kin(words, tmp_path):
    kept(tmp_path)
    sources(tmp_path / "s.parquet", [CARRIED[k % 4] for k in range(4 * EACH)])
    said = cleaned(*words)
    assert (nulls(said), said["related"]["ontology"]) == (PLAIN, 0)


def test_the_ontology_that_is_given_for_prompts_goes_first(words, tmp_path):
    judges.needs_clap()
    import soundfile as sf

    from synth.cleaning.clap import sounds

    (tmp_path / "clips").mkdir()
    for k in range(4 * EACH):
        sf.write(tmp_path / "clips" / f"{k}.wav", sounds.sound(("guitar", "bell", "siren")[k % 3], k // 3, 0.2), 48_000)
    given = tmp_path / "given.json"
    shutil.move(kept(tmp_path), given)
    (tmp_path / "cache" / "audioset" / ONTOLOGY).write_text("[]")
    root = ("--root", f"clips={tmp_path / 'clips'}")
    said = cleaned(words[0], "--checkpoint", judges.TINY, "--prompts", given, *root, "-o", tmp_path / "v.parquet")
    assert (nulls(said), said["ontology"], said["warnings"]) == (KIN, str(given), [])
