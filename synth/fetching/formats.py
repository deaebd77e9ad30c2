"""Which of the formats on offer is downloaded: the smallest that is sufficient, of the sound that was uploaded.

Never a dubbed or descriptive track, nor one whose loudness was levelled (DRC): none of them is the sound that was
labelled. Opus comes first: it is 48 kHz and declares the samples before the sound, which AAC without an edit list does
not, and one family for all clips keeps their starts alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Format = Mapping[str, Any]  # as yt-dlp describes one
SUFFICIENT_KBPS = {"opus": 60.0, "vorbis": 96.0, "mp4a": 96.0, "mp3": 128.0}
SUFFICIENT_HZ = 44_100
_FAMILIES = ("opus", "vorbis", "mp4a", "mp3")  # in the order of preference
_NATIVE = ("http", "https", "http_dash_segments", "m3u8_native")  # what yt-dlp gets without ffmpeg, the best first


def selector(context: Mapping[str, Any]) -> Iterator[Format]:
    """Choose for yt-dlp, which takes a function as its ``format``: nothing chosen is "Requested format is not available"."""
    best = chosen(context["formats"])
    if best is not None:
        yield best


def chosen(formats: Iterable[Format]) -> Format | None:
    """Return the smallest sufficient format, else the best of the insufficient ones, or None."""
    usable = [entry for entry in formats if _has_sound(entry) and _as_uploaded(entry)]
    if not usable:
        return None
    original = max(_preference(entry) for entry in usable)
    usable = [entry for entry in usable if _preference(entry) == original]
    return min(usable, key=_rank)


def _has_sound(entry: Format) -> bool:
    return (
        entry.get("acodec") != "none" and not entry.get("has_drm") and str(entry.get("protocol") or "https") in _NATIVE
    )


def _as_uploaded(entry: Format) -> bool:
    note = str(entry.get("format_note") or "").lower()
    name = str(entry.get("format_id") or "").lower()
    if "-drc" in name or "drc" in note.replace(",", " ").split() or "descriptive" in note or "dubbed" in note:
        return False
    # YouTube's extractor gives 10 to the original, 5 to the default, -1 to the rest and to videos of one track, which
    # have no language, and -10 to descriptions.
    return _preference(entry) >= 0 or (_preference(entry) > -10 and not entry.get("language"))


def _preference(entry: Format) -> int:
    return int(entry["language_preference"] if entry.get("language_preference") is not None else -1)


def _rank(entry: Format) -> tuple[bool, bool, int, bool, int, float]:
    codec = str(entry.get("acodec") or "").split(".")[0]
    family = _FAMILIES.index(codec) if codec in _FAMILIES else len(_FAMILIES)
    kbps = float(entry.get("abr") or entry.get("tbr") or 0.0)
    sampled = entry.get("asr")
    enough = kbps >= SUFFICIENT_KBPS.get(codec, 96.0) and (sampled is None or sampled >= SUFFICIENT_HZ)
    with_pictures = entry.get("vcodec") not in (None, "none")
    streamed = str(entry.get("protocol") or "https") not in _NATIVE[:2]
    return (
        with_pictures,
        not enough,
        family,
        streamed,
        -(sampled or 0) if not enough else 0,
        kbps if enough else -kbps,
    )
