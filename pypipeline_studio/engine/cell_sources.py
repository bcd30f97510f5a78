"""Which cells an engine may use besides those that are installed, and what it has told about them."""

from __future__ import annotations

from dataclasses import dataclass

from pypipeline_engine.host.protocol import Catalogue


@dataclass(frozen=True)
class CellSources:
    """What the engine's process is started with."""

    given: tuple[str, ...] = ()
    """Python files and modules that whoever started the studio has named."""
    folder: str = ""
    """The user's own cells; empty for none."""
    approved: tuple[tuple[str, str], ...] = ()
    """Hash and file or module: what a graph asks for, and a person has allowed."""

    def to_options(self) -> list[str]:
        """The options of `pypipeline host`. What cannot be used is told by its catalogue, and is no reason not to start."""
        options = ["--lenient"]
        for item in self.given:
            options += ["--cells", item]
        if self.folder:
            options += ["--cells-folder", self.folder]
        for sha256, item in self.approved:
            options += ["--approved", sha256, item]
        return options


def with_approved(known: Catalogue, approved: Catalogue) -> Catalogue:
    """A catalogue in which the cells that were approved are other ones; those that ship or are installed stay.

    :param approved: the answer to `/catalogue?approved=true`.
    """
    # What could not be approved stands among the failures by its file or module.
    own = {*known.approved, *(name for name in known.failures if name in known.failure_places)}
    return Catalogue(
        types=(*(cell_type for cell_type in known.types if cell_type.category not in known.approved), *approved.types),
        failures={**{name: why for name, why in known.failures.items() if name not in own}, **approved.failures},
        failure_places=approved.failure_places,
        approved=approved.approved,
    )
