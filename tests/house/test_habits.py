"""Habits that are kept by counting: size of files, what prints, what asserts, what is documented."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.house.source import Module, modules

LONGEST = 400
PRINTERS = ("print", "echo", "secho")
MAY_PRINT = ("synth.cli.", "synth.demo.make_voices", "synth.demo.measure")  # the latter two are run by hand


def called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def prints(module: Module) -> list[str]:
    calls = (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))
    streams = (
        node
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and node.attr in ("stdout", "stderr") and called_on_sys(node)
    )
    return [module.at(node) for node in calls if called(node) in PRINTERS] + [module.at(node) for node in streams]


def called_on_sys(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "sys"


def swallows(module: Module) -> list[str]:
    """Return the lines that catch everything: ``except:``, and ``except Exception`` that does not raise again."""
    out = []
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        broad = isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")
        if node.type is None or (broad and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node))):
            out.append(module.at(node))
    return out


def public(module: Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield public functions and classes, and public methods of public classes."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for node in module.tree.body:
        if not isinstance(node, kinds) or node.name.startswith("_"):
            continue
        yield node.name, node
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, kinds) and not inner.name.startswith("_"):
                    yield f"{node.name}.{inner.name}", inner


def test_nothing_prints_outside_the_commands():
    found = [line for name, module in modules().items() if not name.startswith(MAY_PRINT) for line in prints(module)]
    assert not found, "\n".join(found)


def test_user_data_is_never_asserted():
    found = [m.at(node) for m in modules().values() for node in ast.walk(m.tree) if isinstance(node, ast.Assert)]
    assert not found, "\n".join(found)


def test_no_handler_swallows_everything():
    found = [line for module in modules().values() for line in swallows(module)]
    assert not found, "\n".join(found)


def test_no_generator_with_a_state_is_used():
    """All chance goes through ``synth.seeds``; the demo voices were made by hand."""
    found = []
    for name, module in modules().items():
        if name == "synth.seeds" or name.startswith("synth.demo"):
            continue
        for node, imported, _ in module.imports():
            if imported.split(".")[0] in ("random", "secrets", "uuid") or imported.startswith("numpy.random"):
                found.append(module.at(node))
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and node.attr == "random" and getattr(node.value, "id", "") == "np":
                found.append(module.at(node))
    assert not found, "\n".join(found)


def test_no_logarithm_or_power_of_numpy_decides():
    """numpy's transcendental functions differ between processors; tables of integers stand in for them."""
    banned = {"exp", "exp2", "log", "log2", "log10", "power", "float_power", "tanh", "sin", "cos", "dot", "matmul"}
    rooms = ("synth.audio", "synth.planning", "synth.rendering", "synth.store", "synth.seeds", "synth.tables")
    found = [
        module.at(node)
        for name, module in modules().items()
        if name.startswith(rooms)
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Attribute) and node.attr in banned and getattr(node.value, "id", "") == "np")
        or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult))
    ]
    assert not found, "\n".join(found)


def test_sorts_are_stable_or_of_distinct_words():
    found = []
    for name, module in modules().items():
        if not name.startswith(("synth.audio", "synth.planning", "synth.rendering")):
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and called(node) in ("argsort", "partition", "argpartition"):
                kinds = [k.value.value for k in node.keywords if k.arg == "kind" and isinstance(k.value, ast.Constant)]
                if kinds != ["stable"] and getattr(getattr(node.func, "value", None), "id", "") == "np":
                    found.append(module.at(node))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", list(modules()))
def test_a_file_is_one_idea(name):
    lines = len(modules()[name].text.splitlines())
    assert lines <= LONGEST, f"{name} has {lines} lines; past {LONGEST} it is two ideas"


@pytest.mark.parametrize("name", list(modules()))
def test_everything_public_says_what_it_does(name):
    module = modules()[name]
    assert ast.get_docstring(module.tree), f"{module.path} has no docstring"
    silent = [module.at(node) for _, node in public(module) if not ast.get_docstring(node)]
    assert not silent, "\n".join(silent)
