"""Small corpora made of names: nothing that reads corpora opens audio, so the files may be empty."""

from __future__ import annotations

from pathlib import Path

from synth.corpora import Corpus, Item, Oddity

HEADER = ";ID  |SEX| SUBSET           |MINUTES| NAME\n"
SPEAKERS = (
    HEADER
    + "19   | F | train-clean-100  | 25.19 | Kara Shallenberg\n"
    + "60   | M | train-clean-100  | 20.18 | |CBW|Simon\n"
    + "84   | F | dev-clean        | 8.02  | Christie Nowak\n"
)


def tree(root: Path, *paths: str) -> Path:
    """Make empty files below a folder."""
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return root


def text(path: Path, content: str) -> Path:
    """Write a text file, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8", newline="")
    return path


def libri(tmp_path: Path, *paths: str, table: str = SPEAKERS) -> Path:
    """Make a corpus folder LibriSpeech with a SPEAKERS.TXT and empty files."""
    root = tree(tmp_path / "LibriSpeech", *paths)
    text(root / "SPEAKERS.TXT", table)
    return root


def by_path(corpus: Corpus) -> dict[str, Item]:
    items = {item.path: item for item in corpus.items}
    assert len(items) == len(corpus.items)
    assert list(items) == sorted(items)
    return items


def odd(corpus: Corpus) -> dict[str, Oddity]:
    kinds = {oddity.kind: oddity for oddity in corpus.oddities}
    assert len(kinds) == len(corpus.oddities), "each kind is reported once"
    return kinds
