"""The audio stream of a file, frame by frame from its beginning, without seeking; what counting cannot survive raises.

Positions are counts of decoded samples. Time stamps place nothing, since those of WebM are whole milliseconds and those
of MP3 begin at 25 ms, but they are compared with the count: a packet that is missing shifts all that follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from numpy.typing import NDArray

from synth.audio.channels import rounded
from synth.audio.undecodable import UndecodableError

# Demuxers that read one stream of bytes: a playlist that calls itself audio must not make FFmpeg open other files.
_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,ogg,mp3,aac,flac,wav,w64,aiff,au,caf,asf,flv,avi,mpeg,mpegts,"
    "ac3,eac3,amr,amrnb,amrwb,ape,wv,tta,rm,nut"
)
_MP4, _MATROSKA = "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"
_FROM_ZERO = (_MP4, _MATROSKA)  # time stamps count from the start of the sound
_LENGTH_KNOWN = (_MP4, _MATROSKA, "wav", "flac")  # others guess it from the bit rate or from what is left of the file;
# MP3 has it where it has a codec delay, in the same tag
_HOLE_S = 0.015  # less than the shortest usual packet (20 ms of Opus), more than stamps of whole ms can stray
_LATE_S = 0.2  # a stream that begins later has lost its beginning
_MISSING_S = 0.1  # a stream that ends so much earlier than its container says has lost its end
_RATES_HZ = range(1_000, 768_001)


class CutError(Exception):
    """A file without usable audio, or damaged before the end of what was wanted.

    The message says what was found; ``sound_s`` is how much of the stream was decoded without a fault.
    """

    def __init__(self, message: str, sound_s: float = 0.0) -> None:
        super().__init__(message)
        self.sound_s = sound_s


@contextmanager
def opened(source: BinaryIO) -> Iterator[Stream]:
    """Open the audio stream of a file object (never a name, which FFmpeg might take for an address).

    Raises:
        CutError: FFmpeg does not know the file, or there is no audio in it.
    """
    try:
        container = av.open(source, mode="r", metadata_errors="replace", options={"format_whitelist": _CONTAINERS})
    except (av.error.FFmpegError, ValueError) as error:
        raise CutError(
            f"no audio or video file that FFmpeg knows ({getattr(error, 'strerror', None) or error})"
        ) from None
    with container:
        stream = container.streams.best("audio")
        if not isinstance(stream, AudioStream) or stream.codec_context is None:  # None where there is no decoder
            kinds = ", ".join(sorted({one.type for one in container.streams})) or "nothing"
            raise CutError(f"no audio that FFmpeg can decode; as {container.format.name} the file holds {kinds}")
        yield Stream(container, stream, stream.codec_context.codec.canonical_name)


@dataclass(slots=True)
class Stream:
    """An open audio stream. ``rate_hz`` and ``priming`` are known once the first frame was decoded.

    ``priming`` tells what the file declared of the samples that an encoder puts before the sound: "edit list" (MP4),
    "codec delay" (others) or "none declared". ``position`` is how many samples were decoded.
    """

    container: InputContainer
    stream: AudioStream
    codec: str
    rate_hz: int = 0
    position: int = 0
    priming: str = "none declared"
    begin_s: float = 0.0

    @property
    def decoded_s(self) -> float:
        """Seconds that were decoded."""
        return self.position / self.rate_hz if self.rate_hz else 0.0

    def frames(self) -> Iterator[tuple[int, AudioFrame]]:
        """Yield the frames in order, each with the position of its first sample.

        Raises:
            CutError: the decoder fails, a packet is marked as corrupt, the sample rate changes, there is a hole, or the
                file ends before it declares to.
        """
        first_stamp: float | None = None
        for packet in self._packets():
            if first_stamp is None and packet.pts is not None and packet.time_base is not None:
                first_stamp = float(packet.pts * packet.time_base)
            for frame in self._decoded(packet):
                if not self.rate_hz:
                    self._begin(frame, first_stamp)
                self._check(frame)
                begin, self.position = self.position, self.position + frame.samples
                yield begin, frame
        if not self.position:
            raise CutError(f"the {self.codec} stream holds no sample")
        self._check_end()

    def samples(self, frame: AudioFrame) -> NDArray[np.int16]:
        """Return the samples of a frame, shape (n, C), as ``decode`` rounds them to 16 bits.

        Raises:
            CutError: samples that are no finite numbers or hundreds of times full scale.
        """
        planes: NDArray[Any] = frame.to_ndarray()
        samples = planes.T if frame.format.is_planar else planes.reshape(-1, frame.layout.nb_channels)
        if samples.dtype == np.uint8:
            return (samples.astype(np.int16) - 128) << 8
        if samples.dtype == np.int32:
            return (samples >> 16).astype(np.int16)
        if samples.dtype == np.int16:
            return samples
        try:
            return rounded(samples.astype(np.float32))
        except UndecodableError as error:
            raise self._damaged(error.reason) from None

    def _packets(self) -> Iterator[Packet[AudioStream]]:
        try:
            yield from self.container.demux(self.stream)
        except av.error.FFmpegError as error:
            raise self._damaged(f"the file cannot be read on ({error.strerror})") from None

    def _decoded(self, packet: Packet[AudioStream]) -> list[AudioFrame]:
        if packet.is_corrupt:
            raise self._damaged("its container marks a packet as corrupt")
        try:
            return list(packet.decode())
        except av.error.FFmpegError as error:
            raise self._damaged(f"the {self.codec} decoder fails ({error.strerror})") from None

    def _begin(self, frame: AudioFrame, first_stamp: float | None) -> None:
        """Note what the first frame tells: it begins after its packet where the file declared what to drop."""
        if frame.sample_rate not in _RATES_HZ:
            raise CutError(f"a sample rate of {frame.sample_rate} Hz")
        self.rate_hz, self.begin_s = frame.sample_rate, frame.time or 0.0
        if first_stamp is not None and self.begin_s > first_stamp:
            self.priming = "edit list" if self.container.format.name == _MP4 else "codec delay"
        if self.container.format.name in _FROM_ZERO and self.begin_s > _LATE_S:
            raise CutError(f"its beginning is missing: the first sample is that of {self.begin_s:.3f} s")

    def _check(self, frame: AudioFrame) -> None:
        if frame.sample_rate != self.rate_hz:
            raise self._damaged(f"the sample rate changes from {self.rate_hz} to {frame.sample_rate} Hz")
        if frame.is_corrupt:
            raise self._damaged(f"the {self.codec} decoder marks a frame as corrupt")
        if frame.time is not None:
            hole_s = frame.time - self.begin_s - self.decoded_s
            if abs(hole_s) > _HOLE_S:
                raise self._damaged(
                    f"{hole_s:.3f} s are missing" if hole_s > 0 else f"time runs back by {-hole_s:.3f} s"
                )

    def _check_end(self) -> None:
        """Compare the end with the length that the file declares; streams beside a picture may be shorter than it."""
        form = self.container.format.name
        if form not in _LENGTH_KNOWN and not (form == "mp3" and self.priming == "codec delay"):
            return
        declared_s = 0.0
        if self.stream.duration is not None and self.stream.time_base is not None:
            declared_s = float(self.stream.duration * self.stream.time_base)
        elif self.container.duration is not None and len(self.container.streams) == 1:
            declared_s = self.container.duration / av.time_base
        if declared_s - self.decoded_s > _MISSING_S:
            raise self._damaged(f"it ends there, and declares to last {declared_s:.3f} s")

    def _damaged(self, what: str) -> CutError:
        return CutError(f"damaged at {self.decoded_s:.3f} s: {what}", self.decoded_s)
