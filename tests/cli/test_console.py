"""What stands behind the streams: pipes that close, disks that are full, streams that are not there, few characters."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from synth import demo
from tests.end_to_end.commands import SYNTH, synth

FULL = Path("/dev/full")
NAMES = ("日本", "Łódź", "naïve café", "крик", "tab\tand 'quotes'", "🎻 violin")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A data set that holds, and one of which a claim does not."""
    folder = tmp_path_factory.mktemp("console")
    synth("mix", "--speakers", "1-2", "--clips", "60/12/12", "-j", "1", "--out", folder / "good")
    shutil.copytree(folder / "good", folder / "bad")
    card = folder / "bad" / "README.md"
    card.write_text(card.read_text(encoding="utf-8").replace("CC0-1.0", "CC-BY-4.0"), encoding="utf-8")
    shards = sorted((folder / "bad" / "data").iterdir())
    shards[0].unlink()
    synth("audit", folder / "good", code=0)
    synth("audit", folder / "bad", code=1)
    return folder


def piped(command: str, folder: Path, reader: str) -> tuple[int, str]:
    """Run ``command | reader`` in a shell; return the command's exit status and what went to standard error."""
    python = f"'{sys.executable}' -m synth"
    script = f'{python} {command} | {reader} >/dev/null; echo "${{PIPESTATUS[0]}}" >&3'
    read, write = os.pipe()
    try:
        done = subprocess.run(
            ["bash", "-c", f"exec 3>&{write}; {script}"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
            pass_fds=[write],
        )
        os.close(write)
        with os.fdopen(read) as status:
            return int(status.read()), done.stderr
    finally:
        pass


READERS = ("head -1", "true", "head -c 5")
COMMANDS = {
    "audit good": 0,
    "audit bad": 1,
    "audit good --json": 0,
    "audit bad --json": 1,
    "verify good": 0,
    "verify bad": 1,
    "audit nowhere": 3,
    "mix --clips 1/2": 2,
    "--help": 0,
    "mix --help": 0,
    "--version": 0,
}


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("reader", READERS)
def test_a_reader_that_goes_away_changes_no_exit_code(made, command, reader):
    code, errors = piped(command, made, reader)
    assert code == COMMANDS[command]
    assert "Traceback" not in errors
    assert "Broken pipe" not in errors


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_work_is_finished_though_nobody_reads_of_it(made, tmp_path):
    code, _ = piped("mix --speakers 1-2 --clips 24/12/12 -j 1 --out set 2>&1", tmp_path, "true")
    assert code == 0
    assert json.loads((tmp_path / "set" / "audit.json").read_text())["holds"]


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
@pytest.mark.parametrize("command", ["audit good", "audit good --json", "verify good", "--help"])
def test_an_output_that_cannot_be_written_is_an_error_of_its_own(made, command):
    with FULL.open("w") as full:
        done = subprocess.run([*SYNTH, *command.split()], cwd=made, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 3
    assert "standard output" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert sum("Error: " in line for line in done.stderr.splitlines()) == 1


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
def test_a_full_disk_behind_standard_error_is_no_matter(made):
    with FULL.open("w") as full:
        done = subprocess.run([*SYNTH, "audit", "bad", "--json"], cwd=made, stderr=full, stdout=subprocess.PIPE)
    assert done.returncode == 1
    assert json.loads(done.stdout)["holds"] is False


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(("closed", "shows"), [(">&-", False), ("2>&-", True), ("<&-", True), ("<&- >&- 2>&-", False)])
def test_streams_that_are_closed_are_not_missed(made, tmp_path, closed, shows):
    line = f"'{sys.executable}' -m synth mix --speakers 1-2 --clips 24/12/12 -j 2 --out '{tmp_path}/set' {closed}"
    done = subprocess.run(["bash", "-c", line], cwd=made, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert ("claims hold" in done.stdout) == shows
    assert done.stderr == ""
    synth("audit", tmp_path / "set", code=0)


CONSOLES = {
    "C": {"LC_ALL": "C", "LANG": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "POSIX, UTF-8 mode": {"LC_ALL": "POSIX", "PYTHONUTF8": "1"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "ascii, strict": {"PYTHONIOENCODING": "ascii:strict"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "cp437": {"PYTHONIOENCODING": "cp437"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "narrow": {"TERM": "dumb", "COLUMNS": "20"},
}
LIKE_OTHERS = {"POSIX, UTF-8 mode", "ascii", "cp437", "latin-1"}  # much like C, strict ASCII and cp1252


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """Recordings in folders and of speakers whose names few consoles can show, a data set of them, and a missing path."""
    folder = tmp_path_factory.mktemp("names")
    rows = ["path,speaker_id,sex"]
    for number, file in enumerate(sorted(demo.folder().rglob("*-000[01].flac"))):
        samples, rate = soundfile.read(file, dtype="int16")
        speaker = number // 2
        name = f"{NAMES[speaker % len(NAMES)]} {speaker}/{number}.wav"
        (folder / "源" / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / "源" / name, np.flipud(samples), rate)
        quoted = name.replace('"', '""')
        rows.append(f'"{quoted}","{Path(quoted).parent}",{"FM"[speaker % 2]}')
    (folder / "源" / "leer ß.wav").write_bytes(b"")
    rows.append("leer ß.wav,ß,F")
    (folder / "t.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "console", [pytest.param(name, marks=[pytest.mark.slow] * (name in LIKE_OTHERS)) for name in CONSOLES]
)
def test_names_that_a_console_cannot_show_stop_nothing(named, tmp_path, console):
    env, out = CONSOLES[console], tmp_path / "Ausgabe ü"
    mixed = synth(
        *(
            "mix",
            "--source",
            "源",
            "--csv",
            "t.csv",
            "--speakers",
            "1-2",
            "--clips",
            "60/12/12",
            "-j",
            "1",
            "--out",
            out,
        ),
        cwd=named,
        **env,
    )
    assert "claims hold" in mixed.says
    for words in (("audit", out), ("verify", out), ("audit", out, "--json"), ("mix", "--help"), ("--help",)):
        synth(*words, cwd=named, code=0, **env)
    missing = synth("mix", "--source", "絵/ž", cwd=named, code=3, **env)
    assert "does not exist" in missing.says
    unknown = synth("ïndex", cwd=named, code=2, **env)
    assert "no command" in unknown.says


def test_what_cannot_be_shown_is_an_escape(named):
    found = subprocess.run(
        [*SYNTH, "index", "源", "--csv", "t.csv", "-o", "s.parquet"],
        cwd=named,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        check=True,
    )
    assert b"\\u6e90" in found.stdout
    assert "leer ß.wav".encode("cp1252") in found.stdout
