"""AudioSet's own files: the lists of segments, the class names, the ontology; downloaded once and kept in the cache.

A file that is there already asks nobody, wherever it came from: somebody may have put it there by hand.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import re
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib import error, request

from synth import __version__
from synth.audio import cache
from synth.errors import InputError, UsageError
from synth.fetching.archives import NotFetchedError, opener, reason
from synth.fetching.items import Progress
from synth.store import atomic
from synth.units import counted

BASE_VARIABLE = "SYNTH_AUDIOSET_URL"  # a folder on a web server that holds these files, instead of the official places
_GOOGLE = "http://storage.googleapis.com/us_audioset/youtube_corpus/v1"
MOST_BYTES = 512 << 20  # the largest list has about 100 MB; a server that sends more sends something else
_SILENT_S = 30.0
_TRIES = 3
_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True)
class Listed:
    """A published file; ``bytes`` is about its size; ``sha256`` None where no copy could be hashed."""

    name: str
    url: str
    bytes: int
    sha256: str | None


_FILES = (
    Listed(
        "balanced_train_segments.csv",
        f"{_GOOGLE}/csv/balanced_train_segments.csv",
        1_211_931,
        "3b83e5ff9ed72cfda37d4e36ce08250e107c1ea70f109f6ab6668ac200db5e94",
    ),
    Listed(
        "eval_segments.csv",
        f"{_GOOGLE}/csv/eval_segments.csv",
        1_143_389,
        "f7055f53935f70e74e39494a5c8c4c78f1700fce275028bd36e31186f33d45db",
    ),
    Listed("unbalanced_train_segments.csv", f"{_GOOGLE}/csv/unbalanced_train_segments.csv", 104_000_000, None),
    Listed(
        "class_labels_indices.csv",
        f"{_GOOGLE}/csv/class_labels_indices.csv",
        14_675,
        "cdd1049833c4b86127c2773ac0d14a2754b6a6d0d1798002ed5c66e699708429",
    ),
    Listed(
        "qa_true_counts.csv",
        f"{_GOOGLE}/qa/qa_true_counts.csv",
        7_746,
        "43507dbfcee2ab1ed771f4412f20ad5ce5c90fd850abcaf982db443f7652a0b2",
    ),
    Listed(
        "ontology.json",
        "https://raw.githubusercontent.com/audioset/ontology/master/ontology.json",
        342_780,
        "9c685f4403eecc3ca9be37fd7285cf212feaaea6ff7229d3e7ca89e0d1f2d15d",
    ),
)
FILES = {one.name: one for one in _FILES}
SEGMENTS = {  # by subset
    "balanced": "balanced_train_segments.csv",
    "eval": "eval_segments.csv",
    "unbalanced": "unbalanced_train_segments.csv",
}


def folder() -> Path:
    """Return the folder of the cache in which these files are kept."""
    return cache.folder() / "audioset"


def kept(name: str) -> Path | None:
    """Return a file that is in the cache, plain or packed, or None."""
    return next((path for end in ("", ".xz", ".gz") if (path := folder() / f"{name}{end}").is_file()), None)


def address(name: str) -> str:
    """Return where a file is downloaded from. Raises UsageError where ``$SYNTH_AUDIOSET_URL`` is no web address."""
    base = os.environ.get(BASE_VARIABLE)
    if not base:
        return FILES[name].url
    if not re.match(r"https?://[^/\s]", base):
        raise UsageError(f"{BASE_VARIABLE}={base}: wanted a web address, e.g. http://localhost:8000/audioset")
    return f"{base.rstrip('/')}/{name}"


def bring(name: str, progress: Progress) -> Path:
    """Return a file of AudioSet's from the cache; download it where it is not there.

    Raises:
        NotFetchedError: it could not be fetched; the message says what to get and where to put it.
        InputError: the disk is full.
    """
    found = kept(name)
    if found:
        return found
    target, url = folder() / name, address(name)
    says = ""
    for _ in range(_TRIES):
        try:
            with atomic.replacing(target) as temporary:
                _pull(url, FILES[name], temporary, progress)
        except _FailedError as failed:
            says = str(failed)
            if failed.final:
                break
        else:
            return target
    raise NotFetchedError(
        f"{name} could not be fetched: {url}: {says}. Get that file on a machine with a network, and put it into "
        f"{folder()}, or into the folder of your lists of segments (--csv FOLDER)"
    )


class _FailedError(InputError):
    """One attempt failed; ``final``: another one would fail alike."""

    def __init__(self, says: str, *, final: bool = False) -> None:
        super().__init__(says)
        self.final = final


def _pull(url: str, wanted: Listed, file: Path, progress: Progress) -> None:
    """Write a file from one connection, checked by its checksum, or by what it says of itself where none is known."""
    asked = request.Request(url, headers={"User-Agent": f"synth/{__version__}", "Accept-Encoding": "identity"})  # noqa: S310 - see address
    try:
        answer = opener().open(asked, timeout=_SILENT_S)
    except error.HTTPError as refused:
        refused.close()
        raise _FailedError(f"HTTP {refused.code} {refused.reason}", final=refused.code < 500) from None
    except (OSError, http.client.HTTPException, ValueError) as failed:
        raise _FailedError(reason(failed), final=True) from None
    with closing(answer), file.open("wb") as out:
        if answer.status != 200:
            raise _FailedError(f"HTTP {answer.status} {answer.reason}", final=True)
        digest, received, lines, last, head = hashlib.sha256(), 0, 0, b"", b""
        total = int(answer.headers.get("Content-Length") or wanted.bytes)
        while True:
            try:
                block = answer.read(_BLOCK)
            except (OSError, http.client.HTTPException, ValueError) as failed:
                raise _FailedError(f"cut after {received:,} bytes: {reason(failed)}") from None
            if not block:
                break
            received += len(block)
            if received > MOST_BYTES:
                raise _FailedError(f"sends more than {MOST_BYTES:,} bytes; that is another file", final=True)
            out.write(block)
            digest.update(block)
            lines += block.count(b"\n")
            head, last = head or block, block
            progress(f"downloading {wanted.name}", min(received, total), total)
    if answer.headers.get("Content-Length") and received < total:
        raise _FailedError(f"cut after {received:,} of {total:,} bytes")
    if wanted.sha256:
        if digest.hexdigest() != wanted.sha256:
            raise _FailedError(f"another checksum: sha256 {digest.hexdigest()}, wanted {wanted.sha256}", final=True)
        return
    claim = re.search(rb"num_segs=(\d+)", head)
    if not claim or not last.endswith(b"\n") or lines - head[: 1 << 12].count(b"\n#") - 1 != int(claim[1]):
        rows = f"its header claims {int(claim[1]):,} segments" if claim else "it has no header of AudioSet's"
        raise _FailedError(f"not whole: {counted(lines, 'line')}, {rows}")
