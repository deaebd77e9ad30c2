"""A final name holds a whole file or nothing."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from synth.errors import InputError
from synth.store.atomic import PREFIX, clean, replacing


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_ends_well_has_its_final_name(tmp_path):
    with replacing(tmp_path / "new" / "a") as temporary:
        temporary.write_text("x")
        assert names(tmp_path / "new") == [temporary.name]
        assert temporary.name.startswith(PREFIX)
    assert (tmp_path / "new" / "a").read_text() == "x"
    assert names(tmp_path / "new") == ["a"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, OSError])
@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize("before", [None, "old"])
def test_what_ends_badly_leaves_what_was_there(tmp_path, error, folder, before):
    target = tmp_path / "a"
    if before:
        target.write_text(before)
    with pytest.raises(error), replacing(target) as temporary:
        if folder:
            temporary.mkdir()
            (temporary / "b").write_text("half")
        else:
            temporary.write_text("half")
        raise error
    assert names(tmp_path) == (["a"] if before else [])
    assert not before or target.read_text() == before


def test_nothing_written_is_no_empty_file(tmp_path):
    with pytest.raises(OSError), replacing(tmp_path / "a"):  # whichever the system raises
        pass
    assert names(tmp_path) == []


@pytest.mark.parametrize("before", [None, "file", "folder"])
def test_a_folder_takes_the_place_of_what_was_there(tmp_path, before):
    target = tmp_path / "a"
    if before == "folder":
        target.mkdir()
        (target / "old").write_text("x")
    if before == "file":
        pytest.skip("a folder never takes the place of a file: shards have other names in either store")
    with replacing(target) as temporary:
        temporary.mkdir()
        (temporary / "new").write_text("y")
    assert names(target) == ["new"]
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize(
    ("number", "why", "cure"),
    [
        (errno.ENOSPC, "the disk is full", "Make room and"),
        (errno.EDQUOT, r"the disk is full for you \(a quota\)", "within the quota"),
        (
            errno.EFBIG,
            r"the disk is full for a file so large \(ulimit -f, or a file system such as FAT32\)",
            "Raise the limit",
        ),
    ],
)
def test_a_full_disk_says_how_much_is_left(tmp_path, number, why, cure):
    says = why + r": .*a could not be written \([\d.]+ [kMGT]B left there\).* " + cure
    with pytest.raises(InputError, match=says), replacing(tmp_path / "a") as temporary:
        temporary.write_text("half")
        raise OSError(number, "full")
    assert names(tmp_path) == []


def test_a_killed_process_leaves_no_final_name_and_the_next_one_cleans_up(tmp_path):
    code = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from synth.store.atomic import replacing
        with replacing(Path(sys.argv[1]) / "deep" / "a") as temporary:
            temporary.write_text("half")
            print("ready", flush=True)
            time.sleep(60)
        """
    )
    child = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait(10)
    child.stdout.close()
    (left,) = (tmp_path / "deep").iterdir()
    assert left.name.startswith(PREFIX)
    (tmp_path / "deep" / "kept").write_text("x")
    clean(tmp_path)
    assert names(tmp_path / "deep") == ["kept"]
