"""Labels to sentences: what a judge of sounds and sentences is asked about each label.

A name as AudioSet writes it holds synonyms between commas (``Baby cry, infant cry``); each becomes the sentence that
LAION's evaluation uses. The sentences of one label are averaged as unit vectors, and the mean is made a unit vector.
A file of one's own says otherwise: TOML, CSV, or AudioSet's ontology.json, whose descriptions are then asked as well.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from synth.cleaning import descriptions
from synth.errors import InputError, listed, nearest

TEMPLATE = "This is a sound of {label}"
SUFFIXES = (".toml", ".csv", ".json")
_PLACE = "{label}"


@dataclass(frozen=True, slots=True)
class Prompts:
    """The sentences of each label, and those that describe none of them.

    Of a file of prompts: ``unused`` are its labels that no clip has, ``standard`` the labels that it does not speak of,
    which the standard sentences ask about; ``notes`` say both to the user.
    """

    sentences: tuple[tuple[str, ...], ...]
    none_of_these: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    standard: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def all(self) -> list[str]:
        """Return every sentence once."""
        return list(dict.fromkeys([text for texts in (*self.sentences, self.none_of_these) for text in texts]))


@dataclass(frozen=True, slots=True)
class _Own:
    """A file of prompts: sentences in place of the standard ones."""

    template: str
    prompts: Mapping[str, tuple[str, ...]]
    none_of_these: tuple[str, ...] = ()


def synonyms(label: str) -> list[str]:
    """Split a name at its commas; underscores are spaces, and the capital that begins a name is made small.

    ``Baby cry, infant cry`` gives ``baby cry`` and ``infant cry``; ``R&B`` and ``TV tune`` keep their capitals.
    """
    parts = [" ".join(part.replace("_", " ").split()) for part in label.split(",")]
    return list(dict.fromkeys(_small(part) for part in parts if part)) or [label]


def _small(text: str) -> str:
    first = text.split(" ", 1)[0]
    return text[:1].lower() + text[1:] if first[1:] == first[1:].lower() and first[1:] else text


def prompts(labels: Sequence[str], file: Path | None = None, mids: Mapping[str, str] | None = None) -> Prompts:
    """Return the sentences for each of the labels.

    Args:
        labels: the names, in the order of the scores.
        file: a file of prompts: TOML with any of ``template``, ``none_of_these`` and a table ``prompts`` (label to one
            or several sentences), CSV with the columns label and prompt, or AudioSet's ontology.json.
        mids: AudioSet's machine id of a label, where it has one; the ontology is looked up by it, else by name.

    Raises InputError for a file that cannot be read or speaks of none of the labels.
    """
    if file is None:
        return Prompts(tuple(_standard(label) for label in labels))
    text = _text(file)
    suffix = file.suffix.lower()
    if suffix == ".json":
        return _described(file, labels, descriptions.read(file, text), mids or {})
    return _asked(file, labels, _toml(file, text) if suffix == ".toml" else _csv(file, text))


def _standard(label: str, template: str = TEMPLATE) -> tuple[str, ...]:
    return tuple(template.replace(_PLACE, name) for name in synonyms(label))


def _described(file: Path, labels: Sequence[str], known: descriptions.Descriptions, mids: Mapping[str, str]) -> Prompts:
    """Return the standard sentences, and after them what the ontology says of each label."""
    found = [known.of(label, mids.get(label)) for label in labels]
    plain = tuple(label for label, text in zip(labels, found, strict=True) if not text)
    said = listed(known.why_not(label, mids.get(label)) for label in plain)
    instead = "Wanted AudioSet's names; or sentences of your own in its place: --prompts FILE.csv with the columns label,prompt"
    if not any(found):
        raise InputError(f"--prompts {file} describes none of the labels of these clips: {said}. {instead}")
    note = (
        f"{file} does not describe {len(plain)} of {len(labels)} labels, which the standard sentence alone asks about: {said}. "
        f"{instead}"
    )
    sentences = tuple((*_standard(label), *([text] if text else ())) for label, text in zip(labels, found, strict=True))
    return Prompts(sentences, standard=plain, notes=(note,) if plain else ())


def _asked(file: Path, labels: Sequence[str], own: _Own) -> Prompts:
    """Return the file's own sentences, the standard ones for labels that it does not speak of."""
    if own.prompts and not any(label in own.prompts for label in labels):
        raise InputError(
            f"--prompts {file} has prompts for {listed(own.prompts)} and for none of the labels of these clips: "
            f"{listed(labels)}{nearest(next(iter(own.prompts)), labels)}"
        )
    unused = tuple(label for label in own.prompts if label not in set(labels))
    plain = tuple(label for label in labels if label not in own.prompts) if own.prompts else ()
    notes = []
    if unused:
        notes.append(f"{file} has prompts for labels that no clip carries: {listed(unused)}")
    if plain:
        example = _standard(plain[0], own.template)[0]
        notes.append(
            f"{file} has no prompts for {len(plain)} of {len(labels)} labels: {listed(plain)}. They are asked about as "
            f"without a file: '{example}'"
        )
    sentences = tuple(own.prompts.get(label) or _standard(label, own.template) for label in labels)
    return Prompts(sentences, own.none_of_these, unused, plain, tuple(notes))


def _text(file: Path) -> str:
    if not file.is_file():
        raise InputError(
            f"--prompts {file}: no such file; wanted TOML, CSV (label, prompt) or AudioSet's ontology.json"
        )
    if file.suffix.lower() not in SUFFIXES:
        raise InputError(f"--prompts {file}: wanted a name that ends in {', '.join(SUFFIXES)}")
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--prompts {file} cannot be read as UTF-8 text ({error})") from None


def _toml(file: Path, text: str) -> _Own:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"--prompts {file}: {error}") from None
    known = ("template", "none_of_these", "prompts")
    for key in values:
        if key not in known:
            raise InputError(f"--prompts {file}: unknown key {key!r}; wanted {', '.join(known)}{nearest(key, known)}")
    template = values.get("template", TEMPLATE)
    if not isinstance(template, str) or _PLACE not in template:
        raise InputError(f"--prompts {file}: template is {template!r}; wanted a sentence with {_PLACE} in it")
    table = values.get("prompts", {})
    if not isinstance(table, dict):
        raise InputError(f"--prompts {file}: prompts is no table; wanted [prompts] and lines such as Accordion = ['…']")
    given = {label: _sentences(file, label, value) for label, value in table.items()}
    return _Own(template, given, _sentences(file, "none_of_these", values.get("none_of_these", []), empty=True))


def _sentences(file: Path, label: str, value: object, *, empty: bool = False) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value if isinstance(value, list) else [None]
    texts = tuple(text for text in values if isinstance(text, str) and text.strip())
    if len(texts) < len(values) or not (texts or empty):
        raise InputError(f"--prompts {file}: {label} is {value!r}; wanted a sentence or a list of sentences")
    return texts


def _csv(file: Path, text: str) -> _Own:
    rows = csv.DictReader(text.splitlines())
    names = list(rows.fieldnames or [])
    if not {"label", "prompt"} <= set(names):
        raise InputError(f"--prompts {file}: found the columns {listed(names)}; wanted label and prompt")
    given: dict[str, tuple[str, ...]] = {}
    for number, row in enumerate(rows, 2):
        label, prompt = (row["label"] or "").strip(), (row["prompt"] or "").strip()
        if not label or not prompt:
            raise InputError(f"--prompts {file}, row {number}: an empty {'prompt' if label else 'label'}")
        given[label] = (*given.get(label, ()), prompt)
    if not given:
        raise InputError(f"--prompts {file} has no rows; wanted a label and a prompt in each")
    return _Own(TEMPLATE, given)
