"""Dividing a stream over clones of a cell.

The classes of clones stand here as names with a description: they say how a clone is to run, and hold nothing that runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pypipeline_engine.cell.base import ACell
from pypipeline_engine.cell.composite import ACompositeCell
from pypipeline_engine.cellio import ConfigParameter
from pypipeline_engine.exceptions import InvalidInputException, ScalingNotSupportedException
from pypipeline_engine.validation import BoolExplained, FalseExplained, TrueExplained, raise_if_not


class ACloneCell:
    """How a clone runs."""

    method: ClassVar[str]


class ThreadCloneCell(ACloneCell):
    """In a thread of this process: for work that releases the GIL, as numpy, OpenCV and most I/O do, and for waiting."""

    method = "thread"


@dataclass(frozen=True)
class RayCluster:
    """Where the Ray clones of this process run."""

    address: str | None = None
    """`HOST:PORT` of a running cluster, or `auto` for the one on this machine. `None`: what the environment variable
    `RAY_ADDRESS` says, else a Ray on this machine that is started when it is needed, and ends with this process."""
    path_map: Mapping[str, str] = field(default_factory=dict)
    """What the start of a path is called there, by what it is called here: for the values of parameters that are paths."""
    dashboard: bool = False
    """Whether a Ray that is started here has its dashboard, which takes longer and needs more of Ray installed."""


class RayCloneCell(ACloneCell):
    """In a process of its own, on this machine or another one of a Ray cluster: for work that holds the GIL.

    `RayCloneCell.cluster = RayCluster(...)`, before the first deployment with such clones, says where. A Ray that this
    process has started or joined already is used as it is, and never ended.
    """

    method = "ray"
    cluster: ClassVar[RayCluster] = RayCluster()


class AScalingStrategy:
    """What a scalable cell may do with its inner cell."""


class CloningStrategy(AScalingStrategy):
    """Divide the stream over clones."""


class NoScalingStrategy(AScalingStrategy):
    """Always run the inner cell inline, in the thread that pulls."""


class ScalableCell(ACompositeCell):
    """Holds exactly one inner cell and divides the stream over clones of it, keeping the order.

    With no clone the inner cell runs inline, in the thread that pulls. Scaling is possible before the deployment and while
    running, in both directions and from any thread; nothing is lost and nothing repeated. An output of the inner cell
    without a port is discarded.
    """

    def __init__(self, parent_cell: ACompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.config_queue_capacity: ConfigParameter[int | None] = ConfigParameter(
            self,
            "queue_capacity",
            default_value=None,
            minimum=1,
            unit="items",
            doc="How many items may be inside at once, in work or finished and waiting. None: by the number of clones.",
        )
        self._strategy: type[AScalingStrategy] = CloningStrategy
        self._nb_clones: dict[type[ACloneCell], int] = {}
        self._ray_options: dict[str, Any] = {}

    # ------------------------------------------------------------------ the inner cell

    def can_have_as_internal_cell(self, cell: ACell) -> BoolExplained:
        """Whether `cell` may become the inner cell: there is none yet."""
        if self._cells:
            return FalseExplained(
                f"{self.get_full_name()} holds {next(iter(self._cells))!r} already; put several cells into a Pipeline"
            )
        return super().can_have_as_internal_cell(cell)

    def get_inner_cell(self) -> ACell:
        """The cell that is scaled.

        :raises InvalidInputException: where there is none yet.
        """
        for cell in self._cells.values():
            return cell
        raise InvalidInputException(f"{self.get_full_name()} has no inner cell: create one with it as the parent")

    def _explain_deployability(self) -> BoolExplained:
        if not self._cells:
            return FalseExplained(f"{self.get_full_name()} has no inner cell: create one with it as the parent")
        explained = super()._explain_deployability() * self._explain_number_of_clones(self.get_nb_clones())
        for connection in self.get_internal_connections():
            if connection.is_inter_cell_connection():
                explained *= FalseExplained(
                    f"{self.get_full_name()} cannot have the connection {connection}, from its inner cell to itself: "
                    f"put the cell with its connection into a Pipeline, and scale that"
                )
        return explained

    # ------------------------------------------------------------------ clones

    def get_nb_clones(self, method: type[ACloneCell] | None = None) -> int:
        """How many clones are asked for, of one kind or of all."""
        if method is None:
            return sum(self._nb_clones.values())
        return self._nb_clones.get(method, 0)

    def get_clone_methods(self) -> dict[type[ACloneCell], int]:
        """How many clones of each kind are asked for."""
        return {method: number for method, number in self._nb_clones.items() if number}

    def get_scaling_strategy_type(self) -> type[AScalingStrategy]:
        """What this cell may do with its inner cell."""
        return self._strategy

    def set_scaling_strategy_type(self, strategy: type[AScalingStrategy]) -> None:
        """Allow clones (`CloningStrategy`, the default), or have the inner cell run inline (`NoScalingStrategy`), which
        takes its clones away.

        :raises InvalidInputException: for anything else.
        """
        if not (isinstance(strategy, type) and issubclass(strategy, AScalingStrategy)):
            raise InvalidInputException(
                f"the strategy of {self.get_full_name()} must be CloningStrategy or NoScalingStrategy, not {strategy!r}"
            )
        self._strategy = strategy
        if not self._may_have_clones():
            self._set_clones(dict)

    def get_ray_options(self) -> dict[str, Any]:
        """What each Ray clone asks of the cluster: `num_cpus`, `num_gpus`, `resources`, `memory`."""
        return dict(self._ray_options)

    def set_ray_options(self, options: Mapping[str, Any]) -> None:
        """Say what each Ray clone asks of the cluster.

        :raises InvalidInputException: for an option other than `num_cpus`, `num_gpus`, `resources` and `memory`.
        """
        known = ("num_cpus", "num_gpus", "resources", "memory")
        unknown = [name for name in options if name not in known]
        if unknown:
            raise InvalidInputException(
                f"{self.get_full_name()} does not know the Ray option {unknown[0]!r}; known are {', '.join(known)}"
            )
        self._ray_options = dict(options)

    def scale_up(self, times: int = 1, method: type[ACloneCell] = ThreadCloneCell) -> None:
        """Add clones.

        :raises ScalingNotSupportedException: if the inner cell cannot have that many, or the strategy allows none.
        """
        self._change(self._checked(times), method)

    def scale_one_up(self, method: type[ACloneCell] = ThreadCloneCell) -> None:
        """Add one clone."""
        self._change(1, method)

    def scale_down(self, times: int = 1, method: type[ACloneCell] = ThreadCloneCell) -> None:
        """Take clones away, each after the item that it works on.

        :raises InvalidInputException: if there are fewer.
        """
        self._change(-self._checked(times), method)

    def scale_one_down(self, method: type[ACloneCell] = ThreadCloneCell) -> None:
        """Take one clone away."""
        self._change(-1, method)

    def set_nb_clones(self, numbers: Mapping[type[ACloneCell], int]) -> None:
        """Have so many clones of each kind, and none of the others. A cell that can have one clone at most changes its kind
        by this. Where that fails, it has those that it had.

        :raises InvalidInputException: where a number is none.
        :raises ScalingNotSupportedException: if the inner cell cannot have that many, or the strategy allows none.
        """
        wanted = {method: self._checked(number) for method, number in numbers.items()}
        for method in wanted:
            self._refuse_unknown(method)
        self._checked_clones(wanted)
        before = dict(self._nb_clones)
        if self.get_clone_methods() == {method: number for method, number in wanted.items() if number}:
            return
        if self.is_deployed() and self._cells and not self.get_inner_cell().supports_scaling():
            self._set_clones(dict)  # what is on its way in its one clone has to come out first
        try:
            self._set_clones(lambda: dict(wanted))
        except Exception:
            self._set_clones(lambda: before)
            raise

    def scale_all_down(self) -> None:
        """Take all clones away; the inner cell runs inline from then on."""
        self._set_clones(dict)

    def _checked(self, times: int) -> int:
        if isinstance(times, bool) or not isinstance(times, int) or times < 0:
            raise InvalidInputException(
                f"{self.get_full_name()} can be scaled by a whole number of clones of at least 0, not by {times!r}"
            )
        return times

    def _change(self, difference: int, method: type[ACloneCell]) -> None:
        self._refuse_unknown(method)

        def get_clones() -> dict[type[ACloneCell], int]:
            number = self.get_nb_clones(method) + difference
            if number < 0:
                raise InvalidInputException(
                    f"{self.get_full_name()} has {number - difference} clones by {method.method}; "
                    f"{-difference} cannot be taken away"
                )
            return {**self._nb_clones, method: number}

        self._set_clones(get_clones)

    def _refuse_unknown(self, method: object) -> None:
        if method not in (ThreadCloneCell, RayCloneCell):
            raise InvalidInputException(
                f"{self.get_full_name()} expects ThreadCloneCell or RayCloneCell as the method, not {method!r}"
            )

    def _set_clones(self, get_clones: Callable[[], dict[type[ACloneCell], int]]) -> None:
        """Ask for other clones, which follow from those that there are: another thread may be about to change them."""
        deployment = self.get_root_cell()._deployment
        if deployment is None:
            self._nb_clones = self._checked_clones(get_clones())
        else:
            deployment.rescale(self, lambda: self._checked_clones(get_clones()))

    def _checked_clones(self, clones: dict[type[ACloneCell], int]) -> dict[type[ACloneCell], int]:
        raise_if_not(self._explain_number_of_clones(sum(clones.values())), ScalingNotSupportedException)
        return clones

    def _may_have_clones(self) -> bool:
        return issubclass(self._strategy, CloningStrategy)

    def _explain_number_of_clones(self, number: int) -> BoolExplained:
        if number and not self._may_have_clones():
            return FalseExplained(
                f"{self.get_full_name()} has the strategy {self._strategy.__name__} and cannot have clones: "
                f"set_scaling_strategy_type(CloningStrategy) first"
            )
        if number > 1 and self._cells and not self.get_inner_cell().supports_scaling():
            return FalseExplained(
                f"{self.get_inner_cell().get_full_name()} does not support scaling and can have one clone at most, "
                f"not {number}"
            )
        return TrueExplained()

    def _take_over(self, original: ACell) -> None:
        super()._take_over(original)
        assert isinstance(original, ScalableCell)
        self._strategy = original._strategy
        self._nb_clones = dict(original._nb_clones)
        self._ray_options = dict(original._ray_options)
