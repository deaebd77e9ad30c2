"""Finding, reading and refusing checkpoints."""

from __future__ import annotations

import importlib.util
import json
import pickle
import shutil
import sys
import zipfile

import numpy as np
import pytest

from synth.cleaning.clap import keymap, places, sounds, weights
from synth.cleaning.clap.engine import Transformers
from synth.errors import InputError, UsageError
from tests.cleaning import judges

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
from tests.cleaning import published  # noqa: E402  # needs torch

OFFLINE = """
from synth.cleaning.clap import places
from synth.errors import InputError
try:
    places.find({name!r})
except InputError as error:
    print(error)
else:
    raise SystemExit("found")
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SYNTH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))


@pytest.fixture
def laion_file(tmp_path):
    """The tiny model under LAION's names, with its tokenizer beside it."""
    made = weights.model(places.find(str(judges.TINY)))
    for name in judges.WORDS:
        shutil.copyfile(judges.TINY / name, tmp_path / name)
    published.write(published.laion_names(made.state_dict()), tmp_path / "tiny.pt")
    return tmp_path / "tiny.pt"


@pytest.mark.parametrize("name", list(places.PUBLISHED))
def test_offline_with_an_empty_cache_it_says_what_to_download_and_where_to_put_it(name, tmp_path):
    done = judges.offline(OFFLINE.format(name=name), tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert f"https://huggingface.co/lukewys/laion_clap/resolve/main/{name}.pt" in done.stdout
    assert str(tmp_path / "home" / "cache" / "clap" / f"{name}.pt") in done.stdout
    assert str(tmp_path / "home" / "cache" / "clap" / "roberta-base") in done.stdout
    assert "vocab.json" in done.stdout


def test_loading_and_embedding_ask_no_network(tmp_path):
    code = f"""
from synth.cleaning.clap import places, sounds
from synth.cleaning.clap.engine import Transformers
engine = Transformers(places.find({str(judges.TINY)!r}), device="cpu")
print(engine.audio([sounds.sound("bell", 0, 1.0)]).shape, engine.text(["a bell"]).shape)
"""
    done = judges.offline(code, tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert "(1, 64) (1, 64)" in done.stdout


def test_published_names_are_found_where_the_message_says(laion_file, tmp_path):
    folder = places.own_folder()
    (folder / "roberta-base").mkdir(parents=True)
    shutil.copyfile(laion_file, folder / "630k-best.pt")
    with pytest.raises(InputError, match="not the tokenizer"):
        places.find("630k-best")
    for name in judges.WORDS:
        shutil.copyfile(judges.TINY / name, folder / "roberta-base" / name)
    found = places.find("630k-best")
    assert found.weights == folder / "630k-best.pt"
    assert len(found.sha256) == 64
    assert places.find("630k-best") == found
    hub = tmp_path / "hub" / "hub" / "models--laion--clap-htsat-unfused" / "snapshots" / "abc"
    shutil.copytree(judges.TINY, hub)
    assert places.find("630k-audioset-best").config == hub / "config.json"


def test_laions_file_and_the_hub_directory_are_the_same_model(laion_file):
    one = Transformers(places.find(str(judges.TINY)), device="cpu")
    other = Transformers(places.find(str(laion_file)), device="cpu")
    heard = [sounds.sound("guitar", 2, 4.0), sounds.sound("beep", 1, 10.0)]
    assert np.abs(one.audio(heard) - other.audio(heard)).max() < 1e-6
    assert np.abs(one.text(["a bell"]) - other.text(["a bell"])).max() < 1e-6


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("how", ["zip", "legacy", "hub"])
def test_a_file_that_would_run_code_is_refused_unless_asked_for(how, laion_file, tmp_path):
    mark = tmp_path / "ran"
    state = weights.state(laion_file)
    content = {"state_dict": state, "bomb": Bomb(mark)}
    path = tmp_path / "bad.pt"
    if how == "hub":
        path = judges.copy(tmp_path / "hubdir") / "pytorch_model.bin"
        (path.parent / "model.safetensors").unlink()
        content = {"state_dict": weights.model(places.find(str(judges.TINY))).state_dict(), "bomb": Bomb(mark)}
    torch.save(content, path, _use_new_zipfile_serialization=how != "legacy")
    asked = str(path.parent if how == "hub" else path)
    with pytest.raises(InputError, match=r"(?s)refused.*--allow-pickle"):
        weights.model(places.find(asked))
    assert not mark.exists()
    weights.model(places.find(asked), allow_pickle=True)
    assert mark.exists()


def _cut(path):
    path.write_bytes(path.read_bytes()[:-5000])


def _noise(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 200_000] = b"\xff" * 200_000  # among the tensors
    path.write_bytes(bytes(data))


def _page(path):
    path.write_text("<!doctype html><title>404</title>" * 100)


def _empty(path):
    path.write_bytes(b"")


def _other(path):
    torch.save({"state_dict": {"layer.weight": torch.ones(3)}}, path)


def _list(path):
    torch.save([1, 2, 3], path)


def _plain(path):
    path.write_bytes(pickle.dumps({"a": 1}, protocol=4))


@pytest.mark.parametrize("damage", [_cut, _noise, _page, _empty, _other, _list, _plain])
@pytest.mark.parametrize("allow", [False, True])
def test_a_damaged_file_is_refused(damage, allow, laion_file):
    damage(laion_file)
    with pytest.raises(InputError, match=str(laion_file)[-8:]) as caught:
        weights.model(places.find(str(laion_file)), allow_pickle=allow)
    assert len(str(caught.value)) < 900


@pytest.mark.parametrize("damage", [_cut, _page, _empty])
def test_a_damaged_hub_directory_is_refused(damage, tmp_path):
    folder = judges.copy(tmp_path / "damaged")
    damage(folder / "model.safetensors")
    with pytest.raises(InputError, match=r"model\.safetensors"):
        weights.model(places.find(str(folder)))


def test_no_tensor_may_be_missing_or_left_over(laion_file, tmp_path):
    state = weights.state(laion_file)
    lacking = {name: tensor for name, tensor in state.items() if "layers.1.blocks.0.norm2" not in name}
    published.write(keymap.stripped(lacking), laion_file)
    with pytest.raises(InputError, match=r"lacks 2 tensors.*layernorm_after"):
        weights.model(places.find(str(laion_file)))
    # a deeper ear than the configuration says: what a lenient reader drops in silence
    folder = judges.copy(tmp_path / "deeper")
    config = json.loads((folder / "config.json").read_text())
    config["audio_config"]["depths"] = [1, 1]
    config["audio_config"]["num_attention_heads"] = [1, 2]
    config["audio_config"]["num_hidden_layers"] = 2
    config["audio_config"]["hidden_size"] = 64
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"has left over|does not fit"):
        weights.model(places.find(str(folder)))


def test_fusion_models_are_refused_by_name_and_by_content(laion_file, tmp_path):
    with pytest.raises(UsageError, match="fusion"):
        places.find("630k-fusion-best")
    state = keymap.stripped(weights.state(laion_file))
    published.write({**state, "audio_branch.patch_embed.mel_conv2d.weight": torch.zeros(2)}, laion_file)
    with pytest.raises(InputError, match="fusion model"):
        weights.model(places.find(str(laion_file)))
    folder = judges.copy(tmp_path / "fused")
    config = json.loads((folder / "config.json").read_text())
    config["audio_config"]["enable_fusion"] = True
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="fusion model"):
        weights.model(places.find(str(folder)))


def test_the_sizes_are_read_off_the_weights():
    """Of LAION's two ears, without building them."""
    for width, depths, top in ((96, [2, 2, 6, 2], 768), (128, [2, 2, 12, 2], 1024)):
        heads = [4, 8, 16, 32]
        state = {
            "audio_branch.patch_embed.proj.weight": torch.empty(width, 1, 4, 4, device="meta"),
            "audio_branch.bn0.weight": torch.empty(64, device="meta"),
            "audio_branch.norm.weight": torch.empty(top, device="meta"),
            "audio_projection.2.weight": torch.empty(512, 512, device="meta"),
            "text_branch.embeddings.word_embeddings.weight": torch.empty(50265, 768, device="meta"),
            "text_branch.embeddings.position_embeddings.weight": torch.empty(514, 768, device="meta"),
            "text_branch.encoder.layer.11.output.dense.weight": torch.empty(768, 3072, device="meta"),
            "text_branch.encoder.layer.0.intermediate.dense.weight": torch.empty(3072, 768, device="meta"),
        }
        for stage, depth in enumerate(depths):
            for block in range(depth):
                name = f"audio_branch.layers.{stage}.blocks.{block}."
                state[name + "attn.relative_position_bias_table"] = torch.empty(225, heads[stage], device="meta")
                state[name + "mlp.fc1.weight"] = torch.empty(4 * width << stage, width << stage, device="meta")
        found = keymap.sizes(state, "ears")
        assert found["audio_config"]["depths"] == depths
        assert found["audio_config"]["num_attention_heads"] == heads
        assert found["audio_config"]["window_size"] == 8
        assert found["audio_config"]["mlp_ratio"] == 4
        assert found["audio_config"]["hidden_size"] == top
        assert found["text_config"]["num_attention_heads"] == 12
        assert found["text_config"]["num_hidden_layers"] == 12


def test_values_that_are_no_numbers_are_refused(laion_file):
    state = keymap.stripped(weights.state(laion_file))
    state["audio_branch.norm.weight"] = torch.full_like(state["audio_branch.norm.weight"], float("nan"))
    published.write(state, laion_file)
    with pytest.raises(InputError, match="no numbers"):
        weights.model(places.find(str(laion_file)))


@pytest.mark.parametrize("asked", ["630k-bset", "nowhere/model.pt", "model.pt"])
def test_what_is_not_there_is_named(asked):
    with pytest.raises((UsageError, InputError), match=asked):
        places.find(asked)


def test_a_folder_without_its_files_says_which(tmp_path):
    folder = judges.copy(tmp_path / "half")
    (folder / "vocab.json").unlink()
    with pytest.raises(InputError, match="no tokenizer"):
        places.find(str(folder))
    (folder / "config.json").unlink()
    with pytest.raises(InputError, match=r"config\.json"):
        places.find(str(folder))


def test_the_archive_of_a_checkpoint_is_not_changed_by_reading(laion_file):
    before = laion_file.read_bytes()
    weights.model(places.find(str(laion_file)))
    assert laion_file.read_bytes() == before
    assert zipfile.is_zipfile(laion_file)


@pytest.mark.skipif(importlib.util.find_spec("laion_clap") is not None, reason="laion_clap is installed")
def test_the_second_engine_says_how_to_install_it():
    from pathlib import Path

    from synth.cleaning.clap import laion

    before = Path.cwd()
    with pytest.raises(InputError, match=r"pip install 'synth\[laion-clap\]'"):
        laion.module(tuple(judges.TINY / name for name in judges.WORDS), "HTSAT-tiny", "cpu")
    assert Path.cwd() == before
    assert "torchvision" not in sys.modules or importlib.util.find_spec("torchvision")
