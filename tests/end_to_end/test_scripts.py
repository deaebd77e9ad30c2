"""``synth`` called from Python however people start it: a script without a guard, standard input, a notebook, …"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import zipfile

import pytest

from tests.end_to_end.commands import files, synth

CALL = 'synth.mix(speakers="1-2", clips="24/12/12", out="out", jobs=2)'
PLAIN = f"""\
import synth
with open("ran.txt", "a") as note:
    note.write("ran\\n")
print({CALL}.rendered.clips)
"""
GUARDED = f"""\
import synth
with open("ran.txt", "a") as note:
    note.write("ran\\n")
if __name__ == "__main__":
    print({CALL}.rendered.clips)
"""
MADE = "{'train': 24, 'val': 12, 'test': 12}"


@pytest.fixture(scope="module")
def wanted(tmp_path_factory):
    """The folder as the command makes it."""
    out = tmp_path_factory.mktemp("typed") / "out"
    synth("mix", "--speakers", "1-2", "--clips", "24/12/12", "-j", "1", "--out", out)
    return files(out)


def python(*words: object, cwd, **more) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **more.pop("env", {})}
    return subprocess.run(
        [sys.executable, *map(str, words)], cwd=cwd, env=env, capture_output=True, text=True, timeout=300, **more
    )


def as_file(folder, text, name="make.py", **more):
    (folder / name).write_text(text, encoding="utf-8")
    return python(name, cwd=folder, **more)


def as_module(folder, text):
    (folder / "maker").mkdir()
    (folder / "maker" / "__init__.py").write_text("")
    (folder / "maker" / "__main__.py").write_text(text)
    return python("-m", "maker", cwd=folder)


def as_archive(folder, text):
    with zipfile.ZipFile(folder / "maker.pyz", "w") as file:
        file.writestr("__main__.py", text)
    return python("maker.pyz", cwd=folder)


def as_shell(folder, text):
    """Type it into an interactive interpreter, which ends blocks at an empty line."""
    return python("-i", "-q", cwd=folder, input=text.replace("\nprint", "\n\nprint") + "\n")


def as_text_for_exec(folder, text):
    return python("-c", f"exec(compile({text!r}, 'cell 3', 'exec'), {{'__name__': '__main__'}})", cwd=folder)


def as_thread(folder, text):
    code = f"import threading\nt = threading.Thread(target=exec, args=({text!r}, {{}}))\nt.start(); t.join()\n"
    return as_file(folder, code)


def as_script_that_is_gone(folder, text):
    return as_file(folder, "import os\nos.remove(__file__)\n" + text)


WAYS = {
    "plain script": lambda folder: as_file(folder, PLAIN),
    "guarded script": lambda folder: as_file(folder, GUARDED),
    "script whose name is no module": lambda folder: as_file(folder, PLAIN, "make it.1"),
    "script that is removed while it runs": lambda folder: as_script_that_is_gone(folder, PLAIN),
    "standard input": lambda folder: python("-", cwd=folder, input=PLAIN),
    "python -c": lambda folder: python("-c", PLAIN, cwd=folder),
    "python -m": lambda folder: as_module(folder, PLAIN),
    "archive": lambda folder: as_archive(folder, PLAIN),
    "interactive": lambda folder: as_shell(folder, PLAIN),
    "exec": lambda folder: as_text_for_exec(folder, PLAIN),
    "thread": lambda folder: as_thread(folder, PLAIN),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_call_works_however_python_was_started(tmp_path, wanted, way):
    done = WAYS[way](tmp_path)
    assert done.returncode == 0, done.stderr
    assert MADE in done.stdout
    assert "Traceback" not in done.stderr
    assert (tmp_path / "ran.txt").read_text() == "ran\n", "the script runs once, not again in every worker"
    assert files(tmp_path / "out") == wanted


def test_a_script_that_cannot_be_run_twice(tmp_path):
    """Its first lines take a lock, read standard input to its end and change the folder: none of it can be repeated."""
    script = """\
        import os, sys
        os.mkdir("lock")
        os.rmdir(sys.stdin.read())
        import synth
        """
    (tmp_path / "only-once").mkdir()
    done = as_file(tmp_path, textwrap.dedent(script) + f"print({CALL}.rendered.clips)\n", input="only-once")
    assert done.returncode == 0, done.stderr
    assert MADE in done.stdout


def test_workers_are_really_started(tmp_path):
    """Or the tests above would show nothing: while two jobs render, this process has two children."""
    script = """\
        import multiprocessing, synth
        most = 0
        def watched(what, done, total):
            global most
            most = max(most, len(multiprocessing.active_children()))
        synth.mix(speakers="1-2", clips="24/12/12", out="out", jobs=2, progress=watched)
        print(most)
        """
    assert as_file(tmp_path, textwrap.dedent(script)).stdout == "2\n"


def test_a_worker_of_somebody_elses_pool_may_call_it(tmp_path, wanted):
    """Workers of a pool may have no processes of their own; then all is done in the worker."""
    script = f"""\
        import multiprocessing, synth
        def work(_):
            return {CALL}.rendered.clips
        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(work, [0])[0])
        """
    done = as_file(tmp_path, textwrap.dedent(script))
    assert MADE in done.stdout, done.stderr
    assert files(tmp_path / "out") == wanted


def test_processes_of_others_still_find_the_main_script(tmp_path):
    """What a script starts itself, before and after, needs its functions."""
    script = f"""\
        import multiprocessing, synth
        def double(x):
            return 2 * x
        if __name__ == "__main__":
            for _ in range(2):
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    print(pool.map(double, [4]))
                {CALL}
        """
    assert as_file(tmp_path, textwrap.dedent(script)).stdout == "[8]\n[8]\n"


def test_a_notebook_runs_it(tmp_path, wanted):
    kernel = pytest.importorskip("ipykernel", reason="no notebook kernel is installed here")
    client = pytest.importorskip("nbclient", reason="no notebook client is installed here")
    import nbformat

    assert kernel.version_info
    cells = [nbformat.v4.new_code_cell(text) for text in ("import synth", f"made = {CALL}\nmade")]
    book = nbformat.v4.new_notebook(cells=cells)
    client.NotebookClient(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    assert files(tmp_path / "out") == wanted
    assert json.loads((tmp_path / "out" / "audit.json").read_text())["holds"]
