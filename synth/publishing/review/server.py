"""A web server for one person on this machine: it answers only to who knows the token in its address.

It listens on 127.0.0.1 alone. Every address begins with a token of 192 random bits; another one is refused, whatever is
asked for. The Host header must name this machine, so that a page of the web whose name was bound to 127.0.0.1 (DNS
rebinding) gets nothing; no CORS header is ever sent; a POST must come from the page itself. Nothing in an address is a path
of a file: recordings are asked for by their number.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, urlsplit

HERE = "127.0.0.1"
_NAMES = ("127.0.0.1", "localhost", "::1")
_MOST_BYTES = 1 << 16  # of a request's body
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back: a body and its type. Audio may be asked for in ranges; after the ``last`` one the server ends."""

    body: bytes
    kind: str
    ranges: bool = False
    last: bool = False


class RefusedError(Exception):
    """A request that is not answered: the status and a sentence."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


def as_json(values: object) -> Answer:
    """Return an answer in JSON."""
    return Answer(json.dumps(values).encode(), "application/json")


# name in the address, query or body -> answer
Get = Mapping[str, Callable[[Mapping[str, str]], Answer]]
Post = Mapping[str, Callable[[Mapping[str, Any]], Answer]]


class Server(ThreadingHTTPServer):
    """Serves a page, and what ``get`` and ``post`` answer, below ``address``; port 0: any that is free."""

    daemon_threads = True  # a browser keeps its connections open; nobody waits for these at the end
    allow_reuse_address = os.name == "posix"  # on Windows it would let others take the port

    def __init__(self, page: str, get: Get, post: Post, port: int = 0) -> None:
        self.token = os.urandom(24).hex()
        self.page, self.get, self.post = page, get, post
        super().__init__((HERE, port), _Handler)

    @property
    def address(self) -> str:
        """The address of the page, with its token."""
        return f"http://{HERE}:{self.server_address[1]}/{self.token}/"

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # as the base class has it
        """Say nothing of a browser that hung up: it does so whenever a clip is left."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def page_html() -> str:
    """Return the page: one file, nothing of it comes from elsewhere."""
    return files("synth.publishing.review").joinpath("page.html").read_text(encoding="utf-8")


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "synth", ""
    timeout = 60

    def do_GET(self) -> None:
        self._answered(self._get)

    do_HEAD = do_GET  # noqa: N815  # the base class looks for this name

    def do_POST(self) -> None:
        self._answered(self._post)

    def do_OPTIONS(self) -> None:
        self._answered(self._no_such_method)

    do_PUT = do_PATCH = do_DELETE = do_OPTIONS  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: the command says what there is to say."""

    def _answered(self, how: Callable[[str, Mapping[str, str]], None]) -> None:
        try:
            how(*self._allowed())
        except RefusedError as error:
            self.close_connection = True  # what is left of a body that was not read is no request
            self._send(Answer(f"{error}\n".encode(), "text/plain; charset=utf-8"), error.status)
        except OSError as error:
            if isinstance(error, ConnectionError | TimeoutError):
                raise
            why = f"not stored: {error.strerror or error}\n".encode()
            self._send(Answer(why, "text/plain; charset=utf-8"), HTTPStatus.INSUFFICIENT_STORAGE)

    def _allowed(self) -> tuple[str, Mapping[str, str]]:
        """Return name and query of a request that has the token and comes from this machine's own page."""
        host = self.headers.get("Host", "")
        try:
            named, parts = urlsplit(f"//{host}").hostname, urlsplit(self.path)
        except ValueError:
            raise RefusedError(HTTPStatus.BAD_REQUEST, "this is no address") from None
        if named not in _NAMES:
            raise RefusedError(HTTPStatus.FORBIDDEN, "this page is for this machine only")
        token, slash, name = parts.path.removeprefix("/").partition("/")
        if not (slash and hmac.compare_digest(token.encode(), self.server.token.encode())):
            raise RefusedError(HTTPStatus.FORBIDDEN, "wrong address: the command printed the right one")
        if self.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
            raise RefusedError(HTTPStatus.FORBIDDEN, "asked for by another page")
        if self.headers.get("Origin", f"http://{host}") != f"http://{host}":
            raise RefusedError(HTTPStatus.FORBIDDEN, "asked for by another page")
        return name, {key: values[-1] for key, values in parse_qs(parts.query).items()}

    def _get(self, name: str, query: Mapping[str, str]) -> None:
        if name == "":
            self._page()
        elif name in self.server.get:
            self._send(self.server.get[name](query))
        else:
            raise self._unknown(name, self.server.post, "POST")

    def _post(self, name: str, _: Mapping[str, str]) -> None:
        if name not in self.server.post:
            raise self._unknown(name, {"": None, **self.server.get}, "GET, HEAD")
        if self.headers.get_content_type() != "application/json":  # what a form of another page cannot send
            raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "wanted application/json")
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise RefusedError(HTTPStatus.LENGTH_REQUIRED, "wanted a Content-Length")
        if int(length) > _MOST_BYTES:
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {_MOST_BYTES} bytes")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise RefusedError(HTTPStatus.BAD_REQUEST, "wanted a JSON object")
        self._send(self.server.post[name](body))

    def _no_such_method(self, name: str, _: Mapping[str, str]) -> None:
        raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, f"{self.command} is not answered")

    def _unknown(self, name: str, others: Mapping[str, object], methods: str) -> RefusedError:
        if name in others:
            return RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, f"wanted {methods}")
        return RefusedError(HTTPStatus.NOT_FOUND, "nothing of that name")

    def _page(self) -> None:
        nonce = os.urandom(16).hex()
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self' data:; "
            "media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        body = self.server.page.replace("{{nonce}}", nonce).encode()
        self._send(Answer(body, "text/html; charset=utf-8"), headers={"Content-Security-Policy": policy})

    def _send(
        self, answer: Answer, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
    ) -> None:
        first, end = 0, len(answer.body)
        more = dict(headers or {})
        if answer.ranges:
            more["Accept-Ranges"] = "bytes"
            wanted = _range(self.headers.get("Range", ""), len(answer.body))
            if wanted == (0, 0):
                status, end = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, 0
                more["Content-Range"] = f"bytes */{len(answer.body)}"
            elif wanted:
                status, (first, end) = HTTPStatus.PARTIAL_CONTENT, wanted
                more["Content-Range"] = f"bytes {first}-{end - 1}/{len(answer.body)}"
        self.send_response(status)
        for key, value in {**_HEADERS, **more}.items():
            self.send_header(key, value)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(end - first))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(memoryview(answer.body)[first:end])
        if answer.last:
            self.close_connection = True
            threading.Thread(target=self.server.shutdown).start()


def _range(header: str, size: int) -> tuple[int, int] | None:
    """Return first byte and end of the one range that is asked for; (0, 0): there is no such; None: all of it."""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip())
    if not found or found.groups() == ("", ""):
        return None
    low, high = found.groups()
    if not low:
        first, end = max(size - int(high), 0), size
    else:
        first, end = int(low), min(int(high) + 1 if high else size, size)
    return (first, end) if first < end else (0, 0)
