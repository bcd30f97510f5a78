"""Bringing documents of older versions of the format up to date."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pypipeline_engine.graph.model import FORMAT, VERSION
from pypipeline_engine.graph.problems import Problem, describe


@dataclass(frozen=True)
class Migration:
    """One step: `migrate` gets the raw document of a version and returns that of the next one.

    It must accept anything that was ever read as that version, wrong documents included, and leave alone what it does not
    know: what is wrong is said afterwards.
    """

    from_version: int
    migrate: Callable[[dict[str, Any]], dict[str, Any]]


MIGRATIONS: tuple[Migration, ...] = ()
"""In the order of their versions; the last one leads to the version of today."""


def explain_version(raw: dict[str, Any], newest: int = VERSION) -> tuple[list[Problem], bool]:
    """What is wrong with format and version of a raw document, and whether the rest of it can be understood."""
    if "format" not in raw and "cells" not in raw:
        message = f'this is no graph file: it must say "format": "{FORMAT}", "version": {newest}'
        return [Problem(message, ("format",))], False
    if raw.get("format", FORMAT) != FORMAT:
        return [Problem(f'the format must be "{FORMAT}", not {describe(raw["format"])}', ("format",))], False
    problems = [] if "format" in raw else [Problem(f'the format is missing: write "format": "{FORMAT}"', ("format",))]
    version = raw.get("version")
    if "version" not in raw:
        problems.append(Problem(f'the version is missing: write "version": {newest}', ("version",)))
    elif isinstance(version, bool) or not isinstance(version, int) or version < 1:
        message = f"the version must be a whole number from 1 to {newest}, not {describe(version)}"
        problems.append(Problem(message, ("version",)))
    elif version > newest:
        message = (
            f"this graph was made with a newer pypipeline: its format has version {describe(version)}, and this pypipeline "
            f"reads up to version {newest}; update it"
        )
        return [*problems, Problem(message, ("version",))], False
    return problems, True


def migrated(
    raw: dict[str, Any], migrations: Sequence[Migration] = MIGRATIONS, newest: int = VERSION
) -> dict[str, Any]:
    """A raw document, which `explain_version` found understandable, in the version of today."""
    version = raw.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        version = newest
    for migration in migrations:
        if version == migration.from_version:
            raw = migration.migrate(raw)
            version += 1
    return {**raw, "format": FORMAT, "version": VERSION}
