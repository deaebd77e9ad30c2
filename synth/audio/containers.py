"""What the container of a recording promises, against what is there: a file that was cut short says so, whatever its kind.

libsndfile and FFmpeg decode what there is of a file and keep silent about the rest, so the sizes and marks that each kind
carries are read here: the data chunk (WAV, AIFF, AU, CAF, W64, RF64), the boxes (MP4), the segment (Matroska, WebM), the
last page (Ogg), the number of samples (NIST SPHERE). A size that a program left open, because it wrote to a pipe, is no
promise. FLAC and MPEG audio are counted as they are decoded.
"""

from __future__ import annotations

import struct

import numpy as np

from synth.audio.undecodable import UndecodableError, cut
from synth.units import counted

_PLACEHOLDER = 0x7FFFF000  # data sizes from here on stand in files that were written to a pipe
_MOST_CHUNKS = 1000
_FLAC = b"fLaC"
_FIRST_BLOCKS = (b"\x00\x00\x00\x22", b"\x80\x00\x00\x22")  # of a FLAC stream: kind, and length, of STREAMINFO
_EVEN, _ODD = (int.from_bytes(pair, "little") for pair in (_FLAC[:2], _FLAC[1:3]))
_W64_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_W64_DATA = bytes.fromhex("64617461f3acd3118cd100c04f8edb8a")
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_ASF, _ASF_FILE = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_BOXES = frozenset(b"ftyp moov mdat free skip wide moof sidx mfra styp uuid meta pnot udta emsg prft ssix pdin".split())


def mended(data: bytes) -> bytes | None:
    """Check a file's promise; return its bytes with the header completed where a program left a zero there, else None.

    Raises UndecodableError: ``truncated`` where less is there than was promised, ``unreadable`` where a page is missing, or
    where another recording follows.
    """
    if data[:4] == b"RIFF":
        return _wav(data)
    for magics, check in _CHECKS:
        if data.startswith(magics):
            check(data)
    if data[4:8] == b"ftyp":
        _mp4(data)
    return None


def one_flac(data: bytes) -> None:
    """Check that a FLAC stream is the only one of its file; its length is no help, but the first block of each is alike.

    Raises UndecodableError: ``unreadable`` where another follows.
    """
    pairs = np.frombuffer(data, "<u2", len(data) // 2)  # a mark has a pair of its bytes in here, wherever it begins
    hits = pairs == _EVEN
    hits |= pairs == _ODD
    for at in (2 * hits.nonzero()[0]).tolist():
        begin = at if data[at] == _FLAC[0] else at - 1
        if begin > 0 and data[begin + 4 : begin + 8] in _FIRST_BLOCKS:
            _alone(data, begin, _FLAC)


def _alone(data: bytes, end: int, magic: bytes) -> None:
    """Raise where another recording begins at ``end``, with ``magic``: decoders read the first alone, and say nothing."""
    if end > 0 and data[end : end + len(magic)] == magic:
        reason = "several recordings one behind the other, of which only the first would be read; save them apart"
        raise UndecodableError("unreadable", reason)


def _wav(data: bytes) -> bytes | None:
    """Compare the data chunk of a WAV file with the file's length; complete its size where it is still zero."""
    if len(data) >= 8:
        _alone(data, 8 + struct.unpack_from("<I", data, 4)[0], b"RIFF")
    position, block = 12, 1
    for _ in range(_MOST_CHUNKS):
        if position + 8 > len(data):
            break
        name, size = struct.unpack_from("<4sI", data, position)
        position += 8
        there = len(data) - position
        if name == b"fmt " and there >= 16:
            block = max(1, struct.unpack_from("<H", data, position + 12)[0])
        elif name == b"data":
            riff = struct.unpack_from("<I", data, 4)[0]
            if size == 0 and 0 < there < 1 << 32 and riff <= position:
                return data[: position - 4] + struct.pack("<I", there) + data[position:]
            if there < size < _PLACEHOLDER:
                raise cut("data chunk of the WAV file", size // block, there // block)
            break
        position += size + (size & 1)
    else:
        return None
    if position > len(data):
        promised = struct.unpack_from("<I", data.ljust(8, b"\0"), 4)[0] + 8
        if len(data) < promised < _PLACEHOLDER:
            reason = (
                f"the WAV header promises {promised:,} bytes and the file ends after {len(data):,}, before any sample"
            )
            raise UndecodableError("truncated", reason)
    return None


def _aiff(data: bytes) -> None:
    if len(data) >= 8:
        _alone(data, 8 + struct.unpack_from(">I", data, 4)[0], b"FORM")
    position, block = 12, 1
    for _ in range(_MOST_CHUNKS):
        if position + 8 > len(data):
            break
        name, size = struct.unpack_from(">4sI", data, position)
        position += 8
        there = len(data) - position
        if name == b"COMM" and there >= 18:
            channels, _, bits = struct.unpack_from(">hIh", data, position)
            plain = data[8:12] == b"AIFF" or data[position + 18 : position + 22] in (b"NONE", b"sowt", b"twos", b"fl32")
            block = max(1, channels * ((bits + 7) // 8)) if plain else 1
        elif name == b"SSND":
            if there < size < _PLACEHOLDER:
                unit = "samples" if block > 1 else "bytes"
                raise cut("sound chunk of the AIFF file", max(0, size - 8) // block, max(0, there - 8) // block, unit)
            return
        position += size + (size & 1)
    promised = struct.unpack_from(">I", data.ljust(8, b"\0"), 4)[0] + 8
    if len(data) < promised < _PLACEHOLDER:
        raise cut("AIFF header", promised, len(data), "bytes")


def _au(data: bytes) -> None:
    if len(data) < 12:
        raise UndecodableError("truncated", f"the AU file ends after {counted(len(data), 'byte')}, within its header")
    start, size = struct.unpack_from(">II" if data[:1] == b"." else "<II", data, 4)
    if len(data) - start < size < _PLACEHOLDER:
        raise cut("AU header", size, max(0, len(data) - start), "bytes of sound")
    _alone(data, start + size, data[:4])


def _caf(data: bytes) -> None:
    position = 8
    while position + 12 <= len(data):
        _alone(data, position, b"caff")
        name, size = struct.unpack_from(">4sq", data, position)
        position += 12
        if name == b"data" and size < 0:
            return
        if size < 0 or position + size > len(data):
            raise cut(f"{name.decode('latin-1').strip()} chunk of the CAF file", size, len(data) - position, "bytes")
        position += size


def _w64(data: bytes) -> None:
    position = 40
    while position + 24 <= len(data):
        size = struct.unpack_from("<Q", data, position + 16)[0]
        if data[position : position + 16] == _W64_DATA:
            there = len(data) - position
            if there < size < 1 << 62:
                raise cut("data chunk of the W64 file", size - 24, there - 24, "bytes")
            _alone(data, position + size + -size % 8, _W64_RIFF)
            return
        if size < 24:
            return
        position += size + -size % 8


def _rf64(data: bytes) -> None:
    if data[12:16] != b"ds64" or len(data) < 36:
        return
    promised = struct.unpack_from("<Q", data, 28)[0]
    position = 12
    while position + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        position += 8
        if name == b"data":
            size = promised if size == 0xFFFFFFFF else size
            if 0 < len(data) - position < size < 1 << 62:
                raise cut("data chunk of the RF64 file", size, len(data) - position, "bytes")
            return
        position += size + (size & 1)


def _mp4(data: bytes) -> None:
    position, found = 0, set()
    while position + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, position)
        if name not in _BOXES:
            break  # padding, or what some programs append
        if name == b"ftyp" and b"moov" in found:
            _alone(data, position + 4, b"ftyp")
        found.add(name)
        if size == 1 and position + 16 <= len(data):
            size = struct.unpack_from(">Q", data, position + 8)[0]
        if size == 0:
            size = len(data) - position
        if size < 8:
            break
        if position + size > len(data):
            raise cut(f"{name.decode()} box of the MP4 file", size, len(data) - position, "bytes")
        position += size
    if b"moov" not in found and position == len(data):
        raise UndecodableError("truncated", f"an MP4 file of {len(data):,} bytes without its index (moov)")


def _matroska(data: bytes) -> None:
    header, begin = _vint(data, 4)
    position = begin + (header or 0)
    if header is None or data[position : position + 4] != _SEGMENT:
        return
    size, begin = _vint(data, position + 4)
    if size is not None and begin + size > len(data):
        raise cut("segment of the Matroska or WebM file", size, len(data) - begin, "bytes")


def _vint(data: bytes, at: int) -> tuple[int | None, int]:
    """Return an EBML size (None where it is unknown) and where what follows begins."""
    first = data[at] if at < len(data) else 0
    length = 9 - first.bit_length()
    if not first or at + length > len(data):
        return None, at
    value = int.from_bytes(data[at : at + length], "big") & ((1 << 7 * length) - 1)
    return (None if value == (1 << 7 * length) - 1 else value), at + length


def _ogg(data: bytes) -> None:
    """Follow the pages: each stream that begins ends with a page that is marked as its last."""
    position = 0
    open_streams: dict[int, bool] = {}
    pages: dict[int, int] = {}
    while data[position : position + 4] == b"OggS":
        if position + 27 > len(data):
            break
        kind, serial, number, count = struct.unpack_from("<5xB8xII4xB", data, position)
        table = data[position + 27 : position + 27 + count]
        end = position + 27 + count + sum(table)
        if len(table) < count or end > len(data):
            break
        if serial in pages and not kind & 2 and number != pages[serial] + 1:
            raise UndecodableError(
                "unreadable", f"damaged Ogg file: {counted(number - pages[serial] - 1, 'page is', 'pages are')} missing"
            )
        if kind & 2 and pages and not any(open_streams.values()):
            _alone(data, position, b"OggS")
        pages[serial] = number
        open_streams[serial] = not kind & 4
        position = end
    if any(open_streams.values()) or not open_streams:
        raise UndecodableError("truncated", f"an Ogg file of {len(data):,} bytes without its last page")


def _asf(data: bytes) -> None:
    at = data.find(_ASF_FILE, 0, 1 << 16)
    if at < 0 or at + 48 > len(data):
        return
    promised = struct.unpack_from("<Q", data, at + 40)[0]
    if len(data) < promised < 1 << 62:
        raise cut("ASF header", promised, len(data), "bytes")


def _sphere(data: bytes) -> None:
    lines = [line.split(None, 2) for line in data[:1024].decode("latin-1").splitlines()]
    fields = {line[0]: line[2] for line in lines if len(line) == 3}
    if fields.get("sample_coding", "pcm") not in ("pcm", "ulaw", "alaw"):
        return
    try:
        start, promised = int(lines[1][0]), int(fields["sample_count"])
        block = max(1, int(fields.get("channel_count", "1")) * int(fields["sample_n_bytes"]))
    except (KeyError, ValueError, IndexError):
        return
    if len(data) < start + promised * block:
        raise cut("NIST header", promised, max(0, len(data) - start) // block)


_CHECKS = (
    ((b"FORM",), _aiff),
    ((b".snd", b"dns."), _au),
    ((b"caff",), _caf),
    ((_W64_RIFF,), _w64),
    ((b"RF64", b"BW64"), _rf64),
    ((_EBML,), _matroska),
    ((b"OggS",), _ogg),
    ((_ASF,), _asf),
    ((b"NIST_1A",), _sphere),
)
