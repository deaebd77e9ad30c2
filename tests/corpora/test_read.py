"""Which reader takes a folder, and what is said of folders that none can take."""

from __future__ import annotations

import os
import sys

import pytest

from synth.corpora import read
from synth.errors import InputError
from tests.corpora.trees import SPEAKERS, by_path, libri, odd, text, tree

TTS = "84/121123/84_121123_000007_000001"


def refused(root, *, noise=False) -> str:
    with pytest.raises(InputError) as caught:
        read(root, root.name, noise=noise)
    assert caught.value.exit_code == 3
    return str(caught.value)


class TestNothingToRead:
    def test_missing(self, tmp_path):
        message = refused(tmp_path / "gone")
        assert "does not exist" in message
        assert "wanted a folder of recordings" in message

    def test_a_file(self, tmp_path):
        message = refused(text(tmp_path / "x.tar.gz", ""))
        assert "is a file" in message
        assert f"the same command takes the folder that it lies in: {tmp_path}" in message

    @pytest.mark.parametrize("noise", [False, True])
    def test_no_audio(self, tmp_path, noise):
        message = refused(tree(tmp_path, "a.csv", "b/c.csv", "b/README", "._x.wav"), noise=noise)
        assert "2 .csv, 1 without an extension" in message
        assert "wanted files such as .flac" in message

    def test_archives_are_to_be_unpacked(self, tmp_path):
        assert "unpack dev-clean.tar.gz first" in refused(tree(tmp_path, "dev-clean.tar.gz"))

    @pytest.mark.parametrize("name", ["eval_segments.csv", "lists/unbalanced_train_segments.csv.xz", "my_segments.tsv"])
    def test_lists_are_no_audio(self, tmp_path, name):
        message = refused(tree(tmp_path, name, "class_labels_indices.csv"))
        assert f"synth fetch-audioset --csv {tmp_path / name} --label NAME" in message
        assert "unpack" not in message

    def test_empty(self, tmp_path):
        assert "found no files" in refused(tmp_path)

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
    def test_no_permission(self, tmp_path):
        (tmp_path / "x").mkdir(mode=0)
        assert "cannot be read" in refused(tmp_path / "x")


class TestLookalikes:
    @pytest.mark.parametrize(
        ("folder", "paths", "name"),
        [
            ("LibriTTS", [f"dev-clean/{TTS}.wav", "dev-clean/84/121123/84_121123.trans.tsv"], "LibriTTS (SLR60)"),
            ("LibriTTS_R", [f"dev-clean/{TTS}.wav", f"dev-clean/{TTS}.normalized.txt"], "LibriTTS-R (SLR141)"),
            ("x", [f"LibriTTS_R/dev-clean/{TTS}.wav"], "LibriTTS-R (SLR141)"),
            (
                "mls_german_opus",
                ["train/audio/1/2/1_2_000003.opus", "train/transcripts.txt", "metainfo.txt"],
                "MLS (SLR94)",
            ),
        ],
    )
    def test_they_are_named(self, tmp_path, folder, paths, name):
        root = tree(tmp_path / folder, *paths)
        text(root / "SPEAKERS.txt", SPEAKERS)
        message = refused(root)
        assert f"looks like {name}: 1 file like" in message
        assert "not read as LibriSpeech" in message
        assert "give it to the same command: --csv FILE" in message

    def test_libri_light(self, tmp_path):
        root = tree(tmp_path / "small", "100/sea_fairies/01_64kb.flac")
        sidecar = text(root / "100/sea_fairies/01_64kb.json", '{"speaker": "100", "voice_activity": [[0.1, 2.0]]}')
        assert "looks like Libri-Light" in refused(root)
        sidecar.write_text('{"title": "mine"}')
        assert read(root, "small").name == "folder"

    def test_as_noise_anything_goes(self, tmp_path):
        assert read(tree(tmp_path / "LibriTTS", f"{TTS}.wav"), "x", noise=True).name == "noise"


def test_two_corpora_in_one_folder(tmp_path):
    libri(tmp_path, "dev-clean/84/1/84-1-0000.flac")
    tree(tmp_path, "ravdess/Actor_01/03-01-01-01-01-01-01.wav")
    message = refused(tmp_path)
    assert "LibriSpeech/dev-clean/84/1/84-1-0000.flac" in message
    assert "ravdess/Actor_01/03-01-01-01-01-01-01.wav" in message


def test_two_unpacked_archives_side_by_side(tmp_path):
    libri(tmp_path / "a", "dev-clean/84/1/84-1-0000.flac")
    libri(tmp_path / "b", "train-clean-100/19/198/19-198-0000.flac")
    items = by_path(read(tmp_path, "x"))
    assert [(item.sex, item.subset) for item in items.values()] == [("F", "dev-clean"), ("F", "train-clean-100")]


class TestWalk:
    def test_loops_of_links_end(self, tmp_path):
        root = tree(tmp_path / "mine", "a/one.wav", "b/two.wav")
        (root / "a" / "up").symlink_to(root)
        (root / "a" / "b").symlink_to(root / "b")
        (root / "b" / "a").symlink_to(root / "a")
        (root / "self.wav").symlink_to(root / "self.wav")
        paths = list(by_path(read(root, "mine")))
        assert {"a/one.wav", "b/two.wav", "a/b/two.wav", "b/a/one.wav"} <= set(paths)
        assert len(paths) < 10

    def test_links_that_lead_nowhere_are_listed(self, tmp_path):
        root = tree(tmp_path / "mine", "one.wav")
        (root / "two.wav").symlink_to(root / "gone")
        assert list(by_path(read(root, "mine"))) == ["one.wav", "two.wav"]

    @pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux only")
    def test_names_that_are_no_utf8(self, tmp_path):
        root = tree(tmp_path / "mine", "one.wav")
        for name in (b"\xe4.wav", b"caf\xe9/two.wav"):
            tree(root, os.fsdecode(name))
        corpus = read(root, "mine")
        items = by_path(corpus)
        assert {path: item.status for path, item in items.items()} == {
            "\\xe4.wav": "bad-name",
            "caf\\xe9/two.wav": "bad-name",
            "one.wav": "ok",
        }
        assert odd(corpus)["name-not-utf8"].count == 2
        for oddity in corpus.oddities:
            oddity.example.encode("utf-8")

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
    def test_pipes_are_no_files(self, tmp_path):
        root = tree(tmp_path / "mine", "one.wav")
        os.mkfifo(root / "pipe.wav")
        assert list(by_path(read(root, "mine"))) == ["one.wav"]
