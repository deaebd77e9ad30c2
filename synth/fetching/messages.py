"""What a site or yt-dlp says, to a status of the ledger and to what is to be done about it.

The order of the table matters: a rate limit and a block of embedding both begin with "Video unavailable", and a
throttled hour must not be booked as deleted videos. The texts are those of yt-dlp's extractor for YouTube and of its
native downloader.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Action = Literal["next", "again", "hold", "stop", "disk"]
TRANSIENT, PERMANENT = False, True
NEVER_ASKED = "pending"
MOST_TEXT = 300  # characters of a message that are kept


@dataclass(frozen=True, slots=True)
class Verdict:
    """A status of the ledger, whether asking again is useless, and what to do now.

    ``next``: book it and go on. ``again``: ask once more at once, as the address has expired. ``hold``: all workers
    wait, then ask again. ``stop``: no worker asks for anything more. ``disk``: the run cannot go on at all.
    ``in_a_row`` is how many such items in a row say more of this machine or its network than of the items: then
    everything stops; 0 for what says something of the item alone.
    """

    status: str
    permanent: bool
    action: Action = "next"
    in_a_row: int = 0


RATE = Verdict("rate", TRANSIENT, "stop")
BOT = Verdict("bot", TRANSIENT, "stop")
TRUNCATED = Verdict("truncated", TRANSIENT)
LARGE = Verdict("large", PERMANENT)
DAMAGED = Verdict("http", TRANSIENT)
SHORT = Verdict("short", PERMANENT)
PENDING = Verdict(NEVER_ASKED, TRANSIENT)
UNKNOWN = Verdict("ambiguous", TRANSIENT)
INVALID = Verdict("invalid", PERMANENT)
NO_FORMAT = Verdict("format", TRANSIENT, in_a_row=5)
TIMEOUT = Verdict("timeout", TRANSIENT, in_a_row=20)
DISK = Verdict("disk", TRANSIENT, "disk")
_SERVER = Verdict("http", TRANSIENT, in_a_row=20)
_UNREACHABLE = Verdict("http", TRANSIENT, in_a_row=5)
_GONE = Verdict("gone", PERMANENT)

_TABLE: tuple[tuple[Verdict, str], ...] = (
    (RATE, r"content isn't available, try again later|rate-limited by youtube|current session has been rate-limited"),
    (Verdict("rate", TRANSIENT, "hold"), r"http error 429|too many requests"),
    (BOT, r"confirm you're not a bot|your ip is likely being blocked|captcha challenge|unusual traffic"),
    (
        DISK,
        r"no space left on device|disk quota exceeded|file too large|unable to open for writing|unable to write data",
    ),
    (Verdict("ambiguous", TRANSIENT), r"playback on other websites has been disabled|not available on this app"),
    (Verdict("age", PERMANENT), r"confirm your age|age-restricted|may be inappropriate"),
    (Verdict("private", PERMANENT), r"private video|video is private"),
    (Verdict("members", PERMANENT), r"members-only|members only|available to this channel's members|join this channel"),
    (Verdict("members", PERMANENT), r"requires payment|require[sd]? (?:a )?(?:purchase|rental)"),
    (_GONE, r"account has been terminated|account associated with this video has been"),
    (
        Verdict("geo", PERMANENT),
        r"available in your country|in your country on copyright|geo.?restrict|(?:in|from) your (?:country|location)",
    ),
    (_GONE, r"copyright claim|copyright grounds"),
    (
        PENDING,
        r"live event will begin|premieres? (?:in|will begin|shortly)|still processing|processing this video"
        r"|live event has ended",
    ),
    (_GONE, r"live stream recording is not available"),
    (_GONE, r"has been removed|removed by the uploader|no longer available|does not exist|removed for violating"),
    (UNKNOWN, r"this video is not available|this video is unavailable"),
    (_GONE, r"(?:^|: )video unavailable\.?$"),
    (NO_FORMAT, r"requested format is not available|no video formats found|only images are available"),
    (NO_FORMAT, r"ffmpeg|ffprobe|postprocessing|drm protected"),
    (TRUNCATED, r"bytes read|more expected|incompleteread|content too short|did not get any data blocks"),
    (TIMEOUT, r"timed out|time-?out"),
    (Verdict("http", TRANSIENT, "again", in_a_row=20), r"http error 403"),
    (Verdict("http", PERMANENT, "again"), r"http error 4(?:04|10)"),
    (_SERVER, r"http error \d+"),
    (
        _UNREACHABLE,
        r"failed to resolve|name or service not known|name resolution|connection refused|unreachable|no route to host"
        r"|unable to connect to proxy|certificate",
    ),
    (
        _SERVER,
        r"connection (?:reset|aborted|broken)|remote end closed|ssl|failed to extract any player response"
        r"|unable to download|unable to connect|network",
    ),
)
_RULES = tuple((verdict, re.compile(pattern, re.IGNORECASE)) for verdict, pattern in _TABLE)
_ADVICE = re.compile(
    r"[.;]? *(?:Use --(?:cookies|list-formats|ignore)|See +https?://|please report this issue|Confirm you are on the latest)"
    r".*",
    re.DOTALL,
)
_HEAD = re.compile(r"^ERROR: *(?:\[[^\]]*\] *)?(?:[0-9A-Za-z_-]{11}: )?")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def said(text: str) -> str:
    """Return what was said without colours, prefixes, the id, advice about options, addresses and control characters."""
    text = _ANSI.sub("", text).replace("\u2019", "'").strip()
    text = _ADVICE.sub("", _HEAD.sub("", text))
    text = re.sub(r"https?://\S+", "…", text)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text[:MOST_TEXT]


def judged(text: str) -> Verdict:
    """Return the verdict on a message of yt-dlp or of the site; what nobody has met yet is asked again another day."""
    plain = said(text)
    for verdict, rule in _RULES:
        if rule.search(plain):
            return verdict
    return UNKNOWN


def advice(status: str) -> str:
    """Return what to do about a status that stopped all workers."""
    waiting = "Wait an hour or more, then run the same command again: it goes on where it stopped"
    return {
        "bot": "The site wants to know who asks. " + waiting + ", or give the cookies of a browser that is signed in, "
        "ideally with an account made for this: --cookies cookies.txt. A current yt-dlp with its JavaScript runtime is "
        'asked less often: pip install -U "yt-dlp[default,deno]"',
        "rate": "The site limits how much is asked of it. " + waiting + ", with a lower --pace",
        "format": "yt-dlp is offered no audio that it can get. It is usually too old, or lacks the JavaScript runtime "
        'that YouTube needs: pip install -U "yt-dlp[default,deno]" (or deno 2.3, node 22 or later on the PATH)',
        "http": "Nothing can be downloaded from here. Look at the network and the proxy; where all downloads are refused "
        'with 403, wait an hour, and update: pip install -U "yt-dlp[default,deno]"',
        "timeout": "The site does not answer. Look at the network and the proxy, then run the same command again",
    }.get(status, waiting)
