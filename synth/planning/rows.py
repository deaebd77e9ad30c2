"""Blocks of a plan to Arrow rows of the PLAN table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from synth.planning.cells import Period
from synth.planning.plan import Block
from synth.planning.request import Request
from synth.store import arrays
from synth.tables import PART_PLAN, PLAN

_WORDS = pa.dictionary(pa.int32(), pa.string())
_PART = pa.struct([field.with_type(_WORDS) if field.type == pa.string() else field for field in PART_PLAN])
# PLAN with the texts that repeat as dictionaries; a Parquet file knows no difference
CODED = pa.schema(
    [
        pa.field(field.name, {"split": _WORDS, "cell": _WORDS, "parts": pa.list_(_PART)}.get(field.name, field.type))
        for field in PLAN.schema()
    ]
)


def batch(block: Block, split: str, first: int, period: Period, request: Request, ids: list[str]) -> pa.RecordBatch:
    """Return rows ``first`` … of ``split`` as a record batch."""
    rows = len(block.cell)
    cells = np.array(period.cells, np.int64).reshape(-1, 2)
    n, female = cells[block.cell, 0], cells[block.cell, 1]
    present = block.source >= 0
    noisy = block.snr is not None
    voice = present.copy()
    if noisy:
        voice[:, -1] = False
    at = np.flatnonzero(present)
    counts = np.bincount(at // present.shape[1], minlength=rows) if len(at) else np.zeros(rows, np.int64)

    def of_parts(values: NDArray[Any]) -> NDArray[Any]:
        return values.take(at)

    frame_n = request.frame_n
    children = [
        arrays.chosen(ids, of_parts(block.source)),
        arrays.numbers(of_parts(block.start) * frame_n, pa.int32()),
        arrays.numbers(of_parts(block.onset) * frame_n, pa.int32()),
        arrays.numbers(of_parts(block.length) * frame_n, pa.int32()),
        arrays.numbers(of_parts(block.gain_q12), pa.int32()),
        arrays.numbers(of_parts(block.active) / 50, pa.float32(), of_parts(voice) if noisy else None),
        arrays.numbers(of_parts(block.sir) / 10, pa.float32(), of_parts(voice & (n >= 2)[:, None])),
    ]
    parts = pa.StructArray.from_arrays(children, fields=list(CODED.field("parts").type.value_type))
    offsets = np.concatenate([[0], np.cumsum(counts)])
    snr = block.snr if noisy and block.snr is not None else np.zeros(rows, np.int64)
    columns = [
        arrays.numbered(f"{split}-", first, rows),
        arrays.chosen([split], np.zeros(rows, np.int64)),
        arrays.numbers(n, pa.int8()),
        arrays.numbers(female, pa.int8()),
        arrays.numbers(n - female, pa.int8()),
        arrays.chosen(period.names, block.cell),
        arrays.numbers(block.level / 10, pa.float32()),
        arrays.numbers(snr / 10, pa.float32(), (n > 0) if noisy else np.zeros(rows, np.bool_)),
        arrays.lists(offsets, parts, CODED.field("parts").type),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=CODED)
