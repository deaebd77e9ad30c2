"""Both engines on the real architecture: the same embeddings from the same checkpoint."""

from __future__ import annotations

import importlib.util
import shutil
import sys

import numpy as np
import pytest

from tests.real_data import DATA, needs_data

WHY = "laion_clap is not installed: pip install 'synth[laion-clap]' in an environment of its own"
pytestmark = [needs_data, pytest.mark.skipif(importlib.util.find_spec("laion_clap") is None, reason=WHY)]
NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname")
SENTENCES = ["This is a sound of dog", "keys jangling", "rain on a tin roof, " * 30]


@pytest.fixture(scope="module", autouse=True)
def no_network():
    """Refuse every connection and every question for an address while the package is imported and built."""
    refused = [True]

    def refuse(event, arguments):
        if refused and event in NETWORK:
            raise ConnectionRefusedError(f"{event} {arguments}")

    sys.addaudithook(refuse)
    yield
    refused.clear()  # a hook cannot be taken away


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A .pt file from laion_clap's own model, every weight moved, beside RoBERTa's tokenizer."""
    from synth.cleaning.clap import laion
    from tests.cleaning import published

    folder = tmp_path_factory.mktemp("laion")
    for name in ("vocab.json", "merges.txt"):
        shutil.copyfile(DATA / "roberta_tokenizer" / name, folder / name)
    module = laion.module((folder / "vocab.json", folder / "merges.txt"), "HTSAT-tiny", "cpu")
    published.stirred(module.model)
    published.write(module.model.state_dict(), folder / "random.pt")
    yield folder / "random.pt"
    (folder / "random.pt").unlink()


def test_both_engines_give_the_same_embeddings(checkpoint):
    from synth.cleaning.clap import places, sounds
    from synth.cleaning.clap.engine import Transformers
    from synth.cleaning.clap.laion import Laion

    files = places.find(str(checkpoint))
    ours, theirs = Transformers(files, device="cpu"), Laion(files, device="cpu")
    heard = [
        sounds.sound("siren", seconds=10.0),
        sounds.sound("speech", seconds=7.0),
        sounds.sound("bell", seconds=3.3),
        sounds.sound("static", seconds=0.01),
    ]
    for one in (ours, theirs):
        assert one.dimension == 512
    a, b = ours.audio(heard), theirs.audio(heard)
    assert a.shape == b.shape == (4, 512)
    assert np.abs(a - b).max() <= 1e-4
    assert np.abs(a[0] - a[1]).max() > 1e-3  # of different sounds they differ
    a, b = ours.text(SENTENCES), theirs.text(SENTENCES)
    assert np.abs(a - b).max() <= 1e-4
    assert np.abs(a[0] - a[1]).max() > 1e-3


def test_the_package_leaves_the_process_as_it_was(checkpoint):
    from pathlib import Path

    assert Path.cwd().is_dir()
    assert "torchvision" not in sys.modules or importlib.util.find_spec("torchvision")


def test_what_it_cannot_read_is_refused(tmp_path):
    from synth.cleaning.clap.scorer import Judge
    from synth.errors import UsageError
    from tests.cleaning import judges

    with pytest.raises(UsageError, match="Hub directory"):
        Judge(str(judges.TINY), engine="laion").sentences(["x"])
