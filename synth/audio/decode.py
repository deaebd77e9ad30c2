"""Audio files to mono 16-bit samples at the file's own rate, or the reason why not.

The first bytes decide what a file is, not its name. A file that ends before its header says is ``truncated``, whatever its
kind (containers.py, mpeg.py). Integer formats are read as integers, float and lossy ones as float32, times 32,768 and
rounded, because libsndfile does not scale floats that are read as integers; floats beyond full scale are scaled, and
channels averaged, as channels.py says. What libsndfile cannot open goes through pydub and ffmpeg.
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

from synth.audio import containers, mpeg
from synth.audio.channels import Mono, mixed_down, scaled
from synth.audio.undecodable import UndecodableError, cut
from synth.units import counted

__all__ = ["Decoded", "UndecodableError", "decode", "read_window", "seeks"]

VERSION = 2  # of the samples that a file gives; what another version decoded is decoded again
_HEAD_BYTES = 256
_POINTER = b"version https://git-lfs"
_APPLE_DOUBLE = b"\x00\x05\x16\x07"
_FLOATS = frozenset({"FLOAT", "DOUBLE"})
_LOSSY = frozenset({"VORBIS", "OPUS", "MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III"})
_SEEKABLE = frozenset({"PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "ULAW", "ALAW"})
_ENDLESS = 1 << 31  # samples; a header that promises as many does not know (a FLAC stream written to a pipe)
_UNKNOWN = "unknown content"
_TELL_LENGTH = (
    b"\x1a\x45\xdf\xa3",
    b"\x30\x26\xb2\x75",
    b"wvpk",
    b"TTA1",
)  # Matroska, ASF, WavPack, True Audio; and MP4
_MISSING_S = 0.1  # a file that ends so much earlier than it says has lost its end
_MOST_COUNTED = 16  # samples a byte, beyond any FLAC file of sound: a damaged header may promise billions


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a file holds: ``samples`` of shape (n,), the average of its ``channels``, at ``rate_hz``.

    ``format`` is container and coding, e.g. FLAC/PCM_16, WAV/FLOAT, MP3/MPEG_LAYER_III, MP4/FFMPEG. ``scaled_db`` is what
    floats beyond full scale were scaled by, else None; ``lost_db`` how far the channels cancel, else None (channels.py).
    """

    samples: NDArray[np.int16]
    rate_hz: int
    channels: int
    format: str
    scaled_db: float | None = None
    lost_db: float | None = None


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
    if data is None:
        data = path.read_bytes()
    if head[:3] == b"ID3" and data[(behind := mpeg.after_tags(data)) :][:4] == b"fLaC":  # some taggers put it there
        data = data[behind:]
    is_flac = data[:4] == b"fLaC"
    source: Path | io.BytesIO = path
    if is_flac:
        containers.one_flac(data)
        source = path if head[:4] == b"fLaC" and not _is_raw(path) else io.BytesIO(data)
    else:
        frames = mpeg.examined(data) if head[:3] == b"ID3" or head[:1] == b"\xff" else None
        if frames is not None:
            return _of_frames(path, data, frames)
        mended = containers.mended(data)
        if mended is not None or _is_raw(path):
            source = io.BytesIO(data if mended is None else mended)
    form, promised = "", 0
    try:
        with sf.SoundFile(source if isinstance(source, io.BytesIO) else _name(source)) as file:
            promised = file.frames
            form = f"{file.format}/{file.subtype}"
            if form.startswith("MP3/") and (frames := mpeg.examined(data, junk=True)):  # behind some junk
                return _of_frames(path, data, frames)
            rate_hz, channels = file.samplerate, file.channels
            endless = promised >= _ENDLESS
            read = mixed_down(_readable(data, _length(data))) if endless else _read(file, promised)
    except sf.LibsndfileError:
        if is_flac:
            raise _damaged_flac(data) from None
        if form:
            raise UndecodableError("unreadable", f"{form}: libsndfile opens it and fails to decode it") from None
        frames = mpeg.examined(data, junk=True) if _kind(head).startswith(_UNKNOWN) else None
        return _through_ffmpeg(path, head) if frames is None else _of_frames(path, data, frames)
    except MemoryError:
        reason = f"{form} that promises {promised:,} samples, more than fit into memory"
        raise UndecodableError("unreadable", reason) from None
    return _checked(read, rate_hz, channels, form, 0 if endless else promised)


def _checked(read: Mono, rate_hz: int, channels: int, form: str, promised: int) -> Decoded:
    """Return what was read. Raises UndecodableError where it is nothing, or less than the decoder itself promised."""
    found = len(read.samples)
    if not found:
        raise UndecodableError("empty", f"{form} without a sample")
    if found < promised:
        if form.startswith("FLAC"):
            raise cut("FLAC stream", promised, found)
        raise UndecodableError("unreadable", f"damaged {form}: of {promised:,} samples the first {found:,} decode")
    return Decoded(read.samples, rate_hz, channels, form, read.scaled_db, read.lost_db)


def _of_frames(path: Path, data: bytes, frames: mpeg.Mpeg) -> Decoded:
    """Decode MPEG audio: the file as it is where its header tells libsndfile its length, else frame by frame."""
    form = "MPEG audio"
    source = path if frames.told and frames.whole and not _is_raw(path) else io.BytesIO(frames.alone(data))
    try:
        with sf.SoundFile(source if isinstance(source, io.BytesIO) else _name(source)) as file:
            form = f"{file.format}/{file.subtype}"
            promised = file.frames if frames.told else frames.samples
            read = _read(file, promised)
            skipped = 0 if frames.told else frames.delay
            kept = Mono(read.samples[skipped:], read.scaled_db, read.lost_db)
            return _checked(kept, file.samplerate, file.channels, form, promised - skipped)
    except sf.LibsndfileError:
        raise UndecodableError("unreadable", f"{form}: libsndfile fails to decode it") from None


def seeks(form: str) -> bool:
    """Return whether :func:`read_window` reads files of a format (as in ``Decoded.format``) without decoding the rest."""
    container, _, coding = form.partition("/")
    return container in ("FLAC", "WAV", "WAVEX") and coding in _SEEKABLE


def read_window(path: Path, start: int, length: int) -> NDArray[np.int16]:
    """Return ``decode(path).samples[start : start + length]`` without decoding what lies before and behind.

    Seeks in FLAC and in WAV files of integers; any other file is decoded whole. Positions count samples at the file's own
    rate.

    Raises:
        UndecodableError: as ``decode``.
        ValueError: a negative position or length.
    """
    if start < 0 or length < 0:
        raise ValueError(f"a window starts at 0 or later and has no negative length; got {start} and {length}")
    try:
        with sf.SoundFile(_name(path)) as file:
            frames = file.frames
            if seeks(f"{file.format}/{file.subtype}") and 0 < frames < _ENDLESS:
                if start >= frames or length == 0:
                    return np.zeros(0, np.int16)
                if start:
                    file.seek(start)
                return _read(file, min(length, frames - start)).samples
    except (sf.LibsndfileError, TypeError):
        pass  # decode() finds out what is wrong; a name in .raw makes soundfile ask for a format
    return decode(path).samples[start : start + length]


def _is_raw(path: Path) -> bool:
    """Return whether a name ends so that soundfile wants to be told what the file holds."""
    return os.fspath(path)[-4:].lower() == ".raw"


def _name(path: Path) -> str | bytes:
    """Return a path as libsndfile takes it: names that are no UTF-8 (never on Windows) as their bytes."""
    return os.fspath(path) if os.name == "nt" else os.fsencode(path)


def _read(file: sf.SoundFile, frames: int) -> Mono:
    """Read so many samples from where the file stands, as mono 16-bit integers."""
    coding = file.subtype
    if coding in _FLOATS or coding in _LOSSY:
        return mixed_down(*scaled(file.read(frames, dtype="float32"), coding in _LOSSY))
    return mixed_down(file.read(frames, dtype="int16"))


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


def _damaged_flac(data: bytes) -> UndecodableError:
    """Find out whether a FLAC file that fails was cut short or damaged within."""
    if len(data) < 26:
        return UndecodableError(
            "truncated", f"the FLAC file ends after {counted(len(data), 'byte')}, within its header"
        )
    largest = int.from_bytes(data[15:18], "big") or 1 << 16
    promised = int.from_bytes(data[21:26], "big") & ((1 << 36) - 1)
    try:
        with sf.SoundFile(io.BytesIO(data)) as file:
            file.seek(promised - 1)
            end_is_there = len(file.read(1, dtype="int16")) == 1
    except sf.LibsndfileError:
        end_is_there = False
    try:
        found = len(_readable(data, min(promised, len(data) * _MOST_COUNTED)))
    except sf.LibsndfileError:
        found, end_is_there = 0, len(data) > largest + (1 << 14)
    if end_is_there:
        return UndecodableError("unreadable", f"damaged FLAC: of {promised:,} samples the first {found:,} decode")
    return cut("FLAC stream", promised, found)


def _readable(data: bytes, capacity: int) -> NDArray[np.int16]:
    """Return the samples, shape (n, C), that decode before libsndfile gives up; at most ``capacity``.

    It does not tell how many it wrote before an error; two reads into arrays with different contents do.
    """
    arrays = []
    for mark in (1, 2):
        with sf.SoundFile(io.BytesIO(data)) as file:
            array = np.full((capacity, file.channels), mark, np.int16)
            with suppress(sf.LibsndfileError):  # what was decoded before the error stands in the array
                file.read(out=array)
        arrays.append(array)
    differing = np.flatnonzero((arrays[0] != arrays[1]).any(axis=1))
    return arrays[0][: differing[0]] if len(differing) else arrays[0]


def _length(data: bytes) -> int:
    """Return a number of samples that a FLAC stream of unknown length does not exceed."""
    step, total = 1 << 16, 0
    with suppress(sf.LibsndfileError), sf.SoundFile(io.BytesIO(data)) as file:  # it fails at the end, within two steps
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
    read = mixed_down(samples.astype(np.int16).reshape(-1, segment.channels))
    promised = round(_declared_s(path, head) * segment.frame_rate)
    if promised - len(read.samples) > _MISSING_S * segment.frame_rate:
        raise cut(f"header of the {kind.split()[0]} file", promised, len(read.samples))
    form = f"{kind.split()[0]}/FFMPEG"
    return Decoded(read.samples, int(segment.frame_rate), int(segment.channels), form, None, read.lost_db)


def _declared_s(path: Path, head: bytes) -> float:
    """Return how long the sound lasts by the file's own account, where its kind has one, else 0."""
    from pydub.utils import mediainfo_json

    if not (head[4:8] == b"ftyp" or head.startswith(_TELL_LENGTH)):
        return 0.0
    found = mediainfo_json(str(path.absolute()))
    streams = found.get("streams", [])
    told = [one.get("duration") for one in streams if one.get("codec_type") == "audio"]
    if len(streams) == 1:
        told.append(found.get("format", {}).get("duration"))
    return next((float(one) for one in told if one is not None), 0.0)


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
    return f"{_UNKNOWN} (first bytes {head[:8].hex(' ')})"
