"""What a heuristic without a source file is known by: its code, and what that reads.

Cells of a notebook and what was typed have no file whose hash could tell one version from another.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from numpy import ndarray

from heuristics.contract import Heuristic

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def module_hash(name: str) -> str:
    """SHA-256 of a module's source file, first 16 digits; '' where there is none."""
    file = getattr(sys.modules.get(name), "__file__", None)
    if not file or not Path(file).is_file():
        return ""
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]


def code_hash(value: Any) -> str:
    """SHA-256, first 16 digits, of a function's code and of the functions and values it reads.

    The same in every process. A module that has a source file stands for what it holds.
    """
    return hashlib.sha256("\0".join(_parts(value, set())).encode(errors="replace")).hexdigest()[:16]


def _parts(value: Any, seen: set[int]) -> Iterator[str]:
    yield type(value).__name__
    if isinstance(value, Heuristic):
        yield from _parts(value.compute, seen)
    elif isinstance(value, FunctionType):
        if id(value) not in seen:  # else it calls itself
            seen.add(id(value))
            yield from _of_function(value, seen)
    elif isinstance(value, CodeType):
        yield value.co_code.hex()
        yield from _parts((value.co_names, value.co_consts), seen)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _parts(item, seen)
    elif isinstance(value, dict | set | frozenset):
        members = value.items() if isinstance(value, dict) else value
        yield from sorted("\0".join(_parts(item, seen)) for item in members)
    else:
        yield _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, ModuleType):
        return value.__name__
    if isinstance(value, ndarray) and value.dtype != object:
        return value.tobytes().hex()
    return _ADDRESS.sub("", repr(value))


def _of_function(function: FunctionType, seen: set[int]) -> Iterator[str]:
    source = module_hash(function.__module__)
    yield f"{function.__qualname__} {source}"
    if not source:
        yield from _parts(function.__code__, seen)
        for name in sorted(_names(function.__code__) & function.__globals__.keys()):
            yield from _parts((name, function.__globals__[name]), seen)
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    yield from _parts((function.__defaults__, function.__kwdefaults__, cells), seen)


def _names(code: CodeType) -> set[str]:
    """The names that code and the functions within it look up."""
    inner = [_names(part) for part in code.co_consts if isinstance(part, CodeType)]
    return set(code.co_names).union(*inner)
