"""One writer at a time; a lock names its owner and dies with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from synth.errors import InputError
from synth.store.locks import writing

HOLD = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from synth.store.locks import writing
    with writing(Path(sys.argv[1])):
        print("held", flush=True)
        time.sleep(60)
    """
)


@pytest.fixture
def owner(tmp_path):
    """A process that holds the lock of a folder."""
    child = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path / "out"], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "held\n"
    yield child
    if child.poll() is None:
        os.kill(child.pid, signal.SIGKILL)
    child.wait(10)
    child.stdout.close()


def test_nothing_is_left_after_the_work(tmp_path):
    with writing(tmp_path / "out"):
        assert len(list((tmp_path / "out").iterdir())) >= 1
    assert list((tmp_path / "out").iterdir()) == []
    with pytest.raises(ValueError, match="mine"), writing(tmp_path / "out"):
        raise ValueError("mine")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_held_lock_names_its_owner(tmp_path, owner):
    with pytest.raises(InputError) as caught, writing(tmp_path / "out"):
        pass
    assert f"process {owner.pid} on " in str(caught.value)
    assert "--out" in str(caught.value)
    assert owner.poll() is None


def test_a_refused_writer_leaves_the_lock_to_its_owner(tmp_path, owner):
    for _ in range(2):
        with pytest.raises(InputError, match=f"process {owner.pid} on "), writing(tmp_path / "out"):
            pass


def test_the_lock_dies_with_its_owner(tmp_path, owner):
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait(10)
    with writing(tmp_path / "out"):
        pass
    assert list((tmp_path / "out").iterdir()) == []


def test_within_one_process_too(tmp_path):
    with writing(tmp_path / "out"):
        with pytest.raises(InputError, match=f"process {os.getpid()} on "), writing(tmp_path / "out"):
            pass
        with writing(tmp_path / "other"):
            pass


CONTEND = textwrap.dedent(
    """
    import os, sys
    from pathlib import Path
    from synth.errors import InputError
    from synth.store.locks import writing
    folder, had = Path(sys.argv[1]), 0
    while had < 300:
        try:
            with writing(folder):
                os.close(os.open(folder / "inside", os.O_CREAT | os.O_EXCL))
                os.unlink(folder / "inside")
                had += 1
        except InputError:
            pass
    """
)


def test_many_who_want_it_at_once_have_it_one_after_another(tmp_path):
    """Nobody comes in by a lock file that its owner is just removing, and whoever is refused is told so."""
    many = [
        subprocess.Popen([sys.executable, "-c", CONTEND, tmp_path / "out"], stderr=subprocess.PIPE) for _ in range(4)
    ]
    said = [child.communicate()[1].decode() for child in many]
    assert [child.returncode for child in many] == [0] * 4, "\n".join(said)
    assert list((tmp_path / "out").iterdir()) == []
