"""A web server on this machine with files, faults that are asked for, and a log of what was requested."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BLOCK = 1 << 14


@dataclass
class Fault:
    """What one answer does wrong; without any field set it does nothing wrong."""

    status: int = 0  # answer with this status alone
    headers: dict[str, str] = field(default_factory=dict)
    cut_after: int | None = None  # bytes, then the connection is closed
    hold: bool = False  # ... or held open, silent, until the server ends
    no_range: bool = False  # send the whole file whatever is asked for
    length: int | None = None  # say this length
    no_length: bool = False  # say none, and end by closing
    content_range: str | None = None  # say this range
    content: bytes | None = None  # send this instead
    location: str | None = None  # redirect


@dataclass
class Site:
    """Files by path, faults by path (one for each answer in turn; the last one stays where ``for_ever``), requests."""

    base: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    for_ever: bool = False
    requests: list[tuple[str, str | None]] = field(default_factory=list)  # path, Range
    sent: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    def fault(self, path: str) -> Fault:
        queue = self.faults.get(path, [])
        return queue[0] if queue and self.for_ever and len(queue) == 1 else queue.pop(0) if queue else Fault()

    def url(self, path: str) -> str:
        return self.base + path


@contextmanager
def serving() -> Iterator[Site]:
    """Serve a site, empty at first, as long as the block runs."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            asked = self.headers.get("Range")
            site.requests.append((path, asked))
            fault = site.fault(path)
            self.close_connection = True
            content = site.files.get(path) if fault.content is None else fault.content
            if fault.location is not None:
                self.answer(302, {"Location": fault.location, "Content-Length": "0"})
                return
            if fault.status or content is None:
                self.answer(fault.status or 404, {"Content-Length": "0", **fault.headers})
                return
            found = re.fullmatch(r"bytes=(\d+)-", asked or "")
            start = int(found[1]) if found and not fault.no_range else 0
            headers = {} if fault.no_length else {"Content-Length": str(fault.length or len(content) - start)}
            if found and not fault.no_range:
                headers["Content-Range"] = fault.content_range or f"bytes {start}-{len(content) - 1}/{len(content)}"
            self.answer(206 if "Content-Range" in headers else 200, {**headers, **fault.headers})
            end = len(content) if fault.cut_after is None else min(len(content), start + fault.cut_after)
            try:
                for at in range(start, end, BLOCK):
                    block = content[at : min(at + BLOCK, end)]
                    site.sent += len(block)  # before it leaves: the client may be done before this thread goes on
                    self.wfile.write(block)
                self.wfile.flush()
            except OSError:
                return
            if fault.hold:
                site.ended.wait()

        def answer(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        site.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
