"""Samples to the bytes of a WAV or FLAC file."""

from __future__ import annotations

import io
import struct

import numpy as np
from numpy.typing import NDArray

WAV_HEADER_BYTES = 44


def wav_header(samples: int, rate_hz: int) -> NDArray[np.uint8]:
    """Return the 44-byte header of a mono 16-bit WAV file of so many samples."""
    data = 2 * samples
    riff = struct.pack("<4sI4s", b"RIFF", 36 + data, b"WAVE")
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate_hz, 2 * rate_hz, 2, 16)
    return np.frombuffer(riff + form + struct.pack("<4sI", b"data", data), np.uint8)


def wav(samples: NDArray[np.int16], rate_hz: int) -> bytes:
    """Encode mono int16 samples as a WAV file."""
    return wav_header(len(samples), rate_hz).tobytes() + np.ascontiguousarray(samples, "<i2").tobytes()


def flac(samples: NDArray[np.int16], rate_hz: int) -> bytes:
    """Encode mono int16 samples as a FLAC file at libFLAC's default level."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate_hz, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()
