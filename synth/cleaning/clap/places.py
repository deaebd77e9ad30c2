"""Where the files of a checkpoint lie; nothing here ever asks a network."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from synth.audio.cache import Cache, Stamp
from synth.audio.cache import folder as cache_folder
from synth.errors import InputError, UsageError, nearest

PUBLISHED = {
    "630k-best": "630k-best.pt",
    "630k-audioset-best": "630k-audioset-best.pt",
}
HUB_FOLDERS = {"630k-audioset-best": "models--laion--clap-htsat-unfused"}  # the same weights under transformers' names
_LAION = "https://huggingface.co/lukewys/laion_clap/resolve/main/"
_ROBERTA = "https://huggingface.co/FacebookAI/roberta-base/resolve/main/"
_WORDS = ("vocab.json", "merges.txt")
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


class AbsentError(InputError):
    """The checkpoint, or the packages that run it, are not on this machine: nothing is damaged, there is nothing.

    ``what`` is missing, in a clause; the message goes on with how to get it.
    """

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(what + advice)
        self.what = what


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The files of one model: ``weights``, ``config`` (of a Hub directory), the ``words`` of its tokenizer.

    ``sha256`` is that of the weights, ``digest`` that of all files together.
    """

    name: str
    weights: Path
    config: Path | None
    words: tuple[Path, ...]
    sha256: str
    digest: str


def own_folder() -> Path:
    """Return the folder where users put checkpoints: ``clap`` in synth's cache folder."""
    return cache_folder() / "clap"


def find(asked: str) -> Checkpoint:
    """Find the files of ``630k-best``, ``630k-audioset-best``, or of a path: a ``.pt`` file or a Hub directory.

    Raises AbsentError where they are not there, with every place that was looked at, what to download and where to put
    it; InputError where only some of them are; UsageError for a name that is neither published nor a path.
    """
    weights, config = _weights(asked)
    words = _words(weights, config is not None)
    files = [weights, *([config] if config else []), *words]
    hashes = _hashes(files)
    return Checkpoint(asked, weights, config, words, hashes[0], hashlib.sha256("".join(hashes).encode()).hexdigest())


def _weights(asked: str) -> tuple[Path, Path | None]:
    """Return the file of the weights and, in a Hub directory, its config.json."""
    if asked in PUBLISHED:
        looked = [folder / PUBLISHED[asked] for folder in _folders()]
        for path in looked:
            if path.is_file():
                return path, None
        for snapshot in _snapshots(HUB_FOLDERS.get(asked)):
            if (snapshot / "config.json").is_file() and any((snapshot / name).is_file() for name in _WEIGHTS):
                return _hub(snapshot)
        raise AbsentError(
            f"the checkpoint {asked} is not on this machine",
            ", and synth downloads no weights by itself. Download\n"
            f"  {_LAION}{PUBLISHED[asked]}  (1.9 GB)\nand put it at\n  {own_folder() / PUBLISHED[asked]}\n"
            f"or give its path: --checkpoint PATH. Looked for in: {', '.join(str(path.parent) for path in looked)}"
            + _words_advice(),
        )
    path = Path(asked)
    if path.is_dir():
        return _hub(path)
    if path.is_file():
        return path, None
    if "fusion" in asked:
        raise UsageError(
            f"--checkpoint {asked}: fusion models are not read; wanted {' or '.join(PUBLISHED)}, or a path"
        )
    if path.suffix or os.sep in asked:
        raise AbsentError(
            f"--checkpoint {asked}: no such file or folder", f"; wanted a path or {' or '.join(PUBLISHED)}"
        )
    raise UsageError(f"--checkpoint {asked}: wanted {', '.join(PUBLISHED)} or a path{nearest(asked, PUBLISHED)}")


def _hub(folder: Path) -> tuple[Path, Path]:
    """Return weights and config of a Hub directory."""
    config = folder / "config.json"
    found = [folder / name for name in _WEIGHTS if (folder / name).is_file()]
    missing = [*([] if config.is_file() else ["config.json"]), *([] if found else [" or ".join(_WEIGHTS)])]
    if missing:
        raise InputError(
            f"--checkpoint {folder}: the folder lacks {' and '.join(missing)}; wanted a folder as ClapModel.save_pretrained "
            "leaves it, or a .pt file as LAION publishes it"
        )
    return found[0], config


def _words(weights: Path, hub: bool) -> tuple[Path, ...]:
    """Return the tokenizer's files: those of the Hub directory, else RoBERTa's from beside the weights or a cache."""
    beside = weights.parent
    if hub:
        for names in (_WORDS, ("tokenizer.json",)):
            if all((beside / name).is_file() for name in names):
                return tuple(beside / name for name in names)
        raise InputError(
            f"{beside} holds weights and no tokenizer; wanted vocab.json and merges.txt, or tokenizer.json, in it. Of LAION's "
            f"own models it is RoBERTa's: {_ROBERTA}vocab.json and {_ROBERTA}merges.txt"
        )
    snapshots = (
        folder
        for name in ("models--FacebookAI--roberta-base", "models--roberta-base", HUB_FOLDERS["630k-audioset-best"])
        for folder in _snapshots(name)
    )
    for folder in (beside, beside / "roberta-base", own_folder() / "roberta-base", *snapshots):
        if all((folder / name).is_file() for name in _WORDS):
            return tuple(folder / name for name in _WORDS)
    raise InputError(f"{weights} is there, but not the tokenizer of its text side." + _words_advice())


def _words_advice() -> str:
    return (
        f"\nThe text side needs RoBERTa's tokenizer, two files (1.4 MB):\n  {_ROBERTA}vocab.json\n  {_ROBERTA}merges.txt\n"
        f"put into\n  {own_folder() / 'roberta-base'}"
    )


def _folders() -> Iterator[Path]:
    """Yield the folders that may hold LAION's files: synth's own, the Hub's cache, and the package's."""
    yield own_folder()
    yield from _snapshots("models--lukewys--laion_clap")
    package = find_spec("laion_clap")  # it saves what it downloads into its own folder; finding is not importing
    yield from (Path(place) for place in (package.submodule_search_locations or [] if package else []))


def _snapshots(name: str | None) -> Iterator[Path]:
    """Yield the snapshots of a repository in the Hub's cache, in alphabetic order."""
    home = Path(
        os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    )
    hub = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    folder = hub / name / "snapshots" if name else None
    if folder and folder.is_dir():
        yield from sorted(path for path in folder.iterdir() if path.is_dir())


def _hashes(files: list[Path]) -> list[str]:
    """Return the sha256 of each file; a file that did not change is not read again."""
    stamps = [Stamp.of(path) for path in files]
    with Cache() as cache:
        known = cache.hashes(stamps)
        fresh = []
        for k, path in enumerate(files):
            if known[k] is None:
                with path.open("rb") as file:
                    known[k] = hashlib.file_digest(file, "sha256").hexdigest()
                fresh.append((stamps[k], str(known[k])))
        cache.remember_hashes(fresh)
    return [str(digest) for digest in known]
