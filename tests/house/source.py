"""The source files of the package as syntax trees, for the tests of the house."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "synth"
REPOSITORY = PACKAGE.parent


@dataclass(frozen=True)
class Module:
    """One file: ``name`` as it is imported, ``text``, and its syntax tree."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    def at(self, node: ast.AST) -> str:
        """Return file, line and source of a node, for a message."""
        line = self.text.splitlines()[node.lineno - 1].strip()
        return f"{self.path.relative_to(REPOSITORY)}:{node.lineno}: {line}"

    def imports(self) -> list[tuple[ast.AST, str, str]]:
        """Return every line that imports, wherever it stands: the line, the module, and the name taken out of it."""
        found = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found += [(node, alias.name, "") for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node)
                found += [(node, *_split(f"{base}.{alias.name}", base)) for alias in node.names]
        return found

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.name.split(".")
        if self.path.name != "__init__.py":
            package = package[:-1]
        package = package[: len(package) - node.level + 1]
        return ".".join([*package, *([node.module] if node.module else [])])


def _split(full: str, base: str) -> tuple[str, str]:
    """Return the module that ``from base import name`` loads, and the name in it: nothing where it is a submodule."""
    path = REPOSITORY.joinpath(*full.split("."))
    if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file():
        return full, ""
    return base, full.rpartition(".")[2]


@lru_cache(maxsize=1)
def modules() -> dict[str, Module]:
    """Return all modules of the package by name."""
    out = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = list(path.relative_to(REPOSITORY).with_suffix("").parts)
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text(encoding="utf-8")
        out[name] = Module(name, path, text, ast.parse(text))
    return out
