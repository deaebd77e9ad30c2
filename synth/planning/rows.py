"""Blocks of a plan to Arrow rows of the PLAN table."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from synth.planning.cells import Period
from synth.planning.plan import Block
from synth.planning.request import Request
from synth.store import arrays
from synth.tables import PART_PLAN, PLAN


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
    alone = np.broadcast_to((n < 2)[:, None], present.shape)
    counts = present.sum(axis=1)
    frame_n = request.frame_n
    children = [
        arrays.chosen(ids, block.source[present]).dictionary_decode(),
        arrays.numbers(block.start[present] * frame_n, pa.int32()),
        arrays.numbers(block.onset[present] * frame_n, pa.int32()),
        arrays.numbers(block.length[present] * frame_n, pa.int32()),
        arrays.numbers(block.gain_q12[present], pa.int32()),
        arrays.numbers(block.active[present] / 50, pa.float32(), None if not noisy else voice[present]),
        arrays.numbers(block.sir[present] / 10, pa.float32(), (voice & ~alone)[present]),
    ]
    parts = pa.StructArray.from_arrays(children, fields=list(PART_PLAN))
    offsets = np.concatenate([[0], np.cumsum(counts)])
    snr = block.snr if noisy and block.snr is not None else np.zeros(rows, np.int64)
    columns = [
        arrays.numbered(f"{split}-", first, rows),
        arrays.chosen([split], np.zeros(rows, np.int64)).dictionary_decode(),
        arrays.numbers(n, pa.int8()),
        arrays.numbers(female, pa.int8()),
        arrays.numbers(n - female, pa.int8()),
        arrays.chosen(period.names, block.cell).dictionary_decode(),
        arrays.numbers(block.level / 10, pa.float32()),
        arrays.numbers(snr / 10, pa.float32(), (n > 0) if noisy else np.zeros(rows, np.bool_)),
        arrays.lists(offsets, parts, pa.list_(PART_PLAN)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=PLAN.schema())
