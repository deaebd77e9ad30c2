"""Every fact that a data set tells beside its rows, changed one at a time: the audit names the file and the fact.

Metadata of each Parquet file, each option of recipe.toml, each number and name of the data card, each other file: what
is walked is what is there, so that what is added later is changed as well.
"""

from __future__ import annotations

import csv
import json
import re
import tomllib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

from synth.errors import SynthError
from synth.publishing import labelled_card
from synth.recipe import ManifestOptions
from synth.rendering.credit import Credits
from synth.rendering.planfile import PlanFile
from synth.steps.audit import audit
from synth.steps.index import index
from synth.steps.manifest import manifest
from synth.steps.verify import Folder, verify
from synth.tables import MADE_FROM
from tests.checking.wrong_sets import copied

KINDS = ("mixtures", "labelled")
TABLES = ("plan", "sources", "manifest", "data/val-00000-of-00001")


@pytest.fixture(scope="module")
def sets(made, tmp_path_factory):
    place = tmp_path_factory.mktemp("facts")
    random = np.random.default_rng(7)
    for folder in ("hiss", "sounds"):
        (place / folder).mkdir()
    for k in range(6):
        soundfile.write(place / "hiss" / f"{k}.wav", random.normal(0, 0.05, 48_000), 16_000)
    options = {"seconds": 0.6, "speakers": "0-2", "overlap": "0:1", "min_active": 0.2, "snr_db": "5:15"}
    table = index([], noise=[place / "hiss"]).table
    mixtures = made("facts", clips="24/6/6", table=table, rendering={"stems": True}, **options)
    with (place / "sounds.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "labels", "group_id", "licence", "attribution"])
        for k in range(18):
            sound = random.normal(0, 0.1, 8_000 + 400 * k)
            soundfile.write(place / "sounds" / f"{k}.wav", sound, (16_000, 8_000)[k % 5 == 0])
            labels = ["bell", "saw", "rain"][k % 3] + (";loud" if k == 4 else "")
            rows.writerow([f"{k}.wav", labels, f"g{k // 2}", "CC-BY-4.0" if k % 4 else "CC0-1.0", f"somebody {k % 4}"])
    manifest(
        index([place / "sounds"], csv=place / "sounds.csv").table,
        out=place / "labelled",
        jobs=1,
        recipe=ManifestOptions(seconds=0.6, rate=16_000),
    )
    return {"mixtures": mixtures, "labelled": place / "labelled"}


def on_paper(folder) -> dict[str, str]:
    """Return what does not hold, without listening: what is told beside the rows needs no ear."""
    from synth.steps import audit as step

    found = Folder.opened(folder)
    labels = step.labels_of(found) if found.opened_plan.labelled else None
    sources = step.Sources.of(found.sources)
    pages = step.stored.pages(folder / "manifest.parquet", step.CLIP_LEAVES, step.IN_DICTIONARIES)
    clips = step.Clips.of(pages, sources)
    findings = step._on_paper(found, clips, step._cell_names(found), labels)
    return {one.claim: one.says for one in findings if one.holds is False}


def says(folder) -> str:
    """Return all that is said of a folder that does not hold; an error that names a file is as good."""
    try:
        return "; ".join(f"{claim}: {text}" for claim, text in on_paper(folder).items())
    except SynthError as error:
        return str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_before_anything_is_changed(sets, kind):
    assert on_paper(sets[kind]) == {}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("kind", KINDS)
def test_each_key_of_the_metadata(sets, tmp_path, kind, name):
    folder = copied(sets[kind], tmp_path / "set")
    path = folder / f"{name}.parquet"
    table, whole = pq.ParquetFile(path).read(), path.read_bytes()
    before = dict(pq.ParquetFile(path).schema_arrow.metadata)

    def written(metadata: dict) -> str:
        pq.write_table(table.replace_schema_metadata(metadata), path)
        found = says(folder)
        path.write_bytes(whole)
        return found

    assert written(before) == "", "writing the same again changes nothing"
    assert len(before) > 3
    for key, value in before.items():
        lost = {one: other for one, other in before.items() if one != key}
        assert path.stem in written(lost), f"without {key}"
        for other in changes(value.decode()):
            found = written({**before, key: other.encode()})
            assert re.search(f"{path.stem}|{key.decode()}|README", found), (key, other, found)
    assert path.stem in written({**before, b"author": b"somebody"})


def changes(value: str) -> list[str]:
    """Return other values of a key, as near as they can be; of JSON, one of each part."""
    try:
        found = json.loads(value)
    except ValueError:
        return [value + "x", value[:-1]]
    if isinstance(found, bool):
        return [json.dumps(not found)]
    if isinstance(found, dict):
        out = [json.dumps({**found, "more": 1})]
        for key, one in found.items():
            out += [json.dumps({**found, key: json.loads(other)}) for other in _others(one)]
        return out
    return _others(found)


def _others(value: object) -> list[str]:
    if isinstance(value, bool):
        return [json.dumps(not value)]
    if isinstance(value, (int, float)):
        return [json.dumps(value + 1)]
    if isinstance(value, str):
        return [json.dumps(value + "x")]
    return []


OTHER_FACTS = [
    ("facts", {"cut": 1}), ("facts", {"padded": -1}), ("facts", {"beyond_s": 0.1}), ("facts", {"labels_dropped": 2}),
    ("facts", {"labels_unjudged": 2}), ("left_out", {"corrupt": 2}), ("left_out", {"windows in which nothing is heard": 1}),
    ("left_out", {"in no split": 1}), ("left_out", {"long": 1}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "more"), OTHER_FACTS, ids=[f"{key}-{name}" for key, more in OTHER_FACTS for name in more]
)
def test_what_was_left_out_is_counted_again(sets, tmp_path, key, more):
    """Changed alike in the plan, in what the manifest says of it, and on the card: the recordings are still there."""
    folder = copied(sets["labelled"], tmp_path / "set")
    plan, listed = folder / "plan.parquet", folder / "manifest.parquet"
    before = pq.ParquetFile(plan).schema_arrow.metadata
    facts = json.loads(before[key.encode()])
    other = json.dumps(facts | {name: facts.get(name, 0) + by for name, by in more.items()}).encode()
    pq.write_table(pq.ParquetFile(plan).read().replace_schema_metadata({**before, key.encode(): other}), plan)
    said = pq.ParquetFile(listed).schema_arrow.metadata
    origin = json.loads(said[MADE_FROM.encode()])
    origin["plan"][key] = other.decode()
    said = {**said, MADE_FROM.encode(): json.dumps(origin).encode()}
    pq.write_table(pq.ParquetFile(listed).read().replace_schema_metadata(said), listed)
    found = Folder.opened(folder)
    labelled_card.write(folder, Credits(found.sources, found.rate_hz).sharing(PlanFile(plan, found_ids(found))))
    assert set(on_paper(folder)) == {"metadata"}
    assert re.search(rf"plan\.parquet says (that|judged|{key}\.{next(iter(more))})", on_paper(folder)["metadata"])


def found_ids(folder: Folder) -> dict[str, int]:
    return {name: k for k, name in enumerate(folder.sources.column("source_id").to_pylist())}


@pytest.mark.parametrize("name", ["manifest", "data/val-00000-of-00001"])
def test_the_hub_is_told_of_the_columns_and_nothing_else(sets, tmp_path, name):
    folder = copied(sets["mixtures"], tmp_path / "set")
    path = folder / f"{name}.parquet"
    table = pq.ParquetFile(path).read()
    before = json.loads(table.schema.metadata[b"huggingface"])
    for other in ({**before, "fingerprint": "0"}, {"info": {**before["info"], "license": "mit"}}):
        said = {**table.schema.metadata, b"huggingface": json.dumps(other).encode()}
        pq.write_table(table.replace_schema_metadata(said), path)
        assert path.stem in on_paper(folder)["metadata"]
    field = table.schema.field("clip_id").with_metadata({"unit": "none"})
    pq.write_table(table.cast(table.schema.set(table.schema.get_field_index("clip_id"), field)), path)
    assert "clip_id" in on_paper(folder)["metadata"]


def test_metadata_that_two_places_say_otherwise(sets, tmp_path):
    folder = copied(sets["mixtures"], tmp_path / "set")
    path = folder / "plan.parquet"
    table = pq.ParquetFile(path).read()
    with pq.ParquetWriter(path, table.schema) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({"seed": "1"})
    assert "seed" in says(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_each_option_of_the_recipe(sets, tmp_path, kind):
    folder = copied(sets[kind], tmp_path / "set")
    path = folder / "recipe.toml"
    text = path.read_text(encoding="utf-8")
    (table,) = tomllib.loads(text).values()
    for key, value in table.items():
        line = next(one for one in text.splitlines() if one.startswith(f"{key} = "))
        for other in _options(value):
            path.write_text(text.replace(line, f"{key} = {other}"), encoding="utf-8")
            assert "recipe.toml" in says(folder), (key, other)
        if value != []:
            path.write_text(text.replace(line, ""), encoding="utf-8")
            assert "recipe.toml" in says(folder), f"without {key}"
    path.write_text(
        text + 'verdicts = "other.parquet"\n' if kind == "labelled" else text + "[clean]\n", encoding="utf-8"
    )
    assert "recipe.toml" in says(folder)


def _options(value: object) -> list[str]:
    if isinstance(value, bool):
        return [json.dumps(not value)]
    if isinstance(value, (int, float)):
        return [json.dumps(value + 1)]
    if isinstance(value, list):
        return [json.dumps([*value, "more"]), json.dumps(value[1:])] if value else ['["more"]']
    return [json.dumps(f"{value}1"), '""']


def card_facts(text: str) -> list[tuple[int, int, str]]:
    """Return each number of a card outside its pictures, with where it begins and ends, and what else it might be."""
    body = text.index("\n# ")
    found = []
    for one in re.finditer(r"\d+(?:[.,]\d+)*", text):
        if one.start() < body or (text[one.start() - 1 : one.start()] in ("_", "-") and "0000" in one[0]):
            continue
        last = one[0][-1]
        found.append((one.start(), one.end(), one[0][:-1] + str((int(last) + 1) % 10)))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_each_number_of_the_card(sets, tmp_path, kind):
    folder = copied(sets[kind], tmp_path / "set")
    path = folder / "README.md"
    text = re.sub(r"^## What to beat\n.*?(?=^## )", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    numbers = card_facts(text)
    assert len(numbers) > 30
    for first, end, other in numbers:
        path.write_text(text[:first] + other + text[end:], encoding="utf-8")
        found = says(folder)
        assert "README.md" in found, (text[max(first - 40, 0) : end + 20], other)


NAMES = {
    "mixtures": ["| FM |", "| class | train", "the demo voices", "background noise", " in val (", "--noise hiss", "--stems",
                 "data/val-", "audio-classification", "- speech", "other\ntask",
                 "No speaker, chapter", "drawn alike", "LicenseRef-unknown"],
    "labelled": ["| bell |", "# bell", "the folder sounds", " in val, ", "data/val-", "audio-classification", "cc-by-4.0\ntask",
                 "CC0-1.0", "sources.parquet --s"],
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_the_card(sets, tmp_path, kind):
    folder = copied(sets[kind], tmp_path / "set")
    path = folder / "README.md"
    text = path.read_text(encoding="utf-8")
    for name in NAMES[kind]:
        assert name in text, name
        at = text.index(name) + re.search(r"[a-zA-Z]", name).start()
        letter = "q" if text[at].islower() else "Q"
        path.write_text(text[:at] + letter + text[at + 1 :], encoding="utf-8")
        assert "README.md" in says(folder), name


@pytest.mark.parametrize("old", ['load_dataset(".")', "synth verify .   ", "synth audit .   "])
def test_commands_of_the_card(sets, tmp_path, old):
    """What loads another set, or looks at another."""
    folder = copied(sets["mixtures"], tmp_path / "set")
    path = folder / "README.md"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, old.replace(".", "elsewhere")), encoding="utf-8")
    assert "README.md" in says(folder)


def test_a_sentence_that_is_gone_is_missed(sets, tmp_path):
    folder = copied(sets["mixtures"], tmp_path / "set")
    path = folder / "README.md"
    text = path.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith(("- ", "| "))]
    assert len(lines) > 12
    for line in lines:
        path.write_text(text.replace(line + "\n", ""), encoding="utf-8")
        assert "README.md" in says(folder), line


@pytest.mark.parametrize("name", ["recipe.toml", "README.md", "attribution.txt"])
def test_a_text_that_is_gone(sets, tmp_path, name):
    folder = copied(sets["mixtures"], tmp_path / "set")
    (folder / name).unlink()
    assert name in says(folder)


STRAYS = [
    "set.py", "loader/load.py", "train.parquet", "more/train-00000-of-00001.parquet", "metadata.csv", "metadata.jsonl",
    "dataset_infos.json", "state.json", "extra.arrow", "train.zip", "a.wav", "data/notes.txt", "data/train-00001-of-00001.parquet",
]  # fmt: skip


@pytest.mark.parametrize("name", STRAYS)
def test_a_file_that_would_be_loaded(sets, tmp_path, name):
    folder = copied(sets["mixtures"], tmp_path / "set")
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    if name.endswith(".parquet"):
        pq.write_table(pa.table({"audio": ["x"], "label": [1]}), path)
    else:
        path.write_text("{}")
    assert name in on_paper(folder)["loaded"]
    assert any(name in problem for problem in verify(folder, sample=1).problems)


def test_files_that_do_no_harm(sets, tmp_path):
    """What its owner or synth itself puts there, and another set in a folder of its own, as the card's commands make it."""
    folder = copied(sets["mixtures"], tmp_path / "set")
    for name in ("LICENSE", "notes.txt", "paper.pdf", ".gitattributes", "pictures/mine.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("mine")
    copied(sets["labelled"], folder / "COPY")
    pq.write_table(pq.ParquetFile(folder / "sources.parquet").read(), folder / "split.parquet")
    assert on_paper(folder) == {}


@pytest.mark.parametrize("stored", ["wav", "flac"])
def test_sounds_in_another_container(made, tmp_path, stored):
    """The samples are the same; what loads them need not be."""
    import io

    options = {"clips": "12/2/2", "seconds": 0.6, "speakers": "1-2"}
    honest = made(f"containers-{stored}", rendering={"codec": stored, "stems": True}, **options)
    other = {"wav": "FLAC", "flac": "WAV"}[stored]
    for name in ("audio", "stems"):
        folder = copied(honest, tmp_path / name)
        path = folder / "data" / "train-00000-of-00001.parquet"
        table = pq.ParquetFile(path).read()
        rows = table.to_pylist()
        sound = rows[3]["audio"] if name == "audio" else rows[3]["stems"][0]
        samples, rate = soundfile.read(io.BytesIO(sound["bytes"]), dtype="int16")
        data = io.BytesIO()
        soundfile.write(data, samples, rate, format=other, subtype="PCM_16")
        sound["bytes"] = data.getvalue()
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
        found = [one for one in audit(folder, pictures=False).findings if one.holds is False]
        assert any(rows[3]["clip_id"] in one.says and stored.upper() in one.says for one in found)
        assert rows[3]["clip_id"] in verify(folder, everything=True).differing


@pytest.mark.parametrize("stored", ["wav", "flac"])
def test_a_file_in_another_container_is_named_without_listening(made, tmp_path, stored):
    options = {"clips": "12/2/2", "seconds": 0.6, "speakers": "1-2"}
    honest = made(f"files-{stored}", rendering={"codec": stored, "store": "files"}, **options)
    assert on_paper(honest) == {}
    folder = copied(honest, tmp_path / "set")
    path = sorted((folder / "data").rglob(f"*.{stored}"))[5]
    samples, rate = soundfile.read(path, dtype="int16")
    soundfile.write(path, samples, rate, format={"wav": "FLAC", "flac": "WAV"}[stored], subtype="PCM_16")
    assert path.name in on_paper(folder)["loaded"]
