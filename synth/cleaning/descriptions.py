"""AudioSet's ontology as a file of prompts: what it says of each class, found by machine id or by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from synth.errors import InputError

_WANTED = "wanted AudioSet's ontology.json, a list of objects with id, name and description"


@dataclass(frozen=True, slots=True)
class Descriptions:
    """The description of each class by its machine id (empty: it has none), and the ids of the classes of each name."""

    texts: Mapping[str, str]
    named: Mapping[str, tuple[str, ...]]

    def of(self, label: str, mid: str | None) -> str:
        """Return the description of a label; empty where there is none, or several classes have its name."""
        found = self._classes(label, mid)
        return self.texts[found[0]] if len(found) == 1 else ""

    def why_not(self, label: str, mid: str | None) -> str:
        """Return a label, and why it has no description."""
        found = self._classes(label, mid)
        if found:
            return f"'{label}' ({'has no description' if len(found) == 1 else f'the name of {len(found)} classes'})"
        parts = {part.strip().casefold(): name for name in self.named for part in (*name.split(","), name)}
        words = label.replace("_", " ").casefold()
        near = dict.fromkeys(f"'{parts[part]}'" for part in get_close_matches(words, parts, n=2))
        return f"'{label}' (not known{'; nearest: ' if near else ''}{', '.join(near)})"

    def _classes(self, label: str, mid: str | None) -> tuple[str, ...]:
        return (mid,) if mid is not None and mid in self.texts else self.named.get(label, ())


def read(file: Path, text: str) -> Descriptions:
    """Read the text of an ontology. Raises InputError for one that is none, with the entry that is wrong."""
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"--prompts {file} is no JSON, or cut short ({error}); {_WANTED}") from None
    if not isinstance(entries, list) or not entries:
        raise InputError(f"--prompts {file} holds {'an empty list' if entries == [] else 'no list'}; {_WANTED}")
    texts: dict[str, str] = {}
    named: dict[str, tuple[str, ...]] = {}
    for number, entry in enumerate(entries, 1):
        fields = entry if isinstance(entry, dict) else {}
        mid, name, said = fields.get("id"), fields.get("name"), fields.get("description")
        if not (isinstance(mid, str) and isinstance(name, str) and isinstance(said, str | None)):
            raise InputError(f"--prompts {file}, entry {number}: {str(entry)[:80]}; {_WANTED}")
        if mid in texts:
            raise InputError(f"--prompts {file}, entry {number}: the id {mid} is there twice; get the file again")
        texts[mid] = " ".join((said or "").split())
        named[name] = (*named.get(name, ()), mid)
    return Descriptions(texts, named)
