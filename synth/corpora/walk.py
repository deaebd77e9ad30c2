"""List a folder: every file below it, in one order on every machine, without opening any.

Names that are no UTF-8 survive: Python keeps their bytes as surrogates, ``shown`` writes them with backslashes. Links
to folders are followed unless they lead to a folder that they lie in.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from synth.corpora.items import Item, Oddities
from synth.errors import InputError

AUDIO = frozenset({"flac", "wav", "wave", "w64", "aif", "aiff", "aifc", "au", "caf", "snd", "sph", "ape", "wv"})
AUDIO |= {"mp2", "mp3", "mpga", "oga", "ogg", "opus", "aac", "ac3", "amr", "wma"}
AUDIO |= {"m4a", "m4b", "mp4", "mka", "mkv", "weba", "webm"}
_LITTER = frozenset({".ds_store", "thumbs.db", "desktop.ini", ".directory"})
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder: its path relative to the root (empty for the root itself) and the sorted names of its files."""

    path: str
    names: tuple[str, ...]

    def below(self, name: str) -> str:
        """Return the path of one of its files, relative to the root."""
        return f"{self.path}/{name}" if self.path else name


@dataclass(frozen=True, slots=True)
class Listing:
    """All folders below ``root``, itself first, each before those within it; and folders that could not be read."""

    root: Path
    folders: tuple[Folder, ...]
    unreadable: tuple[str, ...] = ()

    def files(self) -> Iterator[tuple[str, str]]:
        """Yield (path relative to the root, name) of every file."""
        for folder in self.folders:
            for name in folder.names:
                yield folder.below(name), name

    def audio(self) -> Iterator[tuple[str, str]]:
        """Yield (path relative to the root, name) of every file that is named like audio and is no litter."""
        return ((path, name) for path, name in self.files() if is_audio(name) and not is_litter(name))

    @property
    def absolute(self) -> Path:
        """The root as an absolute path, links in it kept."""
        return Path(os.path.abspath(self.root))  # noqa: PTH100 - Path.absolute() keeps '..'


def walk(root: Path) -> Listing:
    """List ``root``. Raises InputError where it is missing or no folder."""
    if not root.is_dir():
        found = "is a file" if root.exists() else "does not exist"
        advice = (
            f"; the same command takes the folder that it lies in: {shown(str(root.parent))}" if root.exists() else ""
        )
        raise InputError(f"{shown(str(root))} {found}; wanted a folder of recordings{advice}")
    folders: list[Folder] = []
    unreadable: list[str] = []
    todo: list[tuple[str, frozenset[tuple[int, int]]]] = [("", frozenset())]
    base = os.fspath(root)
    while todo:
        path, above = todo.pop()
        full = os.path.join(base, path) if path else base  # noqa: PTH118 - a Path per folder would double the time
        try:
            status = os.stat(full)  # noqa: PTH116
            here = (status.st_dev, status.st_ino)
            if here in above:
                continue
            names, within = _scanned(full)
        except OSError as error:
            if not path:
                raise InputError(
                    f"{shown(base)} cannot be read: {error.strerror}; wanted a folder of recordings"
                ) from None
            unreadable.append(path)
            continue
        folders.append(Folder(path, tuple(sorted(names))))
        above |= {here}
        todo += [(f"{path}/{name}" if path else name, above) for name in sorted(within, reverse=True)]
    return Listing(root, tuple(folders), tuple(unreadable))


def _scanned(full: str) -> tuple[list[str], list[str]]:
    """Return the names of the files and of the folders in a folder; pipes and devices are neither."""
    names: list[str] = []
    within: list[str] = []
    with os.scandir(full) as entries:
        for entry in entries:
            try:
                folder, file = entry.is_dir(), entry.is_file()
            except OSError:  # a link to itself
                folder = file = False
            if folder:
                within.append(entry.name)
            elif file or entry.is_symlink():  # a link that leads nowhere is a recording that is missing
                names.append(entry.name)
    return names, within


def extension(name: str) -> str:
    """Return the extension in lower case, without its dot."""
    return name.rpartition(".")[2].lower()


def is_audio(name: str) -> bool:
    """Tell whether a file is named like audio."""
    return "." in name and extension(name) in AUDIO


def is_litter(name: str) -> bool:
    """Tell whether a name is one that an operating system leaves behind (``._x``, ``.DS_Store``, ``Thumbs.db``)."""
    return name.startswith("._") or name.lower() in _LITTER


def is_writable(path: str) -> bool:
    """Tell whether a path can be written as UTF-8."""
    return path.isascii() or _SURROGATE.search(path) is None


def shown(path: str) -> str:
    """Write a path as UTF-8, with backslash escapes for bytes that are none."""
    if is_writable(path):
        return path
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def unusable(listing: Listing, oddities: Oddities) -> list[Item]:
    """Return the items of audio-looking litter and of names that are no UTF-8; report these and unreadable folders."""
    items: list[Item] = []
    for path, name in listing.files():
        if is_litter(name):
            says = "files that an operating system left behind (AppleDouble, .DS_Store, …); not read"
            oddities.add("litter", shown(path), says)
            if is_audio(name):
                reason = "a file that macOS wrote beside a recording; not a recording"
                items.append(Item(shown(path), group_id=shown(path), status="litter", reason=reason))
        elif is_audio(name) and not is_writable(path):
            oddities.add("name-not-utf8", shown(path), "names that are no UTF-8; not read: rename the files")
            reason = "its name is no UTF-8 (bytes are shown with backslashes); rename the file"
            items.append(Item(shown(path), group_id=shown(path), status="bad-name", reason=reason))
    for path in listing.unreadable:
        oddities.add("unreadable-folder", shown(path) or ".", "folders that may not be read; what they hold is unknown")
    return items


def kinds(listing: Listing) -> str:
    """Say what kinds of files there are, most frequent first, for a message."""
    found = Counter(
        f".{extension(name)}" if "." in name.lstrip(".") else "without an extension"
        for _, name in listing.files()
        if not is_litter(name)
    )
    if not found:
        return "no files"
    most = sorted(found.items(), key=lambda entry: (-entry[1], entry[0]))
    listed = ", ".join(f"{count} {shown(kind)}" for kind, count in most[:8])
    return listed + (f", … ({len(most)} kinds)" if len(most) > 8 else "")
