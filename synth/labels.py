"""Labels asked for by name: the one that is spelled so, else the only one that differs in case and spaces alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from unicodedata import normalize

from synth.errors import UsageError


def spelled(text: str, known: Mapping[str, str], option: str = "--label") -> str | None:
    """Return the label that a text means, None for none; ``known``: labels by their spellings (names, machine ids).

    ``Dog`` is Dog where ``dog`` is there too. Raises UsageError where several differ from the text in case and spaces
    alone and none is spelled so.
    """
    if text in known:
        return known[text]
    wanted = _folded(text)
    found = sorted({label for name, label in known.items() if _folded(name) == wanted})
    if len(found) > 1:
        either = " or ".join(repr(label) for label in found)
        raise UsageError(f"{option} {text}: {either}? They are two labels here; wanted one of them as it is spelled")
    return found[0] if found else None


def said_of(texts: Mapping[str, str], note: Callable[[str], None], option: str = "--label") -> None:
    """Say which labels were taken for texts that are spelled otherwise; ``texts``: the label by what was typed."""
    for text, label in texts.items():
        if text != label and _folded(text) == _folded(label):
            note(f"{option} {text}: taken for '{label}', as it is spelled here")


def _folded(text: str) -> str:
    return " ".join(normalize("NFC", text).casefold().split())
