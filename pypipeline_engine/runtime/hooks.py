"""Calling what cells override to be deployed, undeployed and reset.

Whatever a method raises says from which cell it came. Who is in one of these methods must not ask for what waits for it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.core.errors import add_note, sign


class Hooks:
    """Calls `_on_deploy`, `_on_undeploy` and `_on_reset` of the cells of one deployment. Any thread."""

    def __init__(self) -> None:
        self._threads: set[int] = set()

    def is_inside(self) -> bool:
        """Whether the calling thread is in one of these methods."""
        return threading.get_ident() in self._threads

    @contextmanager
    def _entered(self) -> Iterator[None]:
        me = threading.get_ident()
        is_first = me not in self._threads
        self._threads.add(me)
        try:
            yield
        finally:
            if is_first:
                self._threads.discard(me)

    def call(self, cell: ASingleCell, name: str) -> None:
        """Call the method `name` of `cell`.

        :raises BaseException: what it raised, SystemExit included, with the name of the cell.
        """
        with self._entered():
            try:
                getattr(cell, name)()
            except BaseException as error:
                sign(error, cell.get_full_name())
                add_note(error, f"in {name} of the cell {cell.get_full_name()}")
                raise

    def call_all(self, cells: Iterable[ASingleCell], name: str) -> Exception | None:
        """The same for all of them, whatever the others raise; the first error is returned.

        :raises BaseException: the first of those that are no `Exception`, when all were called.
        """
        first: Exception | None = None
        exit_: BaseException | None = None
        for cell in cells:
            try:
                self.call(cell, name)
            except Exception as error:
                first = first or error
            except BaseException as error:
                exit_ = exit_ or error
        if exit_ is not None:
            raise exit_
        return first
