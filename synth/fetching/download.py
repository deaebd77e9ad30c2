"""The sound of one video, through yt-dlp's Python interface, into a folder of its own.

yt-dlp finds the video and its formats; its native downloader writes the chosen one, whole, under a name of ours: no
template, no post-processor, no ffmpeg, no cache and no command line. What goes wrong becomes a :class:`Refusal`.
"""

from __future__ import annotations

import io
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar

from synth.errors import InputError
from synth.fetching import formats, messages
from synth.fetching.messages import Verdict
from synth.fetching.pace import retry_after_s

if TYPE_CHECKING:
    from yt_dlp import YoutubeDL

# The extractors that are asked, instead of yt-dlp's own for YouTube: for sites that mirror it, and to fetch from a
# server on this machine. Each is called with the YoutubeDL that it will serve.
EXTRACTORS: list[Callable[[Any], Any]] = []

ADDRESS = "https://www.youtube.com/watch?v={}"
_T = TypeVar("_T")
_SLACK_BYTES = 1 << 20  # a file may be so much larger than the site said
_ASTRAY_BYTES = 1024  # and so much smaller, beside one in a hundred: YouTube's sizes are a few bytes out now and then
_LONGEST_S = 1800.0  # of one download
_LEAST_FREE_BYTES = 64 << 20
_RUNTIMES: tuple[str, ...] = ("deno", "node", "bun", "quickjs")


@dataclass(frozen=True, slots=True)
class Options:
    """What all downloads of a run have in common; ``cookies`` is the text of a cookies.txt."""

    cookies: str | None
    max_bytes: int
    timeout_s: float
    retries: int


@dataclass(frozen=True, slots=True)
class Got:
    """A download: the file, the site's name of its format, and how long the site says it is."""

    path: Path
    format_id: str
    duration_s: float | None
    bytes: int


class Refusal(Exception):  # noqa: N818 - an answer, not a fault of ours
    """Nothing was downloaded: the verdict, what was said, and how long the server asks to wait."""

    def __init__(self, verdict: Verdict, message: str, wait_s: float | None = None) -> None:
        super().__init__(verdict, message, wait_s)
        self.verdict = verdict
        self.message = message
        self.wait_s = wait_s


class Stopped(Exception):  # noqa: N818
    """The download was given up because everything stops."""


def read_cookies(path: Path) -> str:
    """Return the text of a cookies.txt (Netscape form); raise InputError for anything else.

    The text is kept in memory: yt-dlp writes the cookies that it was given back when it closes, and two workers would
    do so at once.
    """
    from yt_dlp.cookies import YoutubeDLCookieJar

    wanted = "wanted a cookies.txt in the Netscape form, as browsers' cookie exporters write it"
    try:
        text = path.read_text(encoding="utf-8")
        YoutubeDLCookieJar(io.StringIO(text)).load()
    except OSError as error:
        raise InputError(f"--cookies {path}: {error.strerror}; {wanted}") from None
    except ValueError:  # http.cookiejar.LoadError is an OSError; what it says may hold a cookie
        raise InputError(f"--cookies {path} cannot be read as cookies; {wanted}") from None
    return text


def youtube_dl(options: Options, hook: Callable[[dict[str, Any]], None]) -> YoutubeDL:
    """Make a YoutubeDL with the extractors of this module and nothing that writes beside the download."""
    os.environ.setdefault("YTDLP_NO_PLUGINS", "1")  # set it to nothing to have yt-dlp's plugins loaded
    from yt_dlp import YoutubeDL
    from yt_dlp.extractor.youtube import YoutubeIE

    made = YoutubeDL(
        {
            "quiet": True,
            "noprogress": True,
            "logger": _Silence(),
            "color": "never",
            "cachedir": False,
            "format": formats.selector,
            "cookiefile": io.StringIO(options.cookies) if options.cookies is not None else None,
            "retries": options.retries,
            "fragment_retries": options.retries,
            "skip_unavailable_fragments": False,
            "extractor_retries": options.retries,
            "retry_sleep_functions": dict.fromkeys(("http", "fragment", "extractor"), _between_retries_s),
            "socket_timeout": options.timeout_s,
            "noplaylist": True,
            "js_runtimes": {name: {} for name in _RUNTIMES},
            "progress_hooks": [hook],
        },
        auto_init=False,
    )
    for extractor in EXTRACTORS or [YoutubeIE]:
        made.add_info_extractor(extractor(made))
    return made


class Downloader:
    """Downloads for one thread: it keeps a YoutubeDL, which no other thread may use."""

    def __init__(self, options: Options, stop: Event) -> None:
        self._options, self._stop = options, stop
        self._most_bytes, self._until_s = options.max_bytes, 0.0
        self._ydl = youtube_dl(options, self._watch)

    def get(self, ytid: str, folder: Path, *, begins_s: float = 0.0) -> Got:
        """Download the sound of a video into ``folder``, which is empty.

        Nothing is downloaded of a video that ends before ``begins_s``. Raises Refusal, Stopped.
        """
        info = self._asked(ytid)
        duration_s = float(info["duration"]) if info.get("duration") else None
        if duration_s is not None and duration_s + 1 <= begins_s:  # the site gives whole seconds
            raise Refusal(messages.SHORT, f"the video is {duration_s:.0f} s long, the segment begins at {begins_s:g} s")
        said_bytes = info.get("filesize")
        if said_bytes and said_bytes > self._options.max_bytes:
            raise Refusal(
                messages.LARGE, f"{said_bytes:,} bytes, more than the {self._options.max_bytes:,} of one download"
            )
        self._most_bytes = min(
            self._options.max_bytes, said_bytes + said_bytes // 8 + _SLACK_BYTES if said_bytes else 1 << 62
        )
        if shutil.disk_usage(folder).free < (said_bytes or 0) * 2 + _LEAST_FREE_BYTES:
            raise Refusal(messages.DISK, "no space left on device")
        target = folder / "download"
        self._until_s = time.monotonic() + _LONGEST_S
        self._through(lambda: self._ydl.dl(str(target), info))
        size = target.stat().st_size if target.is_file() else 0
        if not size or size + size // 100 + _ASTRAY_BYTES < (said_bytes or 0):
            raise Refusal(messages.TRUNCATED, f"{size:,} of {said_bytes or 0:,} bytes came")
        return Got(target, str(info.get("format_id") or ""), duration_s, size)

    def exists(self, ytid: str) -> None:
        """Ask whether a video is still there, without downloading it; raises Refusal where it is not."""
        self._asked(ytid)

    def close(self) -> None:
        """Close the connections."""
        self._ydl.close()

    def _asked(self, ytid: str) -> dict[str, Any]:
        info = self._through(lambda: self._ydl.extract_info(ADDRESS.format(ytid), download=False))
        if not isinstance(info, dict) or info.get("id") != ytid:
            raise Refusal(messages.UNKNOWN, "the site answered with another video")
        if info.get("live_status") in ("is_live", "is_upcoming", "post_live"):
            raise Refusal(messages.PENDING, f"live: {info['live_status']}")
        return info

    def _watch(self, progress: dict[str, Any]) -> None:
        """Called by yt-dlp for every block that comes."""
        if self._stop.is_set():
            raise Stopped
        came = max(progress.get("downloaded_bytes") or 0, progress.get("total_bytes") or 0)
        if came > self._most_bytes:
            verdict = messages.LARGE if came > self._options.max_bytes else messages.DAMAGED
            raise Refusal(verdict, f"the server sends {came:,} bytes, more than the {self._most_bytes:,} expected")
        if time.monotonic() > self._until_s:
            raise Refusal(messages.TIMEOUT, f"timed out: not done after {_LONGEST_S:.0f} s")

    def _through(self, work: Callable[[], _T]) -> _T:
        """Do ``work`` and turn what yt-dlp raises into a Refusal."""
        from yt_dlp.networking.exceptions import RequestError
        from yt_dlp.utils import YoutubeDLError

        try:
            return work()
        except (Refusal, Stopped):
            raise
        except (YoutubeDLError, RequestError, OSError) as error:
            raise self._refusal(error) from error
        except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, AssertionError) as error:
            text = f"yt-dlp failed: {type(error).__name__}: {error}"  # a change of the site that it does not know yet
            raise Refusal(messages.NO_FORMAT, self._without_cookies(messages.said(text))) from error

    def _refusal(self, error: BaseException) -> Refusal:
        from yt_dlp.networking.exceptions import HTTPError

        text, wait_s = str(error), None
        verdict = messages.judged(text)
        if isinstance(error, HTTPError):  # the server's own words for its status decide nothing
            verdict = messages.judged(f"HTTP Error {error.status}")
        for cause in _causes(error):
            if isinstance(cause, HTTPError):
                wait_s = retry_after_s(cause.response.headers.get("Retry-After"))
        return Refusal(verdict, self._without_cookies(messages.said(text)), wait_s)

    def _without_cookies(self, text: str) -> str:
        """A server may repeat what it was sent: take the values of cookies out of a message."""
        for cookie in self._ydl.cookiejar if self._options.cookies is not None else ():
            if cookie.value and len(cookie.value) > 3:
                text = text.replace(cookie.value, "…")
        return text


class _Silence:
    """A logger for yt-dlp that says nothing: what matters is raised."""

    def debug(self, message: str) -> None:
        """Say nothing."""

    info = warning = error = debug


def _between_retries_s(n: int) -> float:
    return min(0.25 * 2.0**n, 8.0)


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error and what it was raised for, as far as yt-dlp tells."""
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and one not in found:
            found.append(one)
            told = getattr(one, "exc_info", None) or (None, None)
            waiting += [one.__context__, one.__cause__, getattr(one, "cause", None), told[1]]
    return found
