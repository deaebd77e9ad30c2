"""What can go wrong, and the exit code of each.

SynthError                   exit code
 ├─ UsageError                  2      an option, value, label or recipe key that does not exist
 ├─ InputError                  3      the input cannot give what was asked
 │   ├─ InfeasibleError         3      ... and the nearest request that it can give is known
 │   └─ UnlikeError             3      ... as recordings are missing, or others than they were
 ├─ ClaimError                  1      a claim of a data set does not hold (audit, verify)
 └─ PartialError                4      done in part: asked items are missing, all listed

A message says what was found and where, what was wanted, and the next thing to type.
"""

from __future__ import annotations

import errno
import shlex
import shutil
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

from synth.units import counted, size

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # what a system answers where it takes no more bytes
_WHY = {
    errno.EDQUOT: " for you (a quota)",
    errno.EFBIG: " for a file so large (ulimit -f, or a file system such as FAT32)",
}
_ROOM = "Make room"
_CURE = {
    errno.EDQUOT: "Make room within the quota",
    errno.EFBIG: "Raise the limit, or write to another disk,",
}

MOST_SLIPS = 3  # letters that may be wrong in a long word


class SynthError(Exception):
    """Base of every error that is meant for the user; ``exit_code`` is the command's exit status."""

    exit_code = 1


class UsageError(SynthError):
    """An option, value, label or recipe key that does not exist or contradicts another."""

    exit_code = 2


class InputError(SynthError):
    """A file, folder or table that is missing, damaged, or cannot give what was asked."""

    exit_code = 3


class InfeasibleError(InputError):
    """The sources cannot give the data set asked for; the message holds the numbers and the nearest request."""


class UnlikeError(InputError):
    """Recordings of a plan that are missing, or are not those that it was made for.

    ``missing``: their source_ids; ``changed``: what was found, by source_id; both of ``total`` recordings.
    """

    def __init__(self, total: int, missing: Iterable[str], changed: Mapping[str, str]) -> None:
        self.total, self.missing, self.changed = total, tuple(missing), dict(changed)
        super().__init__(" ".join(filter(None, [self.of_changed, self.of_missing])))

    @property
    def of_missing(self) -> str:
        """What is missing, in a sentence; nothing where all are there."""
        if not self.missing:
            return ""
        return (
            f"{len(self.missing)} of {counted(self.total, 'recording of this plan is', 'recordings of this plan are')} missing: {listed(self.missing)}. "
            "Say where the corpus lies: --root NAME=PATH"
        )

    @property
    def of_changed(self) -> str:
        """What is another recording than it was, in a sentence; nothing where none is."""
        if not self.changed:
            return ""
        return (
            f"{len(self.changed)} of {counted(self.total, 'recording is', 'recordings are')} not what this plan was made for: "
            f"{listed(self.changed.values())}. "
            "Put the original files back, or make a new plan: synth index, synth split, synth plan"
        )


class ClaimError(SynthError):
    """A claim of a data set does not hold."""

    exit_code = 1


class PartialError(SynthError):
    """Some of the asked items are missing; the message lists them."""

    exit_code = 4


def listed(items: Iterable[object], limit: int = 10) -> str:
    """Join items for a message, cut at ``limit`` with the full count, so that no error fills a screen."""
    texts = [str(item) for item in items]
    if len(texts) <= limit:
        return ", ".join(texts)
    return f"{', '.join(texts[:limit])}, … ({len(texts)} in all)"


def typed(*words: object) -> str:
    """Return a command as it is typed, words with spaces or quotes quoted."""
    return shlex.join(str(word) for word in words)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the nearest known word, or the empty string when none is near.

    Near is what a slip of the fingers makes: letters swapped, doubled, missed, or a name begun and not ended.
    """
    found = near(word, known)
    return f"; did you mean '{found[0]}'?" if found else ""


def near(word: str, known: Iterable[str]) -> list[str]:
    """Return the known words that are near a word, the nearest first; none where nothing is near."""
    plain = {name.casefold().replace("_", "-").lstrip("-"): name for name in known}
    typed = word.casefold().replace("_", "-").strip("-")
    begun = [name for name in plain if len(typed) >= MOST_SLIPS and name.startswith(typed)]
    found = begun or [
        name for name in get_close_matches(typed, list(plain), n=3, cutoff=0.5) if _slips(typed, name) <= _allowed(name)
    ]
    return [plain[name] for name in found]


def _allowed(name: str) -> int:
    return max(1, min(MOST_SLIPS, len(name) // 3))


def _slips(one: str, other: str) -> int:
    """Count letters to swap with their neighbour, change, put in or take out to make one word of another (Damerau)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for k, letter in enumerate(one, 1):
        after = [k]
        for m, wanted in enumerate(other, 1):
            least = min(row[m] + 1, after[m - 1] + 1, row[m - 1] + (letter != wanted))
            if k > 1 and m > 1 and letter == other[m - 2] and one[k - 2] == wanted:
                least = min(least, before[m - 2] + 1)
            after.append(least)
        before, row = row, after
    return row[-1]


def disk_full(target: Path, error: OSError | None = None) -> InputError:
    """Return the error that says that ``target`` could not be written, why, and how little is left on its disk."""
    cure = _CURE.get(error.errno or 0, _ROOM) if error else _ROOM
    left = shutil.disk_usage(next((at for at in target.absolute().parents if at.is_dir()), Path.cwd())).free
    return InputError(
        f"the disk is full{_WHY.get(error.errno or 0, '') if error else ''}: {target} could not be written "
        f"({size(left)} left there); nothing half-written stays under a final name. {cure} and run the "
        "same command again: it goes on where it stopped"
    )
