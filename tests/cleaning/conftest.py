"""What the tests of a judge of sounds share."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def one_thread():
    """Small models on a busy machine: threads would wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
