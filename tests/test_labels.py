"""--label Dog is Dog where dog is there too; another spelling is taken where it is the only one, and said."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st

from synth.errors import UsageError
from synth.labels import said_of, spelled
from tests.end_to_end.commands import rows, synth

RATE = 16_000
NAMES = st.text("aAbBßS é\u0301", min_size=1, max_size=5).filter(lambda text: text.strip())


@given(st.lists(NAMES, min_size=1, max_size=8, unique=True), st.data())
def test_a_name_that_is_there_is_that_one(names, data):
    wanted = data.draw(st.sampled_from(names))
    assert spelled(wanted, {name: name for name in names}) == wanted


@pytest.mark.parametrize("typed", ["dog", "DOG", " Dog ", "dOg"])
def test_the_only_other_spelling_is_taken(typed):
    said = []
    assert spelled(typed, {"Dog": "Dog", "/m/0bt9lr": "Dog", "Cat": "Cat"}) == "Dog"
    said_of({typed: "Dog"}, said.append)
    assert said == [f"--label {typed}: taken for 'Dog', as it is spelled here"]


def test_two_other_spellings_are_a_question():
    known = {name: name for name in ("Dog", "dog", "Dog, barking")}
    with pytest.raises(UsageError, match="'Dog' or 'dog'"):
        spelled("DOG", known)
    assert spelled("Dog, Barking", known) == "Dog, barking"
    assert spelled("cat", known) is None


def test_what_was_spelled_right_is_not_mentioned():
    said = []
    said_of({"Dog": "Dog", "/m/0bt9lr": "Dog"}, said.append)
    assert said == []


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Recordings whose labels differ in case alone, and one that is alone with its name."""
    folder = tmp_path_factory.mktemp("labels")
    (folder / "a").mkdir()
    labels = [("Dog", "dog", "Cat")[k % 3] for k in range(18)]
    for k in range(18):
        sf.write(folder / "a" / f"{k}.wav", np.random.default_rng(k).normal(0, 0.1, RATE), RATE, subtype="PCM_16")
    lines = [f"{k}.wav,{label}" for k, label in enumerate(labels)]
    (folder / "a.csv").write_text("\n".join(["path,labels", *lines]) + "\n")
    synth("index", "a", "--csv", "a.csv", "-o", "s.parquet", cwd=folder)
    return folder / "s.parquet"


@pytest.mark.parametrize(
    ("typed", "label", "said"), [("Dog", "Dog", False), ("dog", "dog", False), ("cat", "Cat", True)]
)
def test_a_manifest_of_one_label(sources, tmp_path, typed, label, said):
    done = synth("manifest", sources, "--label", typed, "--seconds", 1, "--split", "80/10/10", "-o", tmp_path / "set")
    found = {name for row in rows(tmp_path / "set" / "manifest.parquet", "labels") for name in row["labels"]}
    assert found == {label}
    assert (f"taken for '{label}'" in done.says) == said


def test_a_manifest_of_neither_spelling(sources, tmp_path):
    done = synth("manifest", sources, "--label", "DOG", "--seconds", 1, "-o", tmp_path / "set", code=2)
    assert "'Dog' or 'dog'" in done.says
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(("typed", "mid"), [("Dog", "/m/0bt9lr"), ("dog", "/m/09dog9"), ("accordion", "/m/0mkg")])
def test_a_class_to_fetch(tmp_path, typed, mid):
    lists = tmp_path / "l"
    lists.mkdir()
    (lists / "class_labels_indices.csv").write_text(
        'index,mid,display_name\n0,/m/0bt9lr,"Dog"\n1,/m/09dog9,"dog"\n2,/m/0mkg,"Accordion"\n'
    )
    count = {"/m/0bt9lr": 3, "/m/09dog9": 2, "/m/0mkg": 1}
    lines = [
        f'{letter}{k}ABCDEFGHI, {30 + k}.000, {40 + k}.000, "{one}"\n'
        for letter, one in zip("xyz", count, strict=True)
        for k in range(count[one])
    ]
    (lists / "list.csv").write_text("".join(lines))
    done = synth("fetch-audioset", "--label", typed, "--csv", lists / "list.csv", "--dry-run")
    assert f"{count[mid]} clips chosen" in done.says or f"{count[mid]} clip chosen" in done.says
    assert ("taken for 'Accordion'" in done.says) == (typed == "accordion")
