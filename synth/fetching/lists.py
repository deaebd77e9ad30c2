"""AudioSet's lists: downloaded once into the cache, whole and with their checksum where one is known."""

from __future__ import annotations

import http.client
import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib import error, request

from synth import __version__
from synth.errors import InputError
from synth.fetching.archives import NotFetchedError, opener, reason
from synth.store import atomic

Progress = Callable[[str, int, int], None]
BASE_VARIABLE = "SYNTH_AUDIOSET_URL"  # a folder on a web server that holds all of them, instead of the official places
MOST_BYTES = 1 << 30
SILENT_S = 20.0
_BLOCK = 1 << 18
_GOOGLE = "http://storage.googleapis.com/us_audioset/youtube_corpus/v1"
_SEGMENTS = f"{_GOOGLE}/csv"


@dataclass(frozen=True, slots=True)
class Published:
    """One list: its file name, where it is published, and its checksum; the unbalanced list's is not known here."""

    name: str
    place: str
    sha256: str | None = None

    @property
    def url(self) -> str:
        """The address it is fetched from."""
        return f"{(os.environ.get(BASE_VARIABLE) or self.place).rstrip('/')}/{self.name}"


SEGMENTS = {
    "balanced": Published(
        "balanced_train_segments.csv", _SEGMENTS, "3b83e5ff9ed72cfda37d4e36ce08250e107c1ea70f109f6ab6668ac200db5e94"
    ),
    "eval": Published(
        "eval_segments.csv", _SEGMENTS, "f7055f53935f70e74e39494a5c8c4c78f1700fce275028bd36e31186f33d45db"
    ),
    "unbalanced": Published("unbalanced_train_segments.csv", _SEGMENTS),
}
LABELS = Published(
    "class_labels_indices.csv", _SEGMENTS, "cdd1049833c4b86127c2773ac0d14a2754b6a6d0d1798002ed5c66e699708429"
)
QUALITY = Published(
    "qa_true_counts.csv", f"{_GOOGLE}/qa", "43507dbfcee2ab1ed771f4412f20ad5ce5c90fd850abcaf982db443f7652a0b2"
)
ONTOLOGY = Published(
    "ontology.json",
    "https://raw.githubusercontent.com/audioset/ontology/master",
    "9c685f4403eecc3ca9be37fd7285cf212feaaea6ff7229d3e7ca89e0d1f2d15d",
)


def cached(wanted: Published, folder: Path) -> Path | None:
    """Return the list in ``folder``, plain or packed, if it is there."""
    places = (folder / f"{wanted.name}{packed}" for packed in ("", ".gz", ".xz"))
    return next((place for place in places if place.is_file()), None)


def get(wanted: Published, folder: Path, progress: Progress) -> Path:
    """Return where a list lies in ``folder``, downloaded if it is not there yet.

    Raises:
        NotFetchedError: it cannot be had; the message says what to get, and where to put it.
        InputError: the disk is full.
    """
    there = cached(wanted, folder)
    if there:
        return there
    target = folder / wanted.name
    with atomic.replacing(target) as temporary:
        try:
            found = _received(wanted, temporary, progress)
        except (OSError, http.client.HTTPException, ValueError) as failed:
            if isinstance(failed, OSError) and failed.errno in atomic.FULL:
                raise
            said = f"HTTP {failed.code} {failed.reason}" if isinstance(failed, error.HTTPError) else reason(failed)
            raise _not_had(wanted, folder, said) from None
        if wanted.sha256 and found != wanted.sha256:
            raise _not_had(wanted, folder, f"it has another checksum (sha256 {found}, wanted {wanted.sha256})")
    return target


def _received(wanted: Published, file: Path, progress: Progress) -> str:
    """Download a list; return its sha256. Raises ValueError for an answer that is not whole or too large."""
    asked = request.Request(wanted.url, headers={"User-Agent": f"synth/{__version__}", "Accept-Encoding": "identity"})  # noqa: S310
    digest, done = sha256(), 0
    with closing(opener().open(asked, timeout=SILENT_S)) as answer, file.open("wb") as out:
        length = answer.headers.get("Content-Length") or ""
        total = int(length) if length.isdecimal() else 0
        while block := answer.read(_BLOCK):
            done += len(block)
            if done > MOST_BYTES:
                raise ValueError(f"it sends more than {MOST_BYTES:,} bytes")
            digest.update(block)
            out.write(block)
            progress(f"downloading {wanted.name}", done, total)
    if total and done != total:
        raise ValueError(f"the connection was cut after {done:,} of {total:,} bytes")
    return digest.hexdigest()


def _not_had(wanted: Published, folder: Path, said: str) -> InputError:
    return NotFetchedError(
        f"{wanted.name} is not here and could not be fetched from {wanted.url}: {said}. Get it from there, or from a "
        f"copy of AudioSet's lists, and put it into {folder}; or name a folder that holds the lists: --csv FOLDER"
    )
