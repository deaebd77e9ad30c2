"""A part shorter than its clip was mixed in 16 bits, and wrapped, when its gain was a plain Python integer."""

from __future__ import annotations

import numpy as np

from synth.rendering.mixer import Mixer


def test_the_type_of_a_gain_does_not_matter():
    window = np.full(800, 20_000, np.int16)
    out = {kind: np.empty(1600, np.int16) for kind in (int, np.int32)}
    for kind, samples in out.items():
        Mixer(1600, 16_000).mix([(window, 400, kind(4096))], samples)
    assert np.array_equal(out[int], out[np.int32])
    assert (out[int][600:1000] == 20_000).all()
