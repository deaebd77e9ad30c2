"""Which format is taken, from lists as YouTube's extractor makes them."""

from __future__ import annotations

import pytest

from synth.fetching.formats import chosen


def offer(format_id: str, kbps: float, hz: int, preference: int = -1, **more: object) -> dict:
    codec = "mp4a.40.2" if format_id.split("-", maxsplit=1)[0] in ("139", "140", "599", "18") else "opus"
    first = {"format_id": format_id, "abr": kbps, "asr": hz, "acodec": codec, "vcodec": "none", "protocol": "https"}
    return {**first, "language_preference": preference, "language": None if preference == -1 else "en", **more}


PLAIN = [
    offer("599", 31, 22050),
    offer("600", 33, 48000),
    offer("139", 48, 22050),
    offer("249", 50, 48000),
    offer("250", 66, 48000),
    offer("140", 129, 44100),
    offer("251", 130, 48000),
]
TRACKS = [
    *(dict(one, language_preference=10, language="en") for one in PLAIN),
    offer("251-drc", 128, 48000, 10, format_note="English original, medium, DRC"),
    offer("250-drc", 65, 48000, 10),
    offer("250-1", 62, 48000, -1, language="es", format_note="Spanish dubbed-auto, low"),
    offer("250-2", 61, 48000, -10, language="en-desc", format_note="English descriptive, low"),
    offer("250-3", 61, 48000, 5, language="fr", format_note="French (default), low"),
]


@pytest.mark.parametrize(
    ("formats", "taken"),
    [
        (PLAIN, "250"),  # the smallest that is sufficient
        (PLAIN[::-1], "250"),
        (TRACKS, "250"),
        ([one for one in PLAIN if one["format_id"] != "250"], "251"),
        ([one for one in PLAIN if one["format_id"] in ("139", "140", "599")], "140"),
        (PLAIN[:3], "600"),  # none is sufficient: the best of them
        ([PLAIN[0], PLAIN[2]], "139"),
        ([offer("18", 96, 44100, vcodec="avc1"), PLAIN[4]], "250"),
        ([offer("18", 96, 44100, vcodec="avc1")], "18"),
        ([offer("251", 130, 48000, protocol="m3u8_native"), offer("251-1", 131, 48000)], "251-1"),
        ([{"url": "x"}], None),
        ([offer("250", 66, 48000, has_drm=True)], "none"),
        ([offer("250", 66, 48000, -1, language="es", format_note="Spanish dubbed")], "none"),
        ([offer("250", 66, 48000, -10, language="en-desc", format_note="descriptive")], "none"),
        ([offer("250-drc", 66, 48000)], "none"),
        ([offer("298", 900, 0, acodec="none", vcodec="avc1")], "none"),
        ([offer("251", 130, 48000, protocol="rtmp")], "none"),
        ([], "none"),
    ],
)
def test_choice(formats, taken):
    best = chosen(formats)
    assert (best.get("format_id") if best is not None else "none") == taken
