"""MPEG audio (MP3, MP2), frame by frame: how many frames there are, how many the file promises, and what lies between.

libsndfile takes the length of an MP3 without a Xing header from its first frame's bit rate, which loses half of a file of
variable bit rate without a word, and does not compare a header's promise with what is there. So the frames are counted
here. Where the header and libsndfile agree with the count, libsndfile reads the file itself; otherwise it gets the frames
alone, followed by silent ones, so that its estimate is no limit.

Delay: a LAME header says how many samples the encoder put before and behind the sound. libsndfile drops those, and 529
more that the decoder adds in front; without a LAME header nothing is dropped, and such a file begins 1,105 samples or so
(25 ms at 44.1 kHz) before its sound.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from synth.audio.undecodable import UndecodableError, cut

_VERSION_1 = 3
_RATES_HZ = (44100, 48000, 32000)
_KBITS = {  # by (version 1, layer), from index 1 on
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_IN_A_ROW = 3  # frames that follow one another are frames, and no accident
_DECODER_DELAY = 529
_FRONT = 1 << 16  # bytes in which the first frame is looked for, after the tags
_TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"3DI")


@dataclass(frozen=True, slots=True)
class Frame:
    """The header of a frame: its size in bytes, samples per channel, and what does not change within a stream."""

    size: int
    samples: int
    kind: tuple[int, int, int]  # version, layer, rate in Hz
    side: int  # bytes of side information, where a Xing header stands behind them


@dataclass(frozen=True, slots=True)
class Mpeg:
    """A stream of frames. ``samples``: how many per channel its frames decode to; ``told``: a Xing header tells libsndfile
    of them all, and of the samples to drop; ``whole``: nothing but tags lies around the frames. ``delay`` are the samples
    that a LAME header declares before the sound, the decoder's own included, else 0.
    """

    frames: tuple[tuple[int, int], ...]  # first byte and size
    samples: int
    first: int  # byte of the header, where there is one, else of the first frame
    told: bool
    whole: bool
    delay: int = 0

    def alone(self, data: bytes) -> bytes:
        """Return the frames without anything around them: behind their header where it tells of them, else with silent
        ones behind them.

        Untold, libsndfile takes the length from the size of the file and the first frame's; the silent ones make up for
        those that are larger than the average.
        """
        if self.told:
            return data[self.first : sum(self.frames[-1])]
        first, size = self.frames[0]
        total = sum(length for _, length in self.frames)
        silent = data[first : first + 4] + bytes(size - 4)
        more = max(0, len(self.frames) - total // size) * 9 // 8 + 8
        return b"".join(data[at : at + length] for at, length in self.frames) + silent * more


def examined(data: bytes, junk: bool = False) -> Mpeg | None:
    """Return the frames of a file; None where its first bytes (``junk``: its first 64 KiB) are no MPEG audio.

    Raises UndecodableError: ``truncated`` where a Xing or VBRI header promises more than is there or the file ends within
    its tag, ``unreadable`` where something that is no tag lies between frames.
    """
    begin = after_tags(data)
    if begin > len(data):
        raise cut("tag before the sound", begin, len(data), "bytes")
    first = _next_run(data, begin, min(len(data), begin + (_FRONT if junk else 1)))
    if first is None:
        return None
    head = _frame(data, first)
    if head is None:
        return None
    promised, promised_bytes, delay, header = _promise(data, first, head)
    frames, strange, rest = _walked(data, first, head.kind)
    sound = frames[bool(header) :]
    if promised and (short := _short(data, first, promised, promised_bytes, len(sound), rest)):
        if strange:
            raise UndecodableError("unreadable", f"damaged MPEG audio: {short}")
        raise UndecodableError("truncated", f"the MPEG audio {short}")
    if strange:
        seconds = sum(1 for at, _ in sound if at < strange) * head.samples / head.kind[2]
        raise UndecodableError("unreadable", f"damaged MPEG audio: what follows {seconds:.2f} s of it is no frame")
    if not sound:
        return None
    told = header == "Xing" and promised > 0 and len(sound) <= promised + 1
    return Mpeg(tuple(sound), len(sound) * head.samples, first, told, first == begin and rest >= 0, delay)


def _short(data: bytes, first: int, promised: int, promised_bytes: int, found: int, rest: int) -> str:
    """Return in what a stream falls short of its header's promise, or nothing. Some encoders count the header itself."""
    cut_off = promised_bytes and len(data) - first < promised_bytes
    if found < promised - 1 or (found < promised and (cut_off or rest > 0)):
        return f"promises {promised:,} frames and ends after {found:,}"
    return ""


def _frame(data: bytes, at: int) -> Frame | None:
    """Return the frame whose header stands at a position; None where there is none."""
    if at + 4 > len(data) or data[at] != 0xFF or data[at + 1] & 0xE0 != 0xE0:
        return None
    version, layer = (data[at + 1] >> 3) & 3, 4 - ((data[at + 1] >> 1) & 3)
    index, rate = data[at + 2] >> 4, (data[at + 2] >> 2) & 3
    if version == 1 or layer == 4 or index in (0, 15) or rate == 3:
        return None
    first = version == _VERSION_1
    rate_hz = _RATES_HZ[rate] >> {3: 0, 2: 1, 0: 2}[version]
    bits, padding = _KBITS[first, layer][index - 1] * 1000, (data[at + 2] >> 1) & 1
    samples = {1: 384, 2: 1152, 3: 1152 if first else 576}[layer]
    size = (12 * bits // rate_hz + padding) * 4 if layer == 1 else samples // 8 * bits // rate_hz + padding
    is_mono = data[at + 3] >> 6 == 3
    side = (17 if is_mono else 32) if first else (9 if is_mono else 17)
    return Frame(size, samples, (version, layer, rate_hz), side)


def after_tags(data: bytes) -> int:
    """Return where a file begins behind the ID3 tags before it."""
    at = 0
    while data[at : at + 3] == b"ID3" and at + 10 <= len(data):
        at = _tag_end(data, at)
    return at


def _tag_end(data: bytes, at: int) -> int:
    size = 0
    for byte in data[at + 6 : at + 10]:
        size = size << 7 | byte & 0x7F
    return at + 10 + size + (10 if data[at + 5] & 0x10 else 0)


def _next_run(data: bytes, at: int, end: int) -> int | None:
    """Return where the next frames in a row begin, before ``end``."""
    while (at := data.find(b"\xff", at, end)) >= 0:
        place, kind = at, None
        for count in range(_IN_A_ROW):
            frame = _frame(data, place)
            if frame is None or (kind is not None and frame.kind != kind):
                if count and place >= len(data):
                    return at
                break
            place, kind = place + frame.size, frame.kind
        else:
            return at
        at += 1
    return None


def _promise(data: bytes, first: int, head: Frame) -> tuple[int, int, int, str]:
    """Return frames and bytes that a header (Xing, called Info as well, or VBRI) promises, its delay, and its name."""
    at = first + 4 + head.side
    if data[at : at + 4] in (b"Xing", b"Info") and at + 8 <= len(data):
        flags = int.from_bytes(data[at + 4 : at + 8], "big")
        position, values = at + 8, []
        for bit in (1, 2):
            values.append(int.from_bytes(data[position : position + 4], "big") if flags & bit else 0)
            position += 4 if flags & bit else 0
        position += (100 if flags & 4 else 0) + (4 if flags & 8 else 0)
        lame = data[position : position + 24]
        delay = 0
        if len(lame) == 24 and lame[:4] in (b"LAME", b"Lavf", b"Lavc"):
            delay = (lame[21] << 4 | lame[22] >> 4) + _DECODER_DELAY
        return values[0], values[1], delay, "Xing"
    at = first + 36
    if data[at : at + 4] == b"VBRI" and at + 18 <= len(data):
        size, frames = struct.unpack_from(">II", data, at + 10)
        return frames, size, 0, "VBRI"
    return 0, 0, 0, ""


def _walked(data: bytes, at: int, kind: tuple[int, int, int]) -> tuple[list[tuple[int, int]], int, int]:
    """Return the whole frames, where something strange lies between them (0: nowhere), and what is left after the last:
    bytes of a frame that was cut off, 0 for nothing or tags, -1 for what is neither.
    """
    frames: list[tuple[int, int]] = []
    strange = 0
    while at < len(data):
        frame = _frame(data, at)
        if frame is not None and frame.kind == kind:
            if at + frame.size > len(data):
                return frames, strange, len(data) - at
            frames.append((at, frame.size))
            at += frame.size
            continue
        is_tag = data[at : at + 11].startswith(_TAGS)
        following = _next_run(data, _tag_end(data, at) if data[at : at + 3] == b"ID3" else at + 1, len(data))
        if following is None:
            return frames, strange, 0 if is_tag else -1
        strange = strange or (0 if is_tag else at)
        at = following
    return frames, strange, 0
