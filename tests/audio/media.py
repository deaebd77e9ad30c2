"""Media whose every place is known: seeded noise, encoded by PyAV's own FFmpeg into the containers that sites serve."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
import soundfile as sf

FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "1000000"}
KINDS = {  # container, encoder, rate, options of the container
    "m4a": ("mp4", "aac", 44100, {}),  # with an edit list
    "m4a-fragmented": ("mp4", "aac", 44100, FRAGMENTED),  # without
    "adts": ("adts", "aac", 44100, {}),
    "webm": ("webm", "libopus", 48000, {"cluster_time_limit": "1000"}),
    "opus": ("ogg", "libopus", 48000, {}),
    "mp3": ("mp3", "libmp3lame", 44100, {}),
    "ogg": ("", "VORBIS", 44100, {}),  # by libsndfile: PyAV brings no encoder for it
    "flac": ("flac", "flac", 44100, {}),
    "wav": ("wav", "pcm_s16le", 44100, {}),
}


def noise(seconds: float, rate_hz: int, seed: int = 7) -> np.ndarray:
    """Return seeded low-passed noise, int16 of shape (n,): lossy codecs keep its waveform, and no place is like another."""
    n = round(seconds * rate_hz)
    white = np.fft.rfft(np.random.default_rng(seed).standard_normal(n))
    white[int(4000 * seconds) :] = 0
    low = np.fft.irfft(white, n)
    return (low / np.abs(low).max() * 20000).astype(np.int16)


def encoded(kind: str, samples: np.ndarray, picture: bool = False) -> bytes:
    """Encode int16 samples, shape (n,) or (n, C), as a medium of one of KINDS, beside a moving picture where wanted."""
    container, codec, rate_hz, options = KINDS[kind]
    planes = samples.reshape(len(samples), -1)
    buffer = io.BytesIO()
    if not container:
        with sf.SoundFile(buffer, "w", rate_hz, planes.shape[1], codec, format="OGG") as file:
            for start in range(0, len(planes), rate_hz):  # a minute at once overflows the stack of libsndfile's Vorbis
                file.write(planes[start : start + rate_hz])
        return buffer.getvalue()
    layout = {1: "mono", 2: "stereo"}[planes.shape[1]]
    with av.open(buffer, "w", format=container, options=options) as out:
        video = out.add_stream("mpeg4", rate=5) if picture else None
        sound = out.add_stream(codec, rate=rate_hz, layout=layout)
        if codec not in ("flac", "pcm_s16le"):
            sound.bit_rate = 96000 * planes.shape[1]
        if video is not None:
            video.width = video.height = 32
            for index in range(len(samples) * 5 // rate_hz):
                image = av.VideoFrame.from_ndarray(np.full((32, 32, 3), index % 256, np.uint8))
                image.pts, image.time_base = index, Fraction(1, 5)
                out.mux(video.encode(image))
            out.mux(video.encode(None))
        for start in range(0, len(samples), 4096):
            block = np.ascontiguousarray(planes[start : start + 4096].reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout=layout)
            frame.sample_rate, frame.pts = rate_hz, start
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    return buffer.getvalue()


def offset(clip: np.ndarray, source: np.ndarray, start: int, reach: int = 6000) -> tuple[int, float]:
    """Return how many samples later than ``start`` the first second of a clip lies in its source, and the correlation."""
    piece = clip[:44100].astype(float)
    first = max(0, start - reach)
    around = source[first : start + reach + len(piece)].astype(float)
    size = len(around) + len(piece)
    product = np.fft.irfft(np.fft.rfft(around, size) * np.conj(np.fft.rfft(piece, size)), size)
    lag = int(np.argmax(product[: len(around)]))
    place = around[lag : lag + len(piece)]
    piece = piece[: len(place)]
    return first + lag - start, float(place @ piece / np.sqrt((place @ place) * (piece @ piece)))
