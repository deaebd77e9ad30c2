"""A small set of real sound files with verdicts, and the review command running over it as its own process."""

from __future__ import annotations

import csv
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pyarrow as pa
import soundfile

from synth.steps.index import index
from synth.store import parquet
from synth.tables import VERDICTS

PATIENCE_S = 60
CLASSES = ("cat", "dog")
SUFFIXES = ("wav", "flac", "ogg")


def recordings(folder: Path, clips: int = 12, seconds: float = 1.0) -> Path:
    """Write tones of different pitch in several formats, half of them each class, and index them."""
    folder.mkdir(parents=True)
    names = []
    for k in range(clips):
        rate = (16000, 44100)[k % 2]
        tone = 0.3 * np.sin(2 * np.pi * (300 + 40 * k) * np.arange(round(seconds * rate)) / rate)
        names.append(f"{k:02d}.{SUFFIXES[k % 3]}")
        soundfile.write(folder / names[-1], np.stack([tone] * (1 + k % 2), axis=1), rate)
    table = folder.parent / "labels.csv"
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "labels"])
        rows.writerows([name, CLASSES[k % 2]] for k, name in enumerate(names))
    sources = folder.parent / "sources.parquet"
    index([folder], csv=table, out=sources)
    return sources


def judged(sources: Path, rows: list[dict] | None = None) -> Path:
    """Write verdicts of a model: of each class the first half wrong, the rest kept; the later the surer to be right."""
    ids = pa.parquet.read_table(sources, columns=["source_id", "labels"]).to_pylist()
    if rows is None:
        rows = [row(one["source_id"], one["labels"][0], 1 - k / len(ids)) for k, one in enumerate(ids)]
    path = sources.with_name("verdicts.parquet")
    parquet.write(pa.Table.from_pylist(rows, schema=VERDICTS.schema({"table": "verdicts", "precision": "0.9"})), path)
    return path


def row(source_id: str, label: str, p_wrong: float, verdict: str | None = None) -> dict:
    return {
        "source_id": source_id,
        "label": label,
        "score": -p_wrong,
        "p_wrong": p_wrong,
        "verdict": verdict or ("wrong" if p_wrong > 0.5 else "keep"),
        "reason": "scores as clips without the label do",
        "by": "model",
        "suggested": [],
    }


def human(verdicts: Path) -> dict[tuple[str, str], str]:
    """Return what people decided, from the file alone."""
    rows = pa.parquet.read_table(verdicts).to_pylist()
    found = [((one["source_id"], one["label"]), one["verdict"]) for one in rows if one["by"] == "human"]
    assert len(found) == len(dict(found)), "one row a decision"
    return dict(found)


class Running:
    """``synth review`` as a process of its own; ``address`` is the page's."""

    def __init__(self, verdicts: Path, *words: object) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "synth", "review", str(verdicts), "--no-browser", "--json", *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self.said: list[str] = []
        lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(lines,), daemon=True)
        self._reader.start()
        self.address = ""
        while not self.address:
            found = re.search(r"http://127\.0\.0\.1:\d+/[0-9a-f]{48}/", lines.get(timeout=PATIENCE_S))
            self.address = found.group() if found else ""
        self.port = int(self.address.split(":")[2].split("/")[0])

    def _read(self, lines: queue.Queue[str]) -> None:
        for line in self.process.stderr:
            self.said.append(line)
            lines.put(line)

    def get(self, name: str, **headers: str) -> object:
        return json.loads(self.fetch(self.address + name, headers=headers)[1])

    def post(self, name: str, body: object) -> dict:
        request = urllib.request.Request(
            self.address + name, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.loads(answer.read())

    def decide(self, verdict: str, name: str = "worst") -> tuple[str, str]:
        """Decide the next open clip of a list; return what it was about."""
        item = self.get(f"next?list={name}&after=-1")
        self.post("decide", {"list": name, "row": item["row"], "verdict": verdict})
        return item["source_id"], item["label"]

    @staticmethod
    def fetch(url: str, method: str = "GET", data: bytes | None = None, headers: dict | None = None):
        """Return status, body and headers, whatever the status."""
        request = urllib.request.Request(url, data, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE_S)

    def interrupt(self) -> dict:
        """Press Ctrl-C; return the result."""
        self.process.send_signal(signal.SIGINT)
        return self.end()

    def end(self) -> dict:
        assert self.process.wait(PATIENCE_S) == 0, "".join(self.said)
        out = self.process.stdout.read()
        self._reader.join(PATIENCE_S)
        return json.loads(out)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()
        self._reader.join(PATIENCE_S)
        self.process.stdout.close()
        self.process.stderr.close()
