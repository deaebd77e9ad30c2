"""LibriSpeech as published, mini LibriSpeech, and the copies that circulate."""

from __future__ import annotations

import shutil
import time

import pytest

from synth.corpora import read
from synth.errors import InputError
from tests.corpora.trees import HEADER, SPEAKERS, by_path, libri, odd, text, tree
from tests.real_data import DATA, needs_data

U = "train-clean-100/19/198/19-198-000"


@needs_data
class TestRealFiles:
    def test_every_utterance_has_speaker_sex_chapter_subset_and_text(self):
        corpus = read(DATA / "LibriSpeech", "LibriSpeech")
        items = by_path(corpus)
        assert (corpus.name, corpus.licence) == ("librispeech", "CC-BY-4.0")
        assert len(items) == 207
        assert all(item.status == "ok" and item.utterance_text for item in items.values())
        first = items["train-clean-100/19/198/19-198-0000.flac"]
        assert (first.speaker_id, first.group_id, first.sex) == ("librispeech/19", "librispeech/19", "F")
        assert (first.chapter, first.subset, first.utterance_text) == ("198", "train-clean-100", "NORTHANGER ABBEY")
        women = {item.speaker_id for item in items.values() if item.sex == "F"}
        men = {item.speaker_id for item in items.values() if item.sex == "M"}
        assert (len(women), len(men), len(women & men)) == (13, 13, 0)
        assert list(odd(corpus)) == ["speakers-pipe-in-name"]

    def test_mini_librispeech_is_named_and_its_subset_comes_from_the_folder(self):
        corpus = read(DATA / "LibriSpeech" / "train-clean-5", "mini")
        assert corpus.title == "Mini LibriSpeech (SLR31)"
        assert {item.subset for item in corpus.items} == {"train-clean-5"}
        assert {item.sex for item in corpus.items} == {"F", "M"}
        assert all((DATA / "LibriSpeech" / "train-clean-5" / item.path).is_file() for item in corpus.items)

    @pytest.mark.parametrize("below", ["train-clean-100", "train-clean-100/19", "train-clean-100/19/198"])
    def test_a_part_of_the_corpus_finds_the_table_above(self, below):
        whole = {item.path: item for item in read(DATA / "LibriSpeech", "x").items}
        part = read(DATA / "LibriSpeech" / below, "x").items
        assert part
        for item in part:
            same = whole[f"{below}/{item.path}"]
            assert (item.speaker_id, item.sex, item.chapter, item.subset) == (
                (same.speaker_id, same.sex, same.chapter, same.subset)
            )
            assert item.utterance_text == same.utterance_text

    def test_the_folder_above_and_links(self, tmp_path):
        (tmp_path / "LibriSpeech").symlink_to(DATA / "LibriSpeech")
        items = by_path(read(tmp_path, "data"))
        assert items["LibriSpeech/train-clean-100/19/198/19-198-0000.flac"].sex == "F"
        (tmp_path / "five").symlink_to(DATA / "LibriSpeech" / "train-clean-5")
        assert len(read(tmp_path / "five", "five").items) == 171

    def test_mac_litter_and_each_utterance_twice(self, tmp_path):
        root = tmp_path / "LibriSpeech"
        shutil.copytree(DATA / "librispeech_variants" / "mac_litter", root)
        shutil.copy(DATA / "LibriSpeech" / "SPEAKERS.TXT", root)
        corpus = read(root, "LibriSpeech")
        items = by_path(corpus)
        folder = "train-clean-100/19/198/"
        assert {path.removeprefix(folder): item.status for path, item in items.items()} == {
            "._19-198-0040.wav": "litter",
            "19-198-0000.flac": "ok",
            "19-198-0000.wav": "duplicate",
            "19-198-0008.flac": "ok",
            "19-198-0008.wav": "duplicate",
        }
        kinds = odd(corpus)
        assert kinds["litter"].count == 4
        assert kinds["duplicate"].count == 2
        lines = (root / folder / "19-198.trans.txt").read_text().splitlines()
        assert kinds["transcript-without-audio"].count == len(lines) - 2

    def test_pointers_are_left_to_the_decoder(self, tmp_path):
        root = tmp_path / "LibriSpeech"
        shutil.copytree(DATA / "librispeech_variants" / "lfs_pointers", root)
        shutil.copy(DATA / "LibriSpeech" / "SPEAKERS.TXT", root)
        corpus = read(root, "LibriSpeech")
        assert [item.status for item in corpus.items] == ["ok"] * 3
        assert all(item.utterance_text for item in corpus.items)
        assert odd(corpus)["transcript-without-audio"].count == 12

    @pytest.mark.parametrize(
        ("name", "kinds"),
        [
            ("eight_sexes_changed_pipes_out", {"speakers-sexes-changed": 8}),
            ("no_comment_lines", {"speakers-sexes-changed": 8, "speakers-no-comments": 1}),
            (
                "spaces_taken_out",
                {"speakers-header": 1, "speakers-no-comments": 1, "speakers-no-spaces": 1},
            ),
        ],
    )
    def test_circulating_tables_are_read_and_their_oddities_named(self, tmp_path, name, kinds):
        root = tree(tmp_path / "LibriSpeech", "train-clean-360/14/208/14-208-0000.flac", U + "0.flac")
        shutil.copy(DATA / "librispeech_variants" / f"SPEAKERS.{name}.TXT", root / "SPEAKERS.TXT")
        corpus = read(root, "LibriSpeech")
        assert by_path(corpus)["train-clean-360/14/208/14-208-0000.flac"].sex == "F"
        found = {kind: oddity.count for kind, oddity in odd(corpus).items() if kind.startswith("speakers-")}
        found.pop("speakers-pipe-in-name", None)
        assert found == kinds

    def test_the_official_table_has_the_official_sexes(self):
        assert "speakers-sexes-changed" not in odd(read(DATA / "LibriSpeech", "x"))


class TestOddities:
    def test_a_speaker_who_is_in_no_table(self, tmp_path):
        root = libri(tmp_path, U + "0.flac", "train-clean-100/7/1/7-1-0000.flac", "train-clean-100/7/1/7-1-0001.flac")
        corpus = read(root, "x")
        item = by_path(corpus)["train-clean-100/7/1/7-1-0001.flac"]
        assert (item.status, item.speaker_id, item.sex) == ("unknown-speaker", "librispeech/7", None)
        assert odd(corpus)["unknown-speaker"].count == 1
        assert by_path(corpus)[U + "0.flac"].status == "ok"

    def test_a_speaker_without_a_sex(self, tmp_path):
        root = libri(tmp_path, U + "0.flac", table=HEADER + "19 | ? | train-clean-100 | 1 | Kara\n")
        corpus = read(root, "x")
        assert corpus.items[0].status == "unknown-sex"
        assert odd(corpus)["speakers-sex"].count == 1

    def test_speaker_60_is_there(self, tmp_path):
        corpus = read(libri(tmp_path, "train-clean-100/60/1/60-1-0000.flac"), "x")
        assert corpus.items[0].sex == "M"
        assert odd(corpus)["speakers-pipe-in-name"].example == "60: |CBW|Simon"

    def test_a_name_that_disagrees_with_its_folder_is_not_used(self, tmp_path):
        corpus = read(libri(tmp_path, U + "0.flac", "train-clean-100/19/198/84-208-0002.flac"), "x")
        item = by_path(corpus)["train-clean-100/19/198/84-208-0002.flac"]
        assert (item.status, item.speaker_id) == ("bad-name", None)
        assert "84-208-0002" in item.reason
        assert "19/198" in item.reason
        assert odd(corpus)["id-and-folder"].count == 1

    def test_transcripts_missing_in_part_or_whole(self, tmp_path):
        root = libri(tmp_path, U + "0.flac", U + "1.flac", "dev-clean/84/1/84-1-0000.flac")
        text(root / "train-clean-100/19/198/19-198.trans.txt", "19-198-0000 ONE TWO\r\n19-198-0009 GONE\r\nnoise\r\n")
        corpus = read(root, "x")
        texts = {path.rpartition("/")[2]: item.utterance_text for path, item in by_path(corpus).items()}
        assert texts == {"19-198-0000.flac": "ONE TWO", "19-198-0001.flac": None, "84-1-0000.flac": None}
        assert all(item.status == "ok" for item in corpus.items)
        kinds = {kind: oddity.count for kind, oddity in odd(corpus).items()}
        assert kinds["transcript-missing"] == kinds["transcript-line-missing"] == kinds["transcript-without-audio"] == 1

    def test_names(self, tmp_path):
        corpus = read(libri(tmp_path, U + "0.FLAC", U + "1.flac", "train-clean-100/19/198/intro.mp3"), "x")
        items = by_path(corpus)
        assert items[U + "0.FLAC"].status == "ok"
        assert items["train-clean-100/19/198/intro.mp3"].status == "bad-name"
        assert odd(corpus)["extension-case"].count == odd(corpus)["bad-name"].count == 1

    def test_contradicting_rows_give_no_sex(self, tmp_path):
        corpus = read(libri(tmp_path, U + "0.flac", table=SPEAKERS + "19 | M | train-clean-100 | 1 | Kara\n"), "x")
        assert corpus.items[0].status == "unknown-sex"
        assert "speakers-contradiction" in odd(corpus)

    def test_no_subset_folder(self, tmp_path):
        items = by_path(read(libri(tmp_path, "19/198/19-198-0000.flac"), "x"))
        assert items["19/198/19-198-0000.flac"].subset is None

    def test_a_flat_folder_of_utterances(self, tmp_path):
        item = read(libri(tmp_path, "19-198-0000.flac"), "x").items[0]
        assert (item.speaker_id, item.chapter, item.subset, item.sex) == ("librispeech/19", "198", None, "F")


class TestTable:
    @pytest.mark.parametrize("name", ["SPEAKERS.txt", "speakers.txt", "Speakers.Txt"])
    def test_its_name_in_any_case(self, tmp_path, name):
        root = tree(tmp_path / "LibriSpeech", U + "0.flac")
        text(root / name, SPEAKERS)
        assert read(root, "x").items[0].sex == "F"

    def test_missing_table_says_where_it_was_looked_for(self, tmp_path):
        root = tree(tmp_path / "LibriSpeech", U + "0.flac")
        with pytest.raises(InputError) as caught:
            read(root, "x")
        message = str(caught.value)
        assert str(root) in message
        assert "openslr.org/12" in message
        assert "to the same command: --csv FILE" in message

    def test_a_table_of_something_else_is_shown(self, tmp_path):
        with pytest.raises(InputError, match="version https://git-lfs"):
            read(libri(tmp_path, U + "0.flac", table="version https://git-lfs.github.com/spec/v1\nsize 125034\n"), "x")


class TestCorpusToml:
    def test_another_corpus_of_the_same_layout(self, tmp_path):
        root = libri(tmp_path, "demo/19/198/19-198-0000.flac")
        text(root / "corpus.toml", 'name = "voices"\nlicence = "CC0-1.0"\nattribution = "nobody"\n')
        corpus = read(root / "demo", "x")
        assert (corpus.name, corpus.title, corpus.licence, corpus.attribution) == (
            "voices",
            "voices",
            "CC0-1.0",
            "nobody",
        )
        assert (corpus.items[0].speaker_id, corpus.items[0].group_id) == ("voices/19", "voices/19")

    def test_a_licence_that_cannot_be_read_is_said(self, tmp_path):
        root = libri(tmp_path, U + "0.flac")
        text(root / "corpus.toml", 'licence = "as you like it"\n')
        corpus = read(root, "x")
        assert corpus.licence == "LicenseRef-unknown"
        assert odd(corpus)["licence-unknown"].example == "corpus.toml: 'as you like it'"

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            ('nmae = "x"', "did you mean 'name'"),
            ("licence = 3", "wanted a text"),
            ('name = "noise"', "background noise"),
            ('name = "a/b"', "wanted letters"),
            ("name = ", "cannot be read"),
        ],
    )
    def test_mistakes(self, tmp_path, content, says):
        root = libri(tmp_path, U + "0.flac")
        text(root / "corpus.toml", content)
        with pytest.raises(InputError, match=says):
            read(root, "x")


def test_a_corpus_of_the_size_of_train_clean_100_is_read_in_seconds(tmp_path):
    chapters, each = 200, 49
    rows = "".join(f"{k} | {'FM'[k % 2]} | train-clean-100 | 25.0 | N\n" for k in range(1, chapters + 1))
    root = tmp_path / "LibriSpeech"
    for speaker in range(1, chapters + 1):
        folder = root / "train-clean-100" / str(speaker) / "1000"
        folder.mkdir(parents=True)
        for n in range(each):
            (folder / f"{speaker}-1000-{n:04d}.flac").touch()
    text(root / "SPEAKERS.TXT", HEADER + rows)
    start = time.perf_counter()
    corpus = read(root, "x")
    assert len(corpus.items) == chapters * each
    assert time.perf_counter() - start < 2
