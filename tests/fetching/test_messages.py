"""YouTube's own words, through yt-dlp's own extractor, end in the right status."""

from __future__ import annotations

from threading import Event

import pytest
from yt_dlp.extractor.youtube import YoutubeIE as Real

from synth.fetching import download
from synth.fetching.download import Downloader, Options, Refusal
from synth.fetching.messages import advice, judged, said

OWN = "-abc_DEF-12"
ANSWERS = {  # status, reason, further reason: the ledger's status, whether for good, what is done
    ("LOGIN_REQUIRED", "Private video", "Sign in if you've been granted access to this video"): (
        "private",
        True,
        "next",
    ),
    ("ERROR", "Video unavailable", "This video has been removed by the uploader"): ("gone", True, "next"),
    ("ERROR", "Video unavailable", None): ("gone", True, "next"),
    (
        "ERROR",
        "Video unavailable",
        "This video is no longer available because the YouTube account associated with this video has been terminated.",
    ): ("gone", True, "next"),
    ("ERROR", "Video unavailable", "This video is no longer available due to a copyright claim by WMG"): (
        "gone",
        True,
        "next",
    ),
    ("ERROR", "This video has been removed for violating YouTube's Terms of Service", None): ("gone", True, "next"),
    ("UNPLAYABLE", "Video unavailable", "The uploader has not made this video available in your country"): (
        "geo",
        True,
        "next",
    ),
    (
        "UNPLAYABLE",
        "Video unavailable",
        "This video contains content from SME, who has blocked it in your country on copyright grounds",
    ): ("geo", True, "next"),
    ("LOGIN_REQUIRED", "Sign in to confirm your age", "This video may be inappropriate for some users."): (
        "age",
        True,
        "next",
    ),
    (
        "UNPLAYABLE",
        "Join this channel to get access to members-only content like this video, and other exclusive perks.",
        None,
    ): ("members", True, "next"),
    ("UNPLAYABLE", "This video requires payment to watch.", None): ("members", True, "next"),
    ("LOGIN_REQUIRED", "Sign in to confirm you\u2019re not a bot", "This helps protect our community."): (
        "bot",
        False,
        "stop",
    ),
    ("UNPLAYABLE", "Video unavailable", "This content isn't available, try again later."): ("rate", False, "stop"),
    ("UNPLAYABLE", "Video unavailable", "This content isn\u2019t available, try again later."): ("rate", False, "stop"),
    ("LIVE_STREAM_OFFLINE", "This live event will begin in 3 hours.", None): ("pending", False, "next"),
    ("LIVE_STREAM_OFFLINE", "Premieres in 40 minutes", None): ("pending", False, "next"),
    ("UNPLAYABLE", "We\u2019re processing this video. Check back later.", None): ("pending", False, "next"),
    ("UNPLAYABLE", "This live stream recording is not available.", None): ("gone", True, "next"),
    (
        "UNPLAYABLE",
        "Video unavailable",
        "Playback on other websites has been disabled by the video owner",
    ): ("ambiguous", False, "next"),
    ("UNPLAYABLE", "Video unavailable", "This video is not available"): ("ambiguous", False, "next"),
    ("OK", None, None): ("format", False, "next"),
}


def answered(status: str, reason: str | None, more: str | None) -> type:
    """Return yt-dlp's extractor for YouTube, for which the site's answer has come already."""
    play: dict = {"status": status}
    if reason:
        screen = {"reason": {"simpleText": reason}} | ({"subreason": {"simpleText": more}} if more else {})
        play |= {"reason": reason, "errorScreen": {"playerErrorMessageRenderer": screen}}

    class YoutubeIE(Real):
        def _initial_extract(self, url, smuggled, webpage_url, client, ytid):
            details = {"videoId": ytid, "title": "t", "lengthSeconds": "100"}
            response = {
                "playabilityStatus": play,
                "videoDetails": details,
                "microformat": {"playerMicroformatRenderer": {}},
            }
            return None, {}, {}, False, [response], None

    return YoutubeIE


@pytest.mark.parametrize("answer", list(ANSWERS), ids=lambda answer: (answer[2] or answer[1] or "nothing")[:50])
def test_youtube_s_own_words(monkeypatch, answer):
    monkeypatch.setattr(download, "EXTRACTORS", [answered(*answer)])
    downloader = Downloader(Options(None, 1 << 20, 5, 0), Event())
    with pytest.raises(Refusal) as raised:
        downloader.exists(OWN)
    downloader.close()
    verdict = raised.value.verdict
    assert (verdict.status, verdict.permanent, verdict.action) == ANSWERS[answer]
    message = raised.value.message
    assert "cookies" not in message and OWN not in message and "ERROR" not in message and "http" not in message


@pytest.mark.parametrize(
    ("text", "status", "permanent", "action"),
    [
        (
            "ERROR: \r[download] Got error: HTTP Error 503: Service Unavailable. Giving up after 2 retries",
            "http",
            False,
            "next",
        ),
        ("ERROR: unable to download video data: HTTP Error 403: Forbidden", "http", False, "again"),
        ("ERROR: unable to download video data: HTTP Error 404: Not Found", "http", True, "again"),
        ("HTTP Error 429: Too Many Requests", "rate", False, "hold"),
        (
            "ERROR: [youtube] a-cdefghijk: Unable to download API page: HTTP Error 429: Too Many Requests (caused by "
            "<HTTPError 429: Too Many Requests>)",
            "rate",
            False,
            "hold",
        ),
        (
            "ERROR: [youtube] a: All player responses are invalid. Your IP is likely being blocked by Youtube",
            "bot",
            False,
            "stop",
        ),
        (
            "ERROR: [youtube] abcdefghijk: Requested format is not available. Use --list-formats for a list of available formats",
            "format",
            False,
            "next",
        ),
        ("ERROR: \r[download] Got error: 800000 bytes read, 2211462 more expected", "truncated", False, "next"),
        ("\x1b[0;31mERROR:\x1b[0m [youtube] -abc_DEF-12: Video unavailable", "gone", True, "next"),
        ("ERROR: \r[download] Got error: The read operation timed out", "timeout", False, "next"),
        (
            "ERROR: [youtube] abcdefghijk: Unable to download API page: Failed to resolve 'www.youtube.com'",
            "http",
            False,
            "next",
        ),
        ("ERROR: unable to write data: [Errno 28] No space left on device", "disk", False, "disk"),
        ("[Errno 28] No space left on device: '/x/download.part'", "disk", False, "disk"),
        ("ERROR: [youtube] abcdefghijk: This video is DRM protected", "format", False, "next"),
        ("nobody has met this yet", "ambiguous", False, "next"),
        ("", "ambiguous", False, "next"),
    ],
)
def test_words_of_yt_dlp(text, status, permanent, action):
    verdict = judged(text)
    assert (verdict.status, verdict.permanent, verdict.action) == (status, permanent, action)


def test_what_is_kept_of_a_message():
    text = said(
        "\x1b[0;31mERROR:\x1b[0m [youtube] -abc_DEF-12: It\u2019s\r\n here\0 https://signed.example/?key=1 " + "x" * 999
    )
    assert text.startswith("It's here … xxx") and len(text) == 300 and text.isprintable()


@pytest.mark.parametrize(
    ("status", "word"), [("bot", "--cookies"), ("rate", "--pace"), ("format", "deno"), ("other", "again")]
)
def test_a_stop_says_what_to_do(status, word):
    assert word in advice(status)
