"""Every command and every snippet of the README, run as it stands there."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from synth import demo
from tests.audio.media import encoded, noise
from tests.end_to_end.test_accordion import lists, name
from tests.fetching.server import Site, Video

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.S)
SETUP = re.search(r"<!-- setup -->(.*?)<!-- /setup -->", README, re.S)
ARCHIVES = ("synth fetch-librispeech", "synth fetch-ravdess")
NOWHERE = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
SMALL = "--clips 90/18/18"  # instead of 120,000 clips


def shell_commands() -> list[str]:
    """Return the README's shell commands in order, but for the set-up (which .ci/run runs)."""
    found = []
    for language, text in BLOCKS:
        lines = [line for line in text.splitlines() if line.startswith("synth ")] if language == "sh" else []
        found += lines or [line[2:] for line in text.splitlines() if line.startswith("$ synth ")]
    inline = re.findall(r"`(synth [^`]*)`", re.sub(r"```.*?```", "", README, flags=re.S))
    return list(dict.fromkeys([*found, *(command.replace("\n", " ") for command in inline)]))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder as the README assumes it: LibriSpeech beside it (the demo voices have its layout), recordings with a CSV."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "LibriSpeech").symlink_to(demo.folder())
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "LibriSpeech").symlink_to(demo.folder())
    (folder / "recipes").symlink_to(ROOT / "recipes")
    own = folder / "my-recordings"
    own.mkdir()
    rows = ["path,speaker_id,sex"]
    for number, file in enumerate(sorted(demo.folder().rglob("*-0000.flac"))):
        samples, rate = soundfile.read(file, dtype="int16")
        soundfile.write(own / f"{number}.wav", np.flipud(samples), rate)  # backwards: other recordings than the voices
        rows.append(f"{number}.wav,{number},{'FM'[number % 2]}")
    (folder / "speakers.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    sounds = folder / "my-sounds"
    sounds.mkdir()
    rows = ["path,labels,group_id"]
    for number in range(24):
        tone = np.sin(np.arange(4 * 16000) / 16000 * 2 * np.pi * (300 + 40 * number))
        soundfile.write(sounds / f"{number}.wav", 0.3 * tone, 16000)
        rows.append(f"{number}.wav,{'high;tone' if number % 2 else 'low'},{number // 2}")
    (folder / "sounds.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "nowhere").mkdir()
    return folder


@pytest.fixture(scope="module")
def site():
    """Videos with an accordion, on a server on this machine."""
    videos = {name(k): Video(encoded("webm", noise(12, 48000, seed=k)), 12) for k in range(0, 30, 3)}
    with Site(videos) as found:
        yield found


def ran(place, command: str, env: dict[str, str]) -> subprocess.CompletedProcess:
    """Run a command of the README, at the size and the pace of a test; archives come from a network that is not there."""
    archive = command.startswith(ARCHIVES)
    command = re.sub(r"--clips 100000/10000/10000", SMALL, command).replace("/elsewhere/", "elsewhere/")
    command = command.replace("FOLDER", "demo-speakers-1-3")
    if command.startswith("synth fetch-audioset") and "--dry-run" not in command:
        command += " --pace 1000000/h"
    elif command.startswith("synth run"):
        command += " --dry-run"
    elif "--recipe" in command or "--source my-recordings" in command:
        command += f" {SMALL} --out {'recipe' if '--recipe' in command else 'own'}"
    elif SMALL in command:
        command += " --out small"
    words = [sys.executable, "-m", "synth", *shlex.split(command, comments=True)[1:]]
    if "--scores scores.csv" in command:
        rows = pq.read_table(place / "accordion-audio" / "sources.parquet").column("path").to_pylist()
        lines = [f"{path},Accordion,{0.1 * k}" for k, path in enumerate(rows)]
        (place / "scores.csv").write_text("path,label,score\n" + "\n".join(lines) + "\n")
    if command.startswith("synth review"):
        return reviewed(words, place, env)
    if archive or "--checkpoint" in command:
        folder = place / "nowhere" if archive else place
        done = subprocess.run(words, cwd=folder, env={**env, **NOWHERE}, capture_output=True, text=True)
        assert done.returncode == 3, f"{command}\n{done.stdout}\n{done.stderr}"
        assert ("by hand" if archive else "Download") in done.stderr
        return done
    done = subprocess.run(words, cwd=place, env=env, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


def reviewed(words: list[str], place: Path, env: dict[str, str]) -> subprocess.CompletedProcess:
    """Open the review, and end it as its user does."""
    process = subprocess.Popen(
        [*words, "--no-browser"], cwd=place, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    next(line for line in process.stderr if "http://127.0.0.1" in line)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return subprocess.CompletedProcess(words, 0, out, err)


@pytest.fixture(scope="module")
def sessions(place, site, tmp_path_factory):
    """What each command printed; run in the order of the README, with a cache of their own that has AudioSet's lists."""
    cache = tmp_path_factory.mktemp("readme-cache")
    lists(cache / "audioset")
    env = {**site.environment(place / "site"), "SYNTH_CACHE_DIR": str(cache)}
    return {command: ran(place, command, env).stdout for command in shell_commands()}


def test_every_command_runs(sessions):
    assert len(sessions) > 10
    assert "synth mix --speakers 1-3" in sessions
    assert any(command.startswith("synth verify") for command in sessions)


def test_the_session_prints_what_the_readme_shows(sessions):
    shown = next(text for language, text in BLOCKS if language == "console" and "demo-voices" in text)
    lines = shown.splitlines()
    assert lines[0] == "$ synth mix --speakers 1-3"
    printed = sessions["synth mix --speakers 1-3"].splitlines()
    assert len(printed) == len(lines) - 1
    for ours, theirs in zip(lines[1:], printed, strict=True):
        if "to render" not in ours:  # the time that is expected depends on the cores
            assert ours == theirs


def test_the_snippets_run(sessions, place, tmp_path):
    snippets = [text for language, text in BLOCKS if language == "python"]
    assert len(snippets) == 3
    env = {**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}
    for text in snippets:
        done = subprocess.run([sys.executable, "-c", text], cwd=place, env=env, capture_output=True, text=True)
        assert done.returncode == 0, f"{text}\n{done.stderr}"
    assert "torch.Size([32, 16000])" in done.stdout


def test_the_python_interface_is_as_shown(sessions, place, monkeypatch):
    import synth

    call = re.search(r"`(synth\.mix\([^`]*\))`", README).group(1)
    monkeypatch.chdir(place)
    done = eval(call, {"synth": synth})  # resumes the folder that the step-by-step commands made
    assert done.audited.holds
    assert done.rendered.clips == {"train": 3600, "val": 360, "test": 360}


def test_the_set_up_is_two_commands():
    commands = [line for line in SETUP.group(1).strip().splitlines() if line and not line.startswith("```")]
    assert commands == ["pip install . && synth mix --speakers 1-3", 'pip install -e ".[test]" && pytest -n 2']


def test_the_recipe_equals_its_command_line():
    import tomllib

    from synth.recipe import MixOptions, mix_options

    table = tomllib.loads((ROOT / "recipes" / "crowd-count.toml").read_text(encoding="utf-8"))["mix"]
    command = next(command for command in shell_commands() if "100000" in command)
    words = shlex.split(command)[2:]
    given = dict(zip([word.removeprefix("--") for word in words[::2]], words[1::2], strict=True))
    by_line = MixOptions().with_changes({**given, "source": (given["source"],)})
    assert mix_options(table, "recipe") == by_line
