"""A text file in blocks of whole lines, whatever it was packed in and however it was saved.

Packing is told by the first bytes (gzip, xz, bzip2), not by the name. UTF-16 becomes UTF-8, a byte order mark goes, the
carriage returns of old Macs become line feeds. Memory stays bounded: a line longer than any real row is passed over.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from synth.corpora.walk import shown
from synth.errors import InputError
from synth.units import size

BLOCK_BYTES = 1 << 21
LONGEST_LINE = 1 << 16  # bytes; the longest real row has about 200
MOST_BYTES = 1 << 32  # unpacked; the longest real file has 0.1 GB
_PACKED = ((b"\x1f\x8b", gzip.open), (b"\xfd7zXZ\x00", lzma.open), (b"BZh", bz2.open))
_ARCHIVES = ((b"PK\x03\x04", "a ZIP archive"), (b"PAR1", "a Parquet file"), (b"%PDF", "a PDF"))


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines: their bytes, the number of the first (from 1), how many, and whether the last ends in a line feed.

    A block with ``passed_over`` stands for one line of so many bytes that was too long to be read.
    """

    data: bytes
    first: int
    count: int = 1
    ended: bool = True
    passed_over: int = 0


def blocks(path: Path) -> Iterator[Block]:
    """Yield a file's lines; one without a line feed at the end of the file is a block of its own.

    Raises InputError for a file that is missing, no text, or whose packing is damaged or cut.
    """
    number, held, long, total = 1, b"", 0, 0
    for text in _pieces(path):
        piece = text
        total += len(piece)
        if total > MOST_BYTES:
            raise InputError(f"{shown(str(path))} unpacks to more than {size(MOST_BYTES)}; wanted a list of segments")
        if long:
            end = piece.find(b"\n")
            if end < 0:
                long += len(piece)
                continue
            yield Block(b"", number, passed_over=long + end)
            number, long, piece = number + 1, 0, piece[end + 1 :]
        last = piece.rfind(b"\n") + 1
        if last:
            data = held + piece[:last]
            count = data.count(b"\n")
            yield Block(data, number, count)
            number, held = number + count, piece[last:]
        else:
            held += piece
        if len(held) > LONGEST_LINE:
            held, long = b"", len(held)
    if long:
        yield Block(b"", number, ended=False, passed_over=long)
    if held:
        yield Block(held, number, ended=False)


def _pieces(path: Path) -> Iterator[bytes]:
    """Yield the text as UTF-8, about ``BLOCK_BYTES`` at a time."""
    try:
        with path.open("rb") as file, _unpacked(file, path) as text:
            head = text.read(BLOCK_BYTES)
            encoding = _encoding(head)
            mac = b"\n" not in head and b"\r" in head and encoding is None
            decoder = codecs.getincrementaldecoder(encoding)("replace") if encoding else None
            piece = head.removeprefix(codecs.BOM_UTF8)
            while piece:
                if decoder:
                    yield decoder.decode(piece).removeprefix("\ufeff").encode()
                else:
                    yield piece.replace(b"\r", b"\n") if mac else piece
                piece = text.read(BLOCK_BYTES)
    except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise InputError(
            f"{shown(str(path))} is packed and damaged or cut ({error}): rows may be missing. Get the file again"
        ) from None
    except OSError as error:
        found = "is a folder" if path.is_dir() else error.strerror or str(error)
        raise InputError(f"{shown(str(path))}: {found}; wanted a list of AudioSet segments (CSV, .gz or .xz)") from None


def _unpacked(file: BinaryIO, path: Path) -> BinaryIO:
    head = file.read(8)
    file.seek(0)
    for mark, what in _ARCHIVES:
        if head.startswith(mark):
            raise InputError(
                f"{shown(str(path))} is {what}; wanted a CSV, plain or packed as .gz or .xz. Unpack it first"
            )
    for mark, opener in _PACKED:
        if head.startswith(mark):
            return cast(BinaryIO, opener(file, "rb"))
    return io.BufferedReader(cast(io.RawIOBase, file), BLOCK_BYTES)


def _encoding(head: bytes) -> str | None:
    """Return the name of a 16-bit encoding; None stands for UTF-8 and its relatives."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = head[:4096:2], head[1:4096:2]
    if odd.count(0) * 2 > len(odd) > 1:
        return "utf-16-le"
    return "utf-16-be" if even.count(0) * 2 > len(even) > 1 else None
