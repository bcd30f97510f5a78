"""Cells that need PyTorch. Their type names are `ai.TorchModel` and `ai.DataLoader`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.cellio import ConfigParameter, Input, Output
from pypipeline_engine.cells.checks import refuse, truth, whole, whole_or_none
from pypipeline_engine.cells.files import describe_parameter, get_input_file
from pypipeline_engine.cells.packages import import_package
from pypipeline_engine.exceptions import InvalidInputException

if TYPE_CHECKING:
    from pypipeline_engine.cell import ICompositeCell
    from pypipeline_engine.cells.types import InputPath, Tensor

Factory = TypeVar("Factory", bound=Callable[[], Any])

_factories: dict[str, Callable[[], Any]] = {}
"""By `module:function`, what `dataset_factory` has offered. Filled when modules are imported, only read after."""


def dataset_factory(function: Factory) -> Factory:
    """Offer a function without arguments, which makes a dataset, to `ai.DataLoader`; a decorator.

    A graph names the function as `module:function`. Only what a program or an approved module offers can be named there: a
    graph file must not be able to make any code run that its user has not let in. For a module that was approved as a file,
    `module` is the name of the file.
    """
    module = function.__module__
    for name in (module, Path(function.__code__.co_filename).stem):
        _factories[f"{name}:{function.__name__}"] = function
    return function


class TorchModel(ASingleCell):
    """Runs a model in the TorchScript format with PyTorch, without gradients. The model takes one tensor and gives one. May
    be scaled; each clone loads the model.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.tensor: Input[Tensor] = Input(self, "tensor", doc="What the model takes.")
        self.path: ConfigParameter[InputPath] = ConfigParameter(
            self, "path", doc="The model, a file as torch.jit.save writes it."
        )
        self.device: ConfigParameter[str] = ConfigParameter(
            self, "device", default_value="cpu", doc="Where the model runs, by PyTorch's names, such as cuda:0."
        )
        self.result: Output[Tensor] = Output(self, "tensor", doc="What the model gives.")

    def get_nb_required_gpus(self) -> float:
        """One, unless it runs on the processor."""
        return 0.0 if self.device.get_value() == "cpu" else 1.0

    def _on_deploy(self) -> None:
        self._torch = import_package(self, "torch")
        path, device = get_input_file(self.path), self.device.pull()
        try:
            self._device = self._torch.device(device)
            self._torch.empty(0, device=self._device)
        except (RuntimeError, AssertionError) as error:
            raise InvalidInputException(f"{self.device.get_full_name()} cannot be {device!r}: {error}") from error
        try:
            self._model: Any = self._torch.jit.load(str(path), map_location=self._device).eval()
        except (RuntimeError, ValueError) as error:
            raise InvalidInputException(
                f"{describe_parameter(self.path)} names a file that is not a TorchScript model: {path}: {error}"
            ) from error

    def _on_undeploy(self) -> None:
        self._model = None

    def _on_pull(self) -> None:
        value = self.tensor.pull()
        if not isinstance(value, np.ndarray):
            refuse(self.tensor, "an array", value)
        # PyTorch takes neither read-only memory nor negative strides.
        array = np.require(value, requirements=["C", "W"])
        try:
            tensor = self._torch.from_numpy(array).to(self._device)
        except TypeError as error:
            raise InvalidInputException(f"{self.tensor.get_full_name()}: {error}") from error
        with self._torch.inference_mode():
            result = self._model(tensor)
        if not isinstance(result, self._torch.Tensor):
            raise InvalidInputException(
                f"{self.get_full_name()} expects a model that gives one tensor, not {type(result).__name__}"
            )
        self.result.set_value(result.cpu().numpy())


class DataLoader(ASingleCell):
    """Gives the samples and labels of a dataset in batches, by PyTorch's DataLoader. `dataset` names a function that was
    offered with `pypipeline_engine.cells.ai.dataset_factory` by the program or by an approved module; the dataset gives
    pairs of sample and label. A reset starts the next epoch, shuffled anew. It is a source and cannot be scaled.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.dataset: ConfigParameter[str] = ConfigParameter(
            self, "dataset", doc="The function that makes the dataset, as module:function."
        )
        self.batch_size: ConfigParameter[int] = ConfigParameter(
            self,
            "batch_size",
            whole,
            default_value=8,
            minimum=1,
            unit="samples",
            doc="Samples in a batch; the last one may be smaller.",
        )
        self.shuffle: ConfigParameter[bool] = ConfigParameter(
            self, "shuffle", truth, default_value=False, doc="Whether each epoch has an order of its own, by chance."
        )
        self.seed: ConfigParameter[int | None] = ConfigParameter(
            self,
            "seed",
            whole_or_none,
            default_value=None,
            minimum=0,
            doc="Makes the orders repeatable; none: they are not.",
        )
        self.sample: Output[Tensor] = Output(self, "sample", doc="A batch of samples: batch x the shape of one.")
        self.label: Output[Any] = Output(
            self, "label", doc="Their labels: an array, or a list where they are no numbers."
        )
        self._loader: Any = None
        self._nb_given = 0

    def supports_scaling(self) -> bool:
        """Never: it keeps its place in the dataset."""
        return False

    def get_nb_available_pulls(self) -> int | None:
        """The batches that are left of this epoch; unknown for a dataset that does not know its length."""
        try:
            return len(self._loader) - self._nb_given
        except TypeError:  # it is an iterable dataset, or not deployed
            return None

    def _on_deploy(self) -> None:
        torch = import_package(self, "torch")
        generator = torch.Generator()
        seed = self.seed.pull()
        if seed is None:
            generator.seed()
        else:
            generator.manual_seed(seed)
        try:
            self._loader = torch.utils.data.DataLoader(
                self._make_dataset(),
                batch_size=self.batch_size.pull(),
                shuffle=self.shuffle.pull(),
                generator=generator,
            )
        except (TypeError, ValueError) as error:
            raise InvalidInputException(f"{self.dataset.get_full_name()} cannot be loaded from: {error}") from error
        self._on_reset()

    def _make_dataset(self) -> Any:
        name = self.dataset.pull()
        factory = _factories.get(name)
        if factory is None:
            known = ", ".join(sorted(_factories)) or "none"
            raise InvalidInputException(
                f"{self.dataset.get_full_name()} names {name!r}, which nothing offers: decorate the function with "
                f"pypipeline_engine.cells.ai.dataset_factory, and import or approve its module; offered are: {known}"
            )
        return factory()

    def _on_reset(self) -> None:
        self._batches: Iterator[Any] = iter(self._loader)
        self._nb_given = 0

    def _on_undeploy(self) -> None:
        self._loader = None
        self._batches = iter(())

    def _on_pull(self) -> None:
        batch = next(self._batches)
        self._nb_given += 1
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            raise InvalidInputException(
                f"{self.dataset.get_full_name()} must name a dataset of pairs of sample and label, not of "
                f"{type(batch).__name__}"
            )
        sample, label = (part.numpy() if hasattr(part, "numpy") else part for part in batch)
        self.sample.set_value(sample)
        self.label.set_value(label)
