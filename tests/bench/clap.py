"""What CLAP costs: the bare model at each batch size, the whole way from files to embeddings, and a second run.

Full-size random weights (158 M parameters). python -m tests.bench.clap [CLIPS] [DEVICE] [ROUNDS] [bfloat16]

On a CPU the seconds are those of the process on all its threads, on one thread of PyTorch's: what others do on the
machine counts little. On a GPU they are those of the clock.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import soundfile as sf

SIZES = {"cpu": (1, 4, 8), "cuda": (8, 32, 64, 128)}


def write_model(folder: Path) -> None:
    """Write a Hub directory of the published size and a tokenizer of as many words."""
    import torch
    from transformers import ClapConfig, ClapModel

    torch.manual_seed(0)
    model = ClapModel(ClapConfig(text_config={"layer_norm_eps": 1e-5}))
    model.save_pretrained(folder)
    words = ["<s>", "<pad>", "</s>", "<unk>", *(f"word{n}" for n in range(50_260)), "<mask>"]
    vocabulary = {word: k for k, word in enumerate(words)}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")


def main(clips: int, device: str, rounds_n: int, bfloat16: bool) -> None:
    import torch

    clock = time.perf_counter
    if device == "cpu":
        torch.set_num_threads(1)
        clock = time.process_time

    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        os.environ["SYNTH_CACHE_DIR"] = str(home / "cache")
        write_model(home / "model")
        from synth.cleaning.clap import listening, sounds, tokenizer, windows
        from synth.cleaning.clap.frontend import Frontend
        from synth.cleaning.clap.scorer import Judge

        (home / "clips").mkdir()
        kinds = list(sounds.KNOWN)
        files = [home / "clips" / f"{k}.flac" for k in range(clips)]
        for k, path in enumerate(files):
            sf.write(path, sounds.sound(kinds[k % len(kinds)], k, 10.0), windows.RATE_HZ)
        tokenizer.GOLDEN.clear()  # of a vocabulary that means nothing
        engine = Judge(str(home / "model"), device=device, bfloat16=bfloat16).engine
        model = engine._model  # the bare model is the engine's own
        signal = [sounds.sound("bell", 0, 10.0)] * max(SIZES[device])
        mels = Frontend(device)(signal)
        found: dict[str, object] = {"device": device, "bfloat16": bfloat16, "threads": torch.get_num_threads()}

        def bare(size: int) -> float:
            """Return windows a second of the model alone, on ready spectrograms."""
            total = max(clips, size)
            with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=bfloat16):
                start = clock()
                for _ in range(total // size):
                    model.get_audio_features(input_features=mels[:size]).pooler_output.cpu()
                return total // size * size / (clock() - start)

        def whole(number: int) -> tuple[float, float]:
            """Return clips a second from files, and how many times faster they are the second time."""
            judge = Judge(str(home / "model"), device=device, bfloat16=bfloat16)
            judge._engine = engine
            keys = [None] * clips
            judge._sounds.folder = home / f"store{number}"  # an empty one each time
            start = clock()
            vectors, _, _ = judge.recordings(files, keys, [10.0] * clips, lambda *_: None)
            first = clock() - start
            keys = [listening.key(sha256(windows.read(path)[0].data).hexdigest(), windows.RATE_HZ) for path in files]
            start = clock()
            again, _, _ = judge.recordings(files, keys, [10.0] * clips, lambda *_: None)
            assert np.array_equal(vectors, again)
            return clips / first, first / (clock() - start)

        bare(max(SIZES[device]))
        rounds = [{"bare": {size: bare(size) for size in SIZES[device]}, "whole": whole(k)} for k in range(rounds_n)]
        best = {size: max(one["bare"][size] for one in rounds) for size in SIZES[device]}
        found["bare windows a second by batch size"] = {size: round(value, 2) for size, value in best.items()}
        found["clips a second from FLAC files"] = round(max(one["whole"][0] for one in rounds), 2)
        found["share of the bare model's best"] = [
            round(one["whole"][0] / max(one["bare"].values()), 3) for one in rounds
        ]
        found["second run, times faster"] = [round(one["whole"][1]) for one in rounds]
        found["batch"] = engine.batch
        sys.stdout.write(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main(
        int((sys.argv[1:] or ["32"])[0]),
        (sys.argv[2:] or ["cpu"])[0],
        int((sys.argv[3:] or ["3"])[0]),
        "bfloat16" in sys.argv,
    )
