"""Every command that is printed runs as it is printed: the next step of each step, examples, what errors advise."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess

import numpy as np
import pytest
import soundfile

from synth import demo
from tests.cli.test_commands import run, says
from tests.end_to_end.commands import SYNTH, Done, synth

FOLDERS = ("plain", "my speech", 'it\'s a "test"', "$HOME & co", "ä (ö)")


def advised(done: Done) -> list[str]:
    """Return the command lines after ``Next:`` and the like."""
    return re.findall(r"(?:[Nn]ext|pictures|findings): (synth [^\n]*)", done.out + done.err)


def typed(command: str, cwd) -> Done:
    """Type a line into a shell, as it was printed."""
    line = command.replace("synth ", shlex.join(SYNTH) + " ", 1)
    ran = subprocess.run(["sh", "-c", line], cwd=cwd, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
    return Done(ran.returncode, ran.stdout, ran.stderr)


@pytest.fixture
def voices(tmp_path):
    def made(name: str):
        shutil.copytree(demo.folder(), tmp_path / name)
        return name

    return made


@pytest.mark.parametrize("name", FOLDERS)
def test_each_step_prints_the_next_and_it_runs(tmp_path, voices, name):
    """From the folder of recordings to the audit, typing nothing but what is printed."""
    (tmp_path / "tables of it").mkdir()
    out = f"tables of it/{name}.parquet"
    done = synth("index", voices(name), "--rate", 8000, "-o", out, cwd=tmp_path)
    for step in ("split", "plan", "render", "audit"):
        (command,) = advised(done)
        assert command.startswith(f"synth {step} ")
        done = typed(command, tmp_path)
    assert "FAILS" not in done.out


def test_labelled_clips_print_what_runs(tmp_path):
    (tmp_path / "my sounds").mkdir()
    lines = ["path,labels"]
    for number in range(20):
        tone = np.sin(np.arange(16000) / 16000 * 2 * np.pi * (300 + 40 * number))
        soundfile.write(tmp_path / "my sounds" / f"{number}.wav", 0.3 * tone, 16000)
        lines.append(f"{number}.wav,{'low' if number % 2 else 'high'}")
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    (command,) = advised(synth("index", "my sounds", "--csv", "t.csv", "-o", "my table.parquet", cwd=tmp_path))
    assert command.startswith("synth manifest ")
    (last,) = advised(typed(command, tmp_path))
    typed(last, tmp_path)


def test_a_first_look_does_not_stand_in_the_way_of_real_speech(tmp_path, voices):
    """What the demo prints for real speech is typed next, in the same folder."""
    first = synth("mix", "--speakers", "1-2", "--clips", "24/12/12", "-j", 1, cwd=tmp_path)
    assert (tmp_path / "demo-speakers-1-2" / "audit.json").exists()
    command = re.search(r"&& (synth mix [^\n]*)", first.out).group(1)
    assert command == "synth mix --speakers 1-2 --source LibriSpeech"
    voices("LibriSpeech")
    typed(f"{command} --clips 24/12/12 -j 1", tmp_path)
    assert (tmp_path / "speakers-1-2" / "audit.json").exists()
    (audit,) = advised(first)
    typed(audit, tmp_path)


def test_a_folder_that_is_taken_says_of_what_it_was_made(tmp_path, voices):
    words = ("mix", "--speakers", "1-2", "--clips", "24/12/12", "-j", 1, "--out", "my set")
    synth(*words, cwd=tmp_path)
    voices("Other")
    (next((tmp_path / "Other").rglob("*.flac"))).unlink()
    other = synth(*words, "--source", "Other", cwd=tmp_path, code=3)
    assert "it was made from demo-voices, not Other" in other.says
    seeded = synth(*words, "--seed", 4, cwd=tmp_path, code=3)
    assert "it was made with --seed 0, not 4" in seeded.says
    assert "digest" not in seeded.says
    command = re.search(r"To go on with it: (synth .*)", seeded.err).group(1)
    typed(f"{command} -j 1", tmp_path)


def test_a_file_of_a_data_set_is_told_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("mix", "--speakers", "1-2", "--clips", "24/12/12", "-j", 1, "--out", "crowd count").exit_code == 0
    for command in ("verify", "audit"):
        for file in ("README.md", "manifest.parquet", "data/train-00000-of-00001.parquet"):
            result = run(command, f"crowd count/{file}")
            assert result.exit_code == 3
            assert "did you mean the data set crowd count?" in says(result)
    result = run("audit", "nowhere at all")
    assert "synth mix --speakers 1-3 --out 'nowhere at all'" in says(result)


def test_the_words_alone_show_the_help_and_the_version():
    assert run().stdout == run("--help").stdout
    assert run().exit_code == 0
    assert re.fullmatch(r"synth, version \d+\.\d+\.\d+\n", run("--version").stdout)


@pytest.mark.parametrize("word", ["features", "show", "look", "export", "train", "download", "xyz"])
def test_a_word_that_is_near_to_none_gets_no_suggestion_and_a_full_stop(word):
    result = run(word)
    assert result.exit_code == 2
    assert f"no command '{word}'. All commands: synth --help" in says(result)


@pytest.mark.parametrize("name", ["split.parquet", "plan.parquet", "a.parquet"])
def test_what_is_printed_writes_over_nothing_that_it_reads(tmp_path, voices, name):
    """Whatever the tables are called, and where a folder has the name that a data set would get."""
    voices("speakers-1-3")
    done = synth("index", "speakers-1-3", "--rate", 8000, "-o", name, cwd=tmp_path)
    for _ in range(4):
        (command,) = advised(done)
        words = shlex.split(command)
        assert len(set(words)) == len(words)
        done = typed(command, tmp_path)
    assert not (tmp_path / "speakers-1-3" / "data").exists()


def test_recordings_of_which_nothing_is_known_are_not_sent_to_the_next_step(tmp_path):
    for number in range(3):
        (tmp_path / "my sounds").mkdir(exist_ok=True)
        soundfile.write(tmp_path / "my sounds" / f"{number}.wav", np.sin(np.arange(16000) / (9 + number)) / 3, 16000)
    done = synth("index", "my sounds", "-o", "my sounds.parquet", cwd=tmp_path)
    assert "No recording has a speaker or a label yet" in done.says
    command = re.search(r"then: (synth index .*)", done.out).group(1)
    (tmp_path / "TABLE.csv").write_text("path,labels\n0.wav,a\n1.wav,b\n2.wav,a\n")
    (manifest,) = advised(typed(command, tmp_path))
    assert manifest.endswith("-o 'my sounds-set'"), "and not into the folder of the recordings"
