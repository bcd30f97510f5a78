"""Puts the explorer's threads, locks and clock into the modules of the engine, for as long as one schedule takes.

The modules are found by looking, not by name: every module of `PACKAGES` has what it took from `threading` and `time`
replaced, wherever it keeps it: as a name of the module, of a class, or as the default of a parameter.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

from explorer import Explorer, Lock
from primitives import RLock, replacements_for

PACKAGES = (
    "pypipeline_engine.core",
    "pypipeline_engine.runtime",
    "pypipeline_engine.runtime.remote",
    "pypipeline_engine.cell",
    "pypipeline_engine.cellio",
)
NOT_EXPLORED = tuple(f"pypipeline_engine.runtime.remote.{name}" for name in ("address", "cluster", "clone"))
"""What waits for other processes; `stand_in` takes the place of it."""
ENOUGH_FRAMES = 5000
"""A limit of recursion that no deployment has to raise, which only the first one would do."""
BLOCKING = ("queue", "concurrent.futures", "selectors", "socket", "subprocess", "multiprocessing", "asyncio")
"""What waits in ways that the explorer cannot control."""

Place = tuple[Any, Callable[[Any], None]]
"""What stands there, and how to put something else there."""


@cache
def find_modules() -> tuple[ModuleType, ...]:
    """The modules of the engine that are explored."""
    found = []
    for name in PACKAGES:
        package = importlib.import_module(name)
        found.append(package)
        names = [f"{name}.{each.name}" for each in pkgutil.iter_modules(package.__path__) if not each.ispkg]
        found.extend(importlib.import_module(each) for each in names if each not in NOT_EXPLORED)
    return tuple(found)


@cache
def find_preempted() -> tuple[ModuleType, ...]:
    """Those in which a thread may be switched at every line: not where the lines that run depend on what else the process
    has done, such as loading OpenCV, or a seed would be another schedule in another process.
    """
    return tuple(module for module in find_modules() if module.__name__ != "pypipeline_engine.runtime.environment")


@cache
def _find_places() -> tuple[Place, ...]:
    """Where something stands that may have to be replaced."""
    explored = Explorer(0)
    known = {id(original) for original, _ in replacements_for(explored)}
    places: list[Place] = []
    for module in find_modules():
        for name, value in vars(module).items():
            if isinstance(value, ModuleType) and value.__name__ in BLOCKING:
                raise NotImplementedError(f"{module.__name__} uses {name}, which the explorer cannot control")
            if id(value) in known or _is_lock(value):
                places.append((value, _setter(module, name)))
        for owner in [module, *(each for each in vars(module).values() if isinstance(each, type))]:
            for name, value in list(vars(owner).items()):
                if owner is not module and (id(value) in known or _is_lock(value)):
                    places.append((value, _setter(owner, name)))
                function = getattr(value, "__func__", value)
                if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                    places.extend(_find_defaults(function, known))
    return tuple(places)


def _is_lock(value: Any) -> bool:
    return isinstance(value, type(threading.Lock()) | type(threading.RLock()))


def _setter(owner: Any, name: str) -> Callable[[Any], None]:
    return lambda value: setattr(owner, name, value)


def _find_defaults(function: FunctionType, known: set[int]) -> Iterator[Place]:
    for index, value in enumerate(function.__defaults__ or ()):
        if id(value) in known:

            def put(value: Any, index: int = index) -> None:
                defaults = list(function.__defaults__ or ())
                defaults[index] = value
                function.__defaults__ = tuple(defaults)

            yield value, put
    for name, value in (function.__kwdefaults__ or {}).items():
        if id(value) in known:
            yield value, lambda value, name=name: function.__kwdefaults__.__setitem__(name, value)  # type: ignore[misc]


@cache
def _find_hashed() -> tuple[type, ...]:
    """The classes whose objects are told apart by where they lie in memory."""
    classes = [each for module in find_modules() for each in vars(module).values() if isinstance(each, type)]
    return tuple(
        each
        for each in dict.fromkeys(classes)
        if each.__module__.startswith(PACKAGES)
        and each.__hash__ is object.__hash__
        and not issubclass(each, BaseException)
    )


@contextmanager
def _numbered() -> Iterator[None]:
    """Number objects in the order in which they are hashed: the order in a set is otherwise another one each time."""
    numbers: dict[int, tuple[object, int]] = {}

    def get_number(self: object) -> int:
        found = numbers.get(id(self))
        if found is None:
            found = numbers[id(self)] = self, len(numbers)  # and so keep it, and the place where it lies
        return found[1]

    hashed = _find_hashed()
    try:
        for each in hashed:
            each.__hash__ = get_number  # type: ignore[assignment]
        yield
    finally:
        for each in hashed:
            del each.__hash__


def _find_constants(constants: dict[str, Any]) -> Iterator[tuple[Place, Any]]:
    for name, new in constants.items():
        holders = [module for module in find_modules() if name in vars(module)]
        if not holders:
            raise NotImplementedError(f"the engine has no {name} any more: bound its queues in another way")
        for module in holders:
            yield (vars(module)[name], _setter(module, name)), new


@contextmanager
def with_constants(constants: dict[str, Any]) -> Iterator[None]:
    """Give constants of the engine other values, wherever they stand."""
    swaps = list(_find_constants(constants))
    try:
        for (_, put), new in swaps:
            put(new)
        yield
    finally:
        for (original, put), _ in swaps:
            put(original)


@contextmanager
def taken_over(explorer: Explorer) -> Iterator[None]:
    """Have the engine use the explorer's threads, locks and clock, and do the same again in the same schedule.

    Pipelines are to be built and used within.
    """
    sys.setrecursionlimit(max(sys.getrecursionlimit(), ENOUGH_FRAMES))
    replaced = {id(original): new for original, new in replacements_for(explorer)}
    swaps: list[tuple[Place, Any]] = []
    for place in _find_places():
        original = place[0]
        new = replaced.get(id(original))
        if new is None:  # a lock of a module or a class
            new = RLock(explorer) if isinstance(original, type(threading.RLock())) else Lock(explorer)
        swaps.append((place, new))
    try:
        for (_, put), new in swaps:
            put(new)
        with _numbered():
            yield
    finally:
        for (original, put), _ in swaps:
            put(original)
