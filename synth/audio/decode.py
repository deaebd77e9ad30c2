"""Audio files to mono 16-bit samples at the file's own rate, or the reason why not.

The first bytes decide what a file is, not its name. Integer formats are read as integers; float and lossy ones as
float32, times 32,768, rounded and clipped, because libsndfile does not scale floats that are read as integers. Channels
are averaged in integers: floor((2·sum + C) / 2C). What libsndfile cannot open goes through pydub and ffmpeg.
"""

from __future__ import annotations

import io
import os
import shutil
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

VERSION = 2  # of the samples that a file gives; what was decoded by another is decoded anew
_HEAD_BYTES = 256
_POINTER = b"version https://git-lfs"
_APPLE_DOUBLE = b"\x00\x05\x16\x07"
_ROUNDED = frozenset({"FLOAT", "DOUBLE", "VORBIS", "OPUS", "MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III"})
_SEEKABLE = frozenset({"PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"})
_ENDLESS = 1 << 31  # samples; a header that promises as many does not know (a FLAC stream written to a pipe)
_MOST_COUNTED = 16  # samples a byte, beyond any FLAC file of sound: a damaged header may promise billions
_PLACEHOLDER = 0x7FFFF000  # data sizes from here on stand in WAV files that were written to a pipe
_INTEGERS_AS_FLOATS = 256.0  # times full scale: no recording, but integers that were stored as floats


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a file holds: ``samples`` of shape (n,), the average of its ``channels``, at ``rate_hz``.

    ``format`` is container and coding, e.g. FLAC/PCM_16, WAV/FLOAT, MP3/MPEG_LAYER_III, MP4/FFMPEG.
    """

    samples: NDArray[np.int16]
    rate_hz: int
    channels: int
    format: str


class UndecodableError(Exception):
    """A file that gives no usable samples: ``status`` is a status of SOURCES, ``reason`` a sentence with the facts.

    The status is one of ``unreadable``, ``truncated``, ``empty``, ``lfs-pointer``, ``litter``.
    """

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.status}: {self.reason}"


def decode(path: Path, data: bytes | None = None) -> Decoded:
    """Decode a whole file to mono 16-bit samples at its own rate.

    Args:
        path: the file.
        data: its bytes, where the caller has read them already; saves looking into the file for the first of them.

    Raises:
        UndecodableError: there are no bytes, no samples, fewer samples than the header promises, or no audio that
            libsndfile or ffmpeg knows; the status says which.
    """
    head = _head(path) if data is None else data[:_HEAD_BYTES]
    _refuse(head)
    source: Path | io.BytesIO = path
    if head[:4] == b"RIFF":
        source = _checked_wav(path, path.read_bytes() if data is None else data)
    elif os.fspath(path)[-4:].lower() == ".raw":  # soundfile wants to be told what such a name holds
        source = io.BytesIO(path.read_bytes() if data is None else data)
    form, promised = "", 0
    try:
        with sf.SoundFile(source if isinstance(source, io.BytesIO) else _name(source)) as file:
            promised = file.frames
            form = f"{file.format}/{file.subtype}"
            rate_hz, channels = file.samplerate, file.channels
            if promised == 0:
                raise _no_samples(path, form)
            endless = promised >= _ENDLESS
            samples = mono(_readable(path, _length(path))) if endless else _read(file, promised)
    except sf.LibsndfileError:
        if head[:4] == b"fLaC":
            raise _damaged_flac(path) from None
        if form:
            raise UndecodableError("unreadable", f"{form}: libsndfile opens it and fails to decode it") from None
        return _through_ffmpeg(path, head)
    except MemoryError:
        reason = f"{form} that promises {promised:,} samples, more than fit into memory"
        raise UndecodableError("unreadable", reason) from None
    if not len(samples):
        raise UndecodableError("empty", f"{form} without a sample")
    if len(samples) < promised and not endless and form.startswith("FLAC"):
        raise _cut("FLAC stream", promised, len(samples))
    return Decoded(samples, rate_hz, channels, form)


def read_window(path: Path, start: int, length: int) -> NDArray[np.int16]:
    """Return ``decode(path).samples[start : start + length]`` without decoding what lies before and behind.

    Seeks in FLAC and uncompressed WAV; any other file is decoded whole. Positions count samples at the file's own rate.

    Raises:
        UndecodableError: as ``decode``.
        ValueError: a negative position or length.
    """
    if start < 0 or length < 0:
        raise ValueError(f"a window starts at 0 or later and has no negative length; got {start} and {length}")
    try:
        with sf.SoundFile(_name(path)) as file:
            frames = file.frames
            if file.format in ("FLAC", "WAV", "WAVEX") and file.subtype in _SEEKABLE and 0 < frames < _ENDLESS:
                if start >= frames or length == 0:
                    return np.zeros(0, np.int16)
                if start:
                    file.seek(start)
                return _read(file, min(length, frames - start))
    except (sf.LibsndfileError, TypeError):
        pass  # decode() finds out what is wrong; a name in .raw makes soundfile ask for a format
    return decode(path).samples[start : start + length]


def _name(path: Path) -> str | bytes:
    """Return a path as libsndfile takes it: names that are no UTF-8 (never on Windows) as their bytes."""
    return os.fspath(path) if os.name == "nt" else os.fsencode(path)


def _read(file: sf.SoundFile, frames: int) -> NDArray[np.int16]:
    """Read so many samples from where the file stands, as mono 16-bit integers."""
    if file.subtype in _ROUNDED:
        return mono(rounded(file.read(frames, dtype="float32")))
    return mono(file.read(frames, dtype="int16"))


def rounded(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    """Round floats, full scale at 1, to 16-bit integers.

    Raises:
        UndecodableError: values that are no finite numbers, or hundreds of times full scale.
    """
    highest = float(np.abs(samples).max(initial=0.0))
    if not np.isfinite(highest):
        bad = int(np.count_nonzero(~np.isfinite(samples)))
        raise UndecodableError("unreadable", f"{bad} of {samples.size} samples are not finite numbers")
    if highest > _INTEGERS_AS_FLOATS:
        reason = f"its floats reach {highest:.0f} times full scale, as if integers had been stored unscaled"
        raise UndecodableError("unreadable", reason)
    whole: NDArray[np.float32] = np.clip(np.rint(samples * np.float32(32768)), -32768, 32767)
    return whole.astype(np.int16)


def mono(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Average channels, shape (n, C), exactly: floor((2·sum + C) / 2C); (n,) is returned as it is."""
    if samples.ndim == 1:
        return samples
    channels = samples.shape[1]
    if channels == 1:
        return samples[:, 0]
    total: NDArray[np.int32] = samples[:, 0].astype(np.int32)
    for channel in range(1, channels):
        total += samples[:, channel]
    mean: NDArray[np.int32] = (2 * total + channels) // (2 * channels)
    return mean.astype(np.int16)


def _head(path: Path) -> bytes:
    """Read the first bytes of a file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            return os.read(descriptor, _HEAD_BYTES)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise UndecodableError("unreadable", error.strerror or "the file cannot be read") from None


def _refuse(head: bytes) -> None:
    """Raise for what the first bytes show to be no audio."""
    if not head:
        raise UndecodableError("empty", "the file has no bytes")
    if head.startswith(_POINTER):
        fields = dict(line.split(" ", 1) for line in head.decode("ascii", "replace").splitlines() if " " in line)
        size = fields.get("size", "").strip()
        whole = f" of {int(size):,} bytes" if size.isdecimal() else ""
        reason = f"a Git LFS pointer to the recording{whole}, not the recording; git lfs pull fetches it"
        raise UndecodableError("lfs-pointer", reason)
    if head.startswith(_APPLE_DOUBLE):
        raise UndecodableError("litter", "an AppleDouble file that macOS wrote beside a recording")


def _cut(what: str, promised: int, found: int) -> UndecodableError:
    return UndecodableError("truncated", f"the {what} promises {promised:,} samples and ends after {found:,}")


def _no_samples(path: Path, form: str) -> UndecodableError:
    """Tell an Ogg file that was cut before its first page ended from a file without samples."""
    if form.startswith("OGG"):
        data = path.read_bytes()
        last = data.rfind(b"OggS")
        if not (last + 5 < len(data) and data[last + 5] & 4):
            return UndecodableError("truncated", f"an Ogg file of {len(data):,} bytes without its last page")
    return UndecodableError("empty", f"{form} without a sample")


def _checked_wav(path: Path, data: bytes) -> Path | io.BytesIO:
    """Compare the data chunk of a WAV file with the file's length.

    Returns what libsndfile is to open: the file itself, or a copy with its header completed where the size of the
    data chunk is still the zero that a program puts there before it knows.
    """
    position, block = 12, 1
    for _ in range(1000):
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
                return io.BytesIO(data[: position - 4] + struct.pack("<I", there) + data[position:])
            if there < size < _PLACEHOLDER:
                raise _cut("data chunk of the WAV file", size // block, there // block)
            break
        position += size + (size & 1)
    else:
        return path
    if position > len(data):
        promised = struct.unpack_from("<I", data.ljust(8, b"\0"), 4)[0] + 8
        if len(data) < promised < _PLACEHOLDER:
            reason = (
                f"the WAV header promises {promised:,} bytes and the file ends after {len(data):,}, before any sample"
            )
            raise UndecodableError("truncated", reason)
    return path


def _damaged_flac(path: Path) -> UndecodableError:
    """Find out whether a FLAC file that fails was cut short or damaged within."""
    data = path.read_bytes()
    if len(data) < 26:
        return UndecodableError("truncated", f"the FLAC file ends after {len(data)} bytes, within its header")
    largest = int.from_bytes(data[15:18], "big") or 1 << 16
    promised = int.from_bytes(data[21:26], "big") & ((1 << 36) - 1)
    try:
        with sf.SoundFile(_name(path)) as file:
            file.seek(promised - 1)
            end_is_there = len(file.read(1, dtype="int16")) == 1
    except sf.LibsndfileError:
        end_is_there = False
    try:
        found = len(_readable(path, min(promised, len(data) * _MOST_COUNTED)))
    except sf.LibsndfileError:
        found, end_is_there = 0, len(data) > largest + (1 << 14)
    if end_is_there:
        return UndecodableError("unreadable", f"damaged FLAC: of {promised:,} samples the first {found:,} decode")
    return _cut("FLAC stream", promised, found)


def _readable(path: Path, capacity: int) -> NDArray[np.int16]:
    """Return the samples, shape (n, C), that decode before libsndfile gives up; at most ``capacity``.

    It does not tell how many it wrote before an error; two reads into arrays with different contents do.
    """
    arrays = []
    for mark in (1, 2):
        with sf.SoundFile(_name(path)) as file:
            array = np.full((capacity, file.channels), mark, np.int16)
            with suppress(sf.LibsndfileError):  # what was decoded before the error stands in the array
                file.read(out=array)
        arrays.append(array)
    differing = np.flatnonzero((arrays[0] != arrays[1]).any(axis=1))
    return arrays[0][: differing[0]] if len(differing) else arrays[0]


def _length(path: Path) -> int:
    """Return a number of samples that a FLAC stream of unknown length does not exceed."""
    step, total = 1 << 16, 0
    with suppress(sf.LibsndfileError), sf.SoundFile(_name(path)) as file:  # it fails at the end, within two steps
        while read := len(file.read(step, dtype="int16")):
            total += read
    return total + 2 * step


def _through_ffmpeg(path: Path, head: bytes) -> Decoded:
    """Decode what libsndfile does not know with ffmpeg, through pydub."""
    kind = _kind(head)
    if not (shutil.which("ffmpeg") and shutil.which("ffprobe")):
        reason = f"{kind}, which libsndfile does not read; ffmpeg (with ffprobe) on the PATH might"
        raise UndecodableError("unreadable", reason)
    from pydub import AudioSegment
    from pydub.exceptions import CouldntDecodeError

    try:
        segment = AudioSegment.from_file(str(path.absolute()))
    except (CouldntDecodeError, OSError, LookupError, ValueError, struct.error):
        raise UndecodableError("unreadable", f"{kind}; neither libsndfile nor ffmpeg finds audio in it") from None
    width = segment.sample_width
    if width == 1:
        samples = np.frombuffer(segment.raw_data, np.int8).astype(np.int16) << 8
    else:
        samples = np.frombuffer(segment.raw_data, f"<i{width}")
        if width == 4:
            samples = np.minimum((samples.astype(np.int64) + (1 << 15)) >> 16, 32767)
    if not len(samples):
        raise UndecodableError("empty", f"{kind} without a sample")
    averaged = mono(samples.astype(np.int16).reshape(-1, segment.channels))
    return Decoded(averaged, int(segment.frame_rate), int(segment.channels), f"{kind.split()[0]}/FFMPEG")


def _kind(head: bytes) -> str:
    """Name the container by its first bytes, for a message."""
    if head[4:8] == b"ftyp":
        return "MP4 (m4a)"
    known = (
        (b"\x1a\x45\xdf\xa3", "MATROSKA (webm, mkv)"),
        (b"\x30\x26\xb2\x75", "ASF (wma)"),
        (b"RIFF", "RIFF"),
        (b"OggS", "OGG"),
        (b"ID3", "ID3 (mp3, aac)"),
        (b"\xff\xf1", "ADTS (aac)"),
        (b"\xff\xf9", "ADTS (aac)"),
        (b"#!AMR", "AMR"),
        (b"wvpk", "WAVPACK"),
    )
    for magic, name in known:
        if head.startswith(magic):
            return name
    return f"unknown content (first bytes {head[:8].hex(' ')})"
