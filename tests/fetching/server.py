"""A site on this machine: a real HTTP server with pages and media that misbehave as asked, and yt-dlp's way to it.

``/watch/ID`` gives what an extractor would find out (or the words of a refusal), ``/media/ID`` the sound. Every request
is counted. ``SiteIE`` is an extractor of yt-dlp for addresses of YouTube that asks this server instead.
"""

from __future__ import annotations

import json
import os
import re
import socketserver
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.utils import ExtractorError, GeoRestrictedError


@dataclass
class Video:
    """What the site says of a video, and how its media behaves.

    ``does``: ok, a status code ("404"), a status code for the first time only ("429 once"), "truncated" (always),
    "broken once", "stalled", "endless", "shortened" (whole for HTTP, half of what the page said).
    """

    media: bytes = b""
    duration_s: float | None = None
    does: str = "ok"
    error: str | None = None
    page: str = "ok"  # likewise, of the page: ok, a status code, a status code once
    formats: list[dict] | None = None
    declared: bool = True  # the page says how large the media is
    retry_after: str = "1"
    extra: dict = field(default_factory=dict)


class Site:
    """The server; use it as a context manager. ``asked`` counts requests by (kind, id), ``sent`` bytes by id."""

    def __init__(self, videos: dict[str, Video]) -> None:
        self.videos = videos
        self.asked: Counter[tuple[str, str]] = Counter()
        self.sent: Counter[str] = Counter()
        self.times: list[tuple[float, str, str]] = []
        self.cookies: list[str] = []
        self.changed = threading.Condition()
        self.over = threading.Event()
        site = self

        class Handler(_Handler):
            pass

        Handler.site = site
        self._server = _Server(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Site:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    def extractor(self) -> type:
        """Return an extractor that asks this site."""
        return type("SiteIE", (SiteIE,), {"BASE": self.base})

    def environment(self, folder: Path) -> dict[str, str]:
        """Return the environment in which every Python asks this site; ``folder`` is for a file of its own."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "sitecustomize.py").write_text(
            "from synth.fetching import download\n"
            "from tests.fetching.server import SiteIE\n"
            f"download.EXTRACTORS.append(type('SiteIE', (SiteIE,), {{'BASE': {self.base!r}}}))\n"
        )
        paths = [str(folder), *sys.path]
        return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "no_proxy": "127.0.0.1"}

    def forget(self) -> None:
        """Begin to count anew."""
        with self.changed:
            self.asked.clear()
            self.sent.clear()

    def ids(self, kind: str = "watch") -> set[str]:
        """Return the ids that were asked for."""
        with self.changed:
            return {ytid for what, ytid in self.asked if what == kind}

    def wait(self, kind: str, count: int, timeout_s: float) -> bool:
        """Wait until there were so many requests of a kind."""

        def enough() -> bool:
            return sum(n for (what, _), n in self.asked.items() if what == kind) >= count

        with self.changed:
            return self.changed.wait_for(enough, timeout_s)


class _Server(socketserver.ThreadingMixIn, HTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that hung up is no news."""


class _Handler(BaseHTTPRequestHandler):
    site: Site
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        kind, _, ytid = self.path.strip("/").partition("/")
        with self.site.changed:
            self.site.asked[kind, ytid] += 1
            nth = self.site.asked[kind, ytid]
            self.site.times.append((time.monotonic(), kind, ytid))
            self.site.cookies.append(self.headers.get("Cookie") or "")
            self.site.changed.notify_all()
        video = self.site.videos.get(ytid)
        if video is None:
            self._fail(404, video)
        elif kind == "watch":
            if not self._failed(video.page, nth, video):
                self._send(json.dumps(self._page(ytid, video)).encode())
        elif not self._failed(video.does, nth, video):
            self._media(ytid, video, nth)

    def _page(self, ytid: str, video: Video) -> dict:
        if video.error:
            return {"error": video.error}
        sound = {
            "format_id": "251",
            "url": f"{self.site.base}/media/{ytid}",
            "ext": "webm",
            "acodec": "opus",
            "vcodec": "none",
            "asr": 48000,
            "abr": 96.0,
            "protocol": "http",
        }
        if video.declared:
            sound["filesize"] = len(video.media)
        formats = [sound] if video.formats is None else [{**sound, **one} for one in video.formats]
        return {
            "id": ytid,
            "title": "../../a title; rm -rf",
            "formats": formats,
            "duration": video.duration_s,
            **video.extra,
        }

    def _failed(self, does: str, nth: int, video: Video) -> bool:
        found = re.fullmatch(r"(\d{3})( once)?", does)
        if found and (not found[2] or nth == 1):
            self._fail(int(found[1]), video)
            return True
        return False

    def _fail(self, status: int, video: Video | None) -> None:
        said = self.headers.get("Cookie") or "no"  # a server may repeat what it was sent
        self.send_response(status, f"{said} cookie")
        if video and status in (429, 403) and video.retry_after:
            self.send_header("Retry-After", video.retry_after)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _media(self, ytid: str, video: Video, nth: int) -> None:
        data, does = video.media, video.does
        if does == "shortened":
            data = data[: len(data) // 2]
        found = re.match(r"bytes=(\d+)-", self.headers.get("Range") or "")
        start = int(found[1]) if found else 0
        if does == "endless":
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            for _ in range(10_000):
                self._write(ytid, b"\0" * 65536)
            return
        self.send_response(206 if found else 200)
        self.send_header("Content-Length", str(len(data) - start))
        if found:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        rest = data[start:]
        if does == "truncated" or (does == "broken once" and nth == 1):
            self._write(ytid, rest[: len(data) // 2 - start] if start < len(data) // 2 else b"")
            self.close_connection = True
        elif does == "stalled":
            self._write(ytid, rest[: len(rest) // 2])
            self.site.over.wait(20)
            self.close_connection = True
        else:
            self._write(ytid, rest)

    def _write(self, ytid: str, data: bytes) -> None:
        with self.site.changed:
            self.site.sent[ytid] += len(data)  # before it leaves: the client may be done before this thread goes on
        self.wfile.write(data)
        self.wfile.flush()


class SiteIE(InfoExtractor):
    IE_NAME = "youtube"
    _VALID_URL = r"https?://(?:www\.)?youtube\.com/watch\?v=(?P<id>[0-9A-Za-z_-]{11})$"
    BASE = ""

    def _real_extract(self, url):
        ytid = self._match_id(url)
        page = self._download_json(f"{self.BASE}/watch/{ytid}", ytid)
        if error := page.get("error"):
            if "has not made this video available in your country" in error:
                raise GeoRestrictedError(error, countries=["DE"])
            raise ExtractorError(error, expected=True)
        return page
