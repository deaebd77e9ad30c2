"""A killed run left half-written packs in the cache for ever."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from synth.store.atomic import PREFIX, clean_after_dead


@pytest.mark.skipif(os.name != "posix", reason="whether a process lives is asked the POSIX way")
def test_those_of_the_dead_go_and_those_of_the_living_stay(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for pid in (ended.pid, os.getpid()):
        (tmp_path / f"{PREFIX}{pid}-pack.i16").write_bytes(b"half")
    (tmp_path / "whole.i16").write_bytes(b"whole")
    clean_after_dead(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{PREFIX}{os.getpid()}-pack.i16", "whole.i16"]
