"""The commands as functions: signatures that show every option, and errors that name the one that is wrong.

The types are those of the function's own annotations. A single path or text stands for a list of one where a list is
wanted; numbers may be numpy's.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, wraps
from importlib import import_module
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from synth import kinds
from synth.errors import UsageError, nearest
from synth.steps.keywords import DEFAULTS


def _none(value: object) -> None:
    if value is not None:
        raise ValueError


_PLAIN: dict[object, tuple[str, Callable[[Any], Any]]] = {
    bool: ("True or False", kinds.truth),
    int: ("a whole number", kinds.whole),
    float: ("a number", kinds.number),
    str: ("a text", kinds.path),
    Path: ("a path", lambda value: Path(kinds.path(value))),
    NoneType: ("None", _none),
}


@cache
def public(name: str) -> Callable[..., Any]:
    """Return the function of a step as the package offers it. Its calls raise UsageError for names and types that are
    not those of its signature.
    """
    step = getattr(import_module(f"synth.steps.{name}"), name)
    hints = get_type_hints(step)
    plain = inspect.signature(step)
    shown = _signature(plain, hints)
    known = {key for key, one in plain.parameters.items() if one.kind is not one.VAR_KEYWORD}  # others: by the recipe

    @wraps(step)
    def called(*args: Any, **given: Any) -> Any:  # noqa: ANN401  # what the step takes
        where = f"synth.{name}()"
        for key in given:
            if key not in shown.parameters:
                raise UsageError(
                    f"{where}: unknown option '{key}'{nearest(key, shown.parameters) or '.'} Known options: "
                    f"{', '.join(shown.parameters)}"
                )
        try:
            bound = plain.bind(*args, **given)
        except TypeError as error:
            raise UsageError(f"{where}: {error}; wanted synth.{name}{_shown(called)}") from None
        for key, value in bound.arguments.items():
            if key in known and key in hints:
                bound.arguments[key] = _read(value, hints[key], f"{where}: {key}")
        return step(*bound.args, **bound.kwargs)

    called.__signature__ = shown  # type: ignore[attr-defined]  # functions have one for inspect
    called.__module__ = "synth"  # where it can be found, by pickle as well
    return called


def _signature(plain: inspect.Signature, hints: Mapping[str, object]) -> inspect.Signature:
    """Return a signature in which options that a recipe reads stand one by one, and defaults are short."""
    out: list[inspect.Parameter] = []
    for one in plain.parameters.values():
        hint = hints.get(one.name, one.annotation)
        if one.kind is not one.VAR_KEYWORD:
            out.append(one.replace(annotation=hint, default=_short(one.default)))
            continue
        (table,) = get_args(hint)
        out += [
            inspect.Parameter(key, one.KEYWORD_ONLY, default=getattr(DEFAULTS[table], key), annotation=kind)
            for key, kind in get_type_hints(table).items()
        ]
    return plain.replace(parameters=out, return_annotation=hints.get("return", plain.return_annotation))


class _Default:
    """A default with a short name instead of its contents."""

    def __init__(self, shown: str) -> None:
        self._shown = shown

    def __repr__(self) -> str:
        return self._shown


def _short(default: object) -> object:
    if inspect.isfunction(default):
        return _Default(default.__name__)
    return _Default("…") if isinstance(default, Mapping) else default


def _shown(function: Callable[..., Any]) -> str:
    required = [
        key for key, one in inspect.signature(function).parameters.items() if one.default is inspect.Parameter.empty
    ]
    return f"({', '.join([*required, '…'])})"


def _read(value: object, hint: object, what: str) -> Any:  # noqa: ANN401  # any type
    try:
        return _fitted(value, hint)
    except ValueError:
        raise UsageError(f"{what} = {_cut(value)} ({type(value).__name__}); wanted {wanted(hint)}") from None


def _fitted(value: object, hint: object) -> Any:  # noqa: ANN401  # any type
    """Return a value in the type of a hint. Raises ValueError where it is no such value."""
    if hint in _PLAIN:
        return _PLAIN[hint][1](value)
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        if {str, Path} <= set(inner) and isinstance(value, str | os.PathLike):
            return value
        for one in sorted(inner, key=lambda one: one is str):  # a path stays a path where both are taken
            try:
                return _fitted(value, one)
            except ValueError:
                continue
        raise ValueError
    if origin in (Sequence, tuple, list, Iterable):
        return tuple(_fitted(one, inner[0]) for one in _several(value)) if _is_open(origin, inner) else value
    if origin is Mapping:
        if not isinstance(value, Mapping):
            raise ValueError
        return {key: _fitted(one, inner[1]) for key, one in value.items()}
    if origin is Callable or hint is Any or not isinstance(hint, type):
        return value
    if not isinstance(value, hint):
        raise ValueError
    return value


def _is_open(origin: object, inner: tuple[object, ...]) -> bool:
    return origin is not tuple or inner[-1] is Ellipsis


def _several(value: object) -> Iterable[object]:
    if isinstance(value, str | os.PathLike):
        return (value,)
    if isinstance(value, Iterable) and not isinstance(value, bytes | Mapping):
        return value
    raise ValueError


def wanted(hint: object) -> str:
    """Return a type in words."""
    if hint in _PLAIN:
        return _PLAIN[hint][0]
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        words = [wanted(one) for one in inner if one is not NoneType and not (one is str and Path in inner)]
        return " or ".join(dict.fromkeys(words))
    if origin in (Sequence, tuple, list, Iterable):
        return f"a list, each {wanted(inner[0])}"
    if origin is Mapping:
        return f"{{name: {wanted(inner[1])}}}"
    return getattr(hint, "__name__", str(hint))


def _cut(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else f"{shown[:77]}…"
