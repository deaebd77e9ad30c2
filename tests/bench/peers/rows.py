"""Where the peers that end in Parquet put their clips: the plain way, a list of dictionaries, 1,000 at a time."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from plan import Window

ROWS = 1_000


class Rows:
    """A Parquet file that takes clips one by one."""

    def __init__(self, folder: Path, suffix: str) -> None:
        self._path = folder / "clips.parquet"
        self._suffix = suffix
        self._rows: list[dict[str, Any]] = []
        self._count = 0
        self._writer: pq.ParquetWriter | None = None

    def add(self, audio: bytes, windows: list[Window]) -> None:
        """Take one clip: its encoded audio and what it was mixed from."""
        self._rows.append(
            {
                "audio": {"bytes": audio, "path": f"{self._count:08d}.{self._suffix}"},
                "n_speakers": len(windows),
                "parts": [
                    {"path": window.path, "speaker": window.speaker, "start_s": window.start_s, "gain": window.gain}
                    for window in windows
                ],
            }
        )
        self._count += 1
        if len(self._rows) == ROWS:
            self._flush()

    def _flush(self) -> None:
        table = pa.Table.from_pylist(self._rows)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema)
        self._writer.write_table(table)
        self._rows.clear()

    def __enter__(self) -> Rows:
        """Nothing is opened before the first rows are known."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is left and close."""
        if kind is None and self._rows:
            self._flush()
        if self._writer is not None:
            self._writer.close()
