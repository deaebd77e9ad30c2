"""The published architecture at its full size, with random weights: from LAION's file to scores."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import soundfile as sf

import synth
from synth.cleaning import clap
from synth.cleaning.clap import sounds
from tests.real_data import DATA, needs_data

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
from tests.cleaning import published  # noqa: E402  # needs torch

pytestmark = [pytest.mark.slow, needs_data]
LABELS = ["Siren", "Baby cry, infant cry", "Accordion"]


def test_a_file_of_the_published_size_is_read_and_scores_as_claps_own_classes_do(tmp_path, monkeypatch):
    monkeypatch.setenv("SYNTH_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "cache" / "clap"
    (folder / "roberta-base").mkdir(parents=True)
    for name in ("vocab.json", "merges.txt"):
        shutil.copyfile(DATA / "roberta_tokenizer" / name, folder / "roberta-base" / name)
    torch.manual_seed(0)
    model = transformers.ClapModel(transformers.ClapConfig(text_config={"layer_norm_eps": 1e-5})).eval()
    assert sum(tensor.numel() for tensor in model.parameters()) > 150e6
    published.stirred(model)
    published.write(published.laion_names(model.state_dict()), folder / "630k-audioset-best.pt")
    (tmp_path / "clips").mkdir()
    kinds = {"siren.wav": 10.0, "speech.wav": 4.0, "bell.wav": 17.0}
    for name, seconds in kinds.items():
        sf.write(tmp_path / "clips" / name, sounds.sound(name[:-4], 1, seconds), 48_000)
    table = synth.index([tmp_path / "clips"], rate=48_000).table
    files = [tmp_path / "clips" / name for name in table.column("path").to_pylist()]
    found = clap.scored(table, files, LABELS, "630k-audioset-best", lambda *_: None, self_test=False)
    assert found.scores.shape == (3, 3)
    assert found.embeddings.shape == (3, 512)
    # the same by transformers' own tokenizer, extractor and calls
    tokens = transformers.RobertaTokenizer.from_pretrained(folder / "roberta-base")
    extractor = transformers.ClapFeatureExtractor(frequency_min=50, truncation="rand_trunc", padding="repeatpad")
    with torch.inference_mode():
        text = tokens(
            [
                "This is a sound of siren",
                "This is a sound of baby cry",
                "This is a sound of infant cry",
                "This is a sound of accordion",
            ],
            padding=True,
            return_tensors="pt",
        )
        read = model.get_text_features(text["input_ids"], text["attention_mask"]).pooler_output.numpy()
        wanted = []
        for path in files:
            samples, _ = sf.read(path, dtype="float32")
            step = ((samples * 32767).astype(np.int16) / 32767).astype(np.float32)
            windows = [step[:480_000], *([step[240_000:720_000], step[-480_000:]] if len(step) > 480_000 else [])]
            heard = extractor(windows, sampling_rate=48_000, return_tensors="pt")
            heard = model.get_audio_features(input_features=heard["input_features"].float()).pooler_output.numpy()
            cry = read[1] + read[2]
            labels = np.stack([read[0], cry / np.linalg.norm(cry), read[3]])
            wanted.append((heard @ labels.T).max(0))
    assert np.abs(found.scores - np.stack(wanted)).max() <= 1e-4
