"""Changing what happens when a cell of a deployed pipeline raises an error.

A cell looks at its policy after an error, and so follows another one at once. To begin to try again it needs inputs that
remember what they gave, which takes another plan of the scopes that it runs in. Clones in other processes are replaced.
"""

from __future__ import annotations

from pypipeline_engine.cell import ACell, ASingleCell, ScalableCell
from pypipeline_engine.runtime.crew import Crew
from pypipeline_engine.runtime.rescaling import refuse_to_lose_state
from pypipeline_engine.runtime.stage import Stage


def find_twins(crew: Crew, cell: ACell) -> list[ACell]:
    """`cell`, the one that its pipeline has where it is in a clone, and the copies of it in all clones."""
    name, kind = cell.get_full_name(), type(cell)
    roots = dict.fromkeys([cell, *(scope.root for scope in crew.get_scopes())])
    everywhere = dict.fromkeys(one for root in roots for one in root._get_cells_recursively())
    # A cell of a document and the one that scales it have the same name, and are of different classes.
    return [one for one in everywhere if type(one) is kind and one.get_full_name() == name]


def find_stages_elsewhere(crew: Crew, cell: ACell) -> list[Stage]:
    """The stages with clones in other processes that run `cell`, or one inside of it.

    They took the policy along when they started, so that others have to take their place.

    :raises InvalidStateException: where one of them keeps state, which would be lost.
    """
    names = _get_names(cell)
    workers = [worker for worker in crew.get_remote_workers() if not worker.retiring]
    stages = list(dict.fromkeys(worker.stage for worker in workers if names & _get_names(worker.stage.cell)))
    for stage in stages:
        refuse_to_lose_state(f"error policy of {cell.get_full_name()}", stage)
    return stages


def find_scaled_around(crew: Crew, cells: list[ASingleCell]) -> set[ScalableCell]:
    """The scaled cells of the pipeline itself in whose clones there are some of `cells`, or copies of them."""
    names = {cell.get_full_name() for cell in cells}
    return {
        stage.cell
        for stage in crew.scope.stages.values()
        if not stage.pulls_its_inside and names & _get_names(stage.cell)
    }


def _get_names(cell: ACell) -> set[str]:
    return {one.get_full_name() for one in cell._get_cells_recursively() if isinstance(one, ASingleCell)}
