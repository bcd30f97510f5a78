"""Which threads run what, as far as that is known: asked when a thread has slept for long, to see who could wake it.

A domain is run by the thread that has its turn or its intake, and where nobody has it, by whoever reads from it.
Everything here is asked under the lock of the deployment.
"""

from __future__ import annotations

from collections.abc import Hashable

from pypipeline_engine.cell import ACell
from pypipeline_engine.core.monitor import Suppliers
from pypipeline_engine.runtime.planning import MAIN, Plan


class Runners:
    """Tells which threads run the domains of a plan, or would run them next."""

    def __init__(self, plan: Plan, find_main: Suppliers) -> None:
        """Look at a plan whose channels are made.

        :param find_main: says which thread runs its main domain.
        """
        self._plan = plan
        self._find_main = find_main

    def find(self, domain: Hashable) -> set[int] | None:
        """Their identifiers; `None` where it may be anybody."""
        return self._find(domain, set())

    def _find(self, domain: Hashable, seen: set[Hashable]) -> set[int] | None:
        plan = self._plan
        if domain == MAIN:
            found = self._find_main()
        elif isinstance(domain, ACell):
            found = plan.turns[domain].get_threads()
            if found is None:
                return self._find_readers(domain, seen | {domain})
        else:
            found = domain.find_intake_threads()  # type: ignore[attr-defined]  # the only other kind of domain is a stage
        return None if found is None else set(found)

    def _find_readers(self, domain: ACell, seen: set[Hashable]) -> set[int] | None:
        plan = self._plan
        found: set[int] = set()
        for link in plan.graph.links:
            if plan.domains.get(link.producer) == domain:
                reading = plan.get_reading_domain(link)
                if reading not in seen:
                    threads = self._find(reading, seen)
                    if threads is None:
                        return None
                    found |= threads
        return found
