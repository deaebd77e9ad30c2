"""What other tools say of the code, what is shipped, and what an import costs."""

from __future__ import annotations

import importlib.util
import json
import pickle
import re
import subprocess
import sys
import tomllib

import pytest

import synth
from tests.house.source import PACKAGE, REPOSITORY, modules

HEAVY = ("numpy", "pyarrow", "pandas", "soundfile", "soxr", "matplotlib", "torch", "pydub", "yt_dlp", "tqdm")


def tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed: pip install '.[test]'")
    command = [sys.executable, "-m", name, *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300)


def loaded_by(code: str, timeout_s: int = 60) -> set[str]:
    """Return the modules that a fresh interpreter has after some code."""
    tail = "\nimport json, sys\nsys.stderr.write('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, timeout=timeout_s)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_ruff_finds_nothing():
    done = tool("ruff", "check", "--no-cache", ".")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_code_is_formatted():
    done = tool("ruff", "format", "--no-cache", "--check", ".")
    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy_finds_nothing():
    done = tool("mypy")
    assert done.returncode == 0, done.stdout + done.stderr


HELP = "from synth.cli.main import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass"


def test_help_imports_nothing_heavy():
    assert not loaded_by(HELP) & set(HEAVY)


def test_the_package_imports_nothing_heavy():
    found = loaded_by("import synth\ndir(synth)")
    assert not found & {*HEAVY, "click"}
    assert {name for name in found if name.startswith("synth.")} == set()


def test_a_wrong_option_is_refused_before_anything_heavy_is_loaded():
    code = "from synth.cli.main import main\ntry:\n    main(['split', '--speeker', '2'])\nexcept SystemExit:\n    pass"
    assert not loaded_by(code) & {"pyarrow", "pandas", "torch"}


def test_a_data_set_is_made_and_audited_without_pandas(tmp_path, monkeypatch):
    """pyarrow imports it for some conversions, where it is installed: a third of a second of every command."""
    monkeypatch.setenv("SYNTH_CACHE_DIR", str(tmp_path / "cache"))
    words = ["mix", "--speakers", "1-3", "--clips", "60/0/0", "--split", "100/0/0", "-j", "1", "--quiet"]
    code = (
        "from synth.cli.main import main\n"
        f"for words in ({[*words, '--out', str(tmp_path / 'set')]!r}, {['audit', str(tmp_path / 'set'), '--quiet']!r}):\n"
        "    try:\n        main(words)\n    except SystemExit as end:\n        assert not end.code"
    )
    loaded = loaded_by(code, 300)
    assert "synth.checking.recomputed" in loaded, "it was audited"
    assert "pandas" not in loaded


def test_every_module_can_be_imported_alone():
    """Each in the order of its name in one process, then the last ones first: no import leans on another's."""
    names = [name for name in modules() if name != "synth.__main__" and not name.startswith("synth.demo.")]
    for order in (names, names[::-1]):
        loaded_by(f"from importlib import import_module\nfor name in {order!r}:\n    import_module(name)")


def test_the_public_names_are_the_promised_ones():
    assert sorted(synth.__all__) == dir(synth)
    assert set(synth.__all__) == {
        *("__version__", "audit", "clean", "index", "manifest", "mix", "plan", "render", "review", "split", "verify"),
        *("fetch_audioset", "fetch_librispeech", "fetch_ravdess"),
    }


@pytest.mark.parametrize("name", [name for name in synth.__all__ if name != "__version__"])
def test_a_public_name_is_a_documented_function(name):
    function = getattr(synth, name)
    assert callable(function)
    assert function.__name__ == name
    assert function.__doc__
    assert pickle.loads(pickle.dumps(function)) is function, "it can be sent to another process"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'mixx'"):
        synth.mixx  # noqa: B018  # the access is what is tested


def test_what_is_not_code_is_shipped():
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    patterns = settings["tool"]["setuptools"]["package-data"]["synth"]
    shipped = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    data = {path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert (PACKAGE / "py.typed") in shipped
    assert sorted(data - shipped) == []


def test_the_version_is_one():
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    assert settings["project"]["version"] == synth.__version__


def test_the_readme_names_only_what_exists():
    readme = REPOSITORY / "README.md"
    if not readme.is_file():
        pytest.skip("there is no README.md yet")
    from synth.cli.main import COMMANDS, main

    text = readme.read_text(encoding="utf-8")
    code = (
        "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, flags=re.DOTALL)).replace("\\\n", " ").replace(" && ", "\n")
    )
    wrong = []
    for line in re.findall(r"(?:^|[\s`])synth ([a-z][a-z-]*(?: [^\n`]*)?)", code):
        command, _, rest = line.partition(" ")
        if command not in COMMANDS:
            wrong.append(f"synth {command}")
            continue
        known = {option for one in main.get_command(None, command).params for option in one.opts + one.secondary_opts}
        given = re.findall(r"(?:^|\s)(--?[a-z][a-z-]*)", rest.split("#")[0])
        wrong += [f"synth {command} {option}" for option in given if option not in {*known, "--help", "-h"}]
    assert not wrong
