"""How many pulls are left, where cells upstream know it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from pypipeline_engine.cellio import IO, InputPort, OutputPort

if TYPE_CHECKING:
    from pypipeline_engine.cell.base import ACell


def find_least_available(ends: Iterable[IO[Any]], ask_upstream: Callable[[Any], int | None]) -> int | None:
    """The least number of values that is known to be left to come to any of `ends`; `None` where nothing is known.

    Looks at each cell once, and at a long chain without recursion: the least of the least is the least.

    :param ask_upstream: the method of cells which do not know it themselves, and ask those upstream by this function.
    """
    known: list[int | None] = []
    pending = list(ends)
    seen: set[ACell | IO[Any]] = set()
    while pending:
        for connection in pending.pop().get_incoming_connections():
            source = connection.get_source()
            is_port = isinstance(source, InputPort | OutputPort)
            one = source if is_port else source.get_cell()
            if one in seen or connection.is_recurrent():
                continue
            seen.add(one)
            if is_port:
                pending.append(source)
                continue
            ask = source.get_cell().get_nb_available_pulls
            if getattr(ask, "__func__", None) is ask_upstream:
                pending.extend(source.get_cell().get_inputs())
            else:
                known.append(ask())
    return min((number for number in known if number is not None), default=None)
