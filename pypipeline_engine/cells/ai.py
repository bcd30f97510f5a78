"""Cells that run trained models. OpenCV, onnxruntime and PyTorch are each needed only by their own cells."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from pypipeline_engine.cell import ASingleCell
from pypipeline_engine.cellio import ConfigParameter, Input, Output, RuntimeParameter
from pypipeline_engine.cells.checks import number, pull_image, refuse, truth, whole
from pypipeline_engine.cells.files import describe_parameter, get_input_file, get_path
from pypipeline_engine.cells.onnx_file import OnnxNames, read_onnx_names
from pypipeline_engine.cells.opencv_io import import_cv2, quiet
from pypipeline_engine.cells.packages import import_package
from pypipeline_engine.cells.torch_cells import DataLoader, TorchModel, dataset_factory
from pypipeline_engine.exceptions import InvalidInputException

if TYPE_CHECKING:
    from pypipeline_engine.cell import ICompositeCell
    from pypipeline_engine.cells.types import Image, InputPath, Tensor

__all__ = ["DataLoader", "DnnModel", "OnnxModel", "TorchModel", "dataset_factory"]

# What onnxruntime calls the types of tensors.
_ONNX_TYPES = {
    "tensor(float16)": np.float16,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int8)": np.int8,
    "tensor(int16)": np.int16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(uint8)": np.uint8,
    "tensor(uint16)": np.uint16,
    "tensor(uint32)": np.uint32,
    "tensor(uint64)": np.uint64,
    "tensor(bool)": np.bool_,
}


class _ModelPath(ConfigParameter[Any]):
    """The path of a model, which decides about the ports of its cell."""

    def set_value(self, value: Any) -> None:
        super().set_value(value)
        cell = self.get_cell()
        assert isinstance(cell, OnnxModel)
        cell._provide_ports()


class OnnxModel(ASingleCell):
    """Runs a model in the ONNX format with onnxruntime. The first input and the first output of the model are the ports
    `tensor`. When `path` is set, the model's other inputs and outputs become ports under their names, dots replaced by
    underscores. May be scaled; each clone loads the model.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.tensor: Input[Tensor] = Input(self, "tensor", doc="What the first input of the model takes.")
        self.path: ConfigParameter[InputPath] = _ModelPath(self, "path", doc="The model, a file with the suffix .onnx.")
        self.providers: ConfigParameter[tuple[str, ...]] = ConfigParameter(
            self,
            "providers",
            _are_texts,
            default_value=("CPUExecutionProvider",),
            doc="What may run the model, by onnxruntime's names, the preferred one first.",
        )
        self.threads: ConfigParameter[int] = ConfigParameter(
            self,
            "threads",
            whole,
            default_value=1,
            minimum=0,
            maximum=1024,
            doc="Threads that work on one item, beside what scaling adds; 0 lets onnxruntime decide.",
        )
        self.result: Output[Tensor] = Output(self, "tensor", doc="What the first output of the model gives.")
        self._names = OnnxNames([], [])
        self._more_inputs: dict[str, Input[Any]] = {}
        """The ports of further inputs, by the model's names for them."""
        self._more_outputs: dict[str, Output[Any]] = {}

    def clone(self, new_parent: ICompositeCell | None) -> OnnxModel:
        """A cell for the same model, with the same ports."""
        copy = super().clone(new_parent)
        assert isinstance(copy, OnnxModel)
        copy._provide_ports()
        return copy

    def _provide_ports(self) -> None:
        """Make a port of each further input and output of the model, and take the ports of the last model away.

        A file that is missing or wrong brings none; what is wrong with it is said at deployment.

        :raises CannotBeDeletedException: if a port that would go is connected.
        """
        names = OnnxNames([], [])
        if self.path.value_is_set():
            with suppress(OSError, ValueError, InvalidInputException):
                names = read_onnx_names(get_path(self.path))
        for ports, wanted in ((self._more_inputs, names.inputs[1:]), (self._more_outputs, names.outputs[1:])):
            for name in [name for name in ports if name not in wanted]:
                ports[name].delete()
                del ports[name]
        for name in names.inputs[1:]:
            if name not in self._more_inputs:
                self._more_inputs[name] = Input[np.ndarray](
                    self, self._port_name(name), doc=f"The input {name} of the model."
                )
        for name in names.outputs[1:]:
            if name not in self._more_outputs:
                self._more_outputs[name] = Output[np.ndarray](
                    self, self._port_name(name), doc=f"The output {name} of the model."
                )
        self._names = names

    def _port_name(self, name: str) -> str:
        port_name = name.replace(".", "_")
        while port_name in self.get_io_names():
            port_name += "_"
        return port_name

    def _on_deploy(self) -> None:
        runtime = import_package(self, "onnxruntime")
        path = get_input_file(self.path)
        providers = list(self.providers.pull())
        unknown = [name for name in providers if name not in runtime.get_available_providers()]
        if unknown:
            raise InvalidInputException(
                f"{self.providers.get_full_name()} names {unknown[0]}, which this onnxruntime does not have; it has "
                f"{', '.join(runtime.get_available_providers())}"
            )
        options = runtime.SessionOptions()
        options.intra_op_num_threads = self.threads.pull()
        try:
            self._session = runtime.InferenceSession(str(path), options, providers=providers)
        except Exception as error:  # onnxruntime's errors have no base class of their own
            raise InvalidInputException(
                f"{describe_parameter(self.path)} names a model that onnxruntime cannot load: {path}: {error}"
            ) from error
        arguments = self._session.get_inputs()
        results = [result.name for result in self._session.get_outputs()]
        if OnnxNames([argument.name for argument in arguments], results) != self._names:
            raise InvalidInputException(
                f"{describe_parameter(self.path)} names a file that was not there, or another one, when it was set; set it "
                f"again, so that the cell gets the ports of the model: {path}"
            )
        self._sources = [
            (argument, self._more_inputs.get(argument.name, self.tensor), _ONNX_TYPES.get(argument.type))
            for argument in arguments
        ]
        self._targets = [self._more_outputs.get(name, self.result) for name in results]

    def _on_undeploy(self) -> None:
        self._session = None

    def _on_pull(self) -> None:
        values = {}
        for argument, source, dtype in self._sources:
            value = source.pull()
            if dtype is not None:
                _check_tensor(source, value, np.dtype(dtype), argument.shape)
            values[argument.name] = value
        assert self._session is not None
        for target, result in zip(self._targets, self._session.run(None, values), strict=True):
            target.set_value(result)


def _check_tensor(source: Input[Any], value: object, dtype: np.dtype[Any], shape: Sequence[Any]) -> None:
    """Refuse what is not an array of this type and shape; the lengths that are not numbers may be any."""
    if isinstance(value, np.ndarray) and value.dtype == dtype and len(shape) == value.ndim:
        fixed = [(wanted, length) for wanted, length in zip(shape, value.shape, strict=True) if isinstance(wanted, int)]
        if all(wanted == length for wanted, length in fixed):
            return
    lengths = " x ".join(str(wanted) if isinstance(wanted, int | str) else "any" for wanted in shape)
    refuse(source, f"an array of {dtype}, {lengths or 'without dimensions'}", value)


class DnnModel(ASingleCell):
    """Runs a neural network on an image with OpenCV's own engine (cv2.dnn), on the processor: ONNX, Caffe, TensorFlow,
    Darknet and more. The image becomes a tensor of 1 x channels x height x width, (image - `mean`) * `scale`. May be scaled;
    each clone loads the model.
    """

    def __init__(self, parent_cell: ICompositeCell | None, name: str) -> None:
        super().__init__(parent_cell, name)
        self.image: Input[Image] = Input(self, "image", doc="Image, grey or in colour as the network takes it.")
        self.model: ConfigParameter[InputPath] = ConfigParameter(
            self, "model", doc="File with the weights; its suffix tells the format, such as .onnx or .caffemodel."
        )
        self.config: ConfigParameter[InputPath | None] = ConfigParameter(
            self, "config", default_value=None, doc="File with the layers, for formats that keep it apart; else none."
        )
        self.layer: ConfigParameter[str | None] = ConfigParameter(
            self, "layer", default_value=None, doc="Name of the layer whose output is given; none: the last one."
        )
        self.size: RuntimeParameter[tuple[int, int] | None] = RuntimeParameter(
            self,
            "size",
            _is_size,
            default_value=None,
            unit="px",
            doc="Width and height that the image is brought to; none: as it comes.",
        )
        self.mean: RuntimeParameter[tuple[float, float, float]] = RuntimeParameter(
            self,
            "mean",
            _is_mean,
            default_value=(0.0, 0.0, 0.0),
            doc="What is subtracted from each channel, in the order that the network takes.",
        )
        self.scale: RuntimeParameter[float] = RuntimeParameter(
            self, "scale", number, default_value=1.0, doc="What values are multiplied with, often 1 / 255 = 0.00392157."
        )
        self.swap_rb: RuntimeParameter[bool] = RuntimeParameter(
            self, "swap_rb", truth, default_value=False, doc="Whether the network takes RGB instead of BGR."
        )
        self.tensor: Output[Tensor] = Output(self, "tensor", doc="Output of the network, float32.")

    def _on_deploy(self) -> None:
        self._cv2 = import_cv2(self)
        model = get_input_file(self.model)
        config = None
        if self.config.pull() is not None:
            config = get_input_file(self.config)
        with quiet(self._cv2):
            try:
                # One for each cell: OpenCV's object must not be used by two threads.
                self._net: Any = self._cv2.dnn.readNet(str(model), "" if config is None else str(config))
            except (self._cv2.error, SystemError) as error:
                raise InvalidInputException(
                    f"{describe_parameter(self.model)} names a network that OpenCV cannot read: {model}: {_brief(error)}"
                ) from error
        self._layer = self.layer.pull()
        if self._layer is not None and self._layer not in self._net.getLayerNames():
            raise InvalidInputException(
                f"{self.layer.get_full_name()} names the layer {self._layer!r}, which the network does not have; it has "
                f"{', '.join(self._net.getLayerNames())}"
            )

    def _on_undeploy(self) -> None:
        self._net = None

    def _on_pull(self) -> None:
        image = pull_image(self.image)
        size, mean = self.size.pull(), self.mean.pull()
        scale, swap_rb = self.scale.pull(), self.swap_rb.pull()
        width_height = (image.shape[1], image.shape[0]) if size is None else tuple(size)
        try:
            blob = self._cv2.dnn.blobFromImage(
                image, scale, width_height, tuple(mean), swapRB=swap_rb and image.ndim == 3
            )
            self._net.setInput(blob)
            result = self._net.forward() if self._layer is None else self._net.forward(self._layer)
        except self._cv2.error as error:
            raise InvalidInputException(
                f"{self.get_full_name()} cannot run its network on an image of {' x '.join(map(str, image.shape))}, "
                f"brought to {width_height[0]} x {width_height[1]} px: set size to what the network takes: {_brief(error)}"
            ) from error
        # A copy: the network may use the memory of its result again.
        self.tensor.set_value(result.copy())


def _brief(error: Exception) -> str:
    """What an error of OpenCV says, in one line."""
    return " ".join(str(error).split())[:300]


def _is_size(value: object) -> bool:
    """Accepts `None`, or two whole numbers of at least 1."""
    if value is not None and not (
        isinstance(value, tuple | list) and len(value) == 2 and all(whole(side) and side >= 1 for side in value)
    ):
        raise InvalidInputException("expected width and height")
    return True


def _is_mean(value: object) -> bool:
    """Accepts three numbers."""
    if not (isinstance(value, tuple | list) and len(value) == 3 and all(map(number, value))):
        raise InvalidInputException("expected three numbers")
    return True


def _are_texts(value: object) -> bool:
    """Accepts texts, at least one."""
    if not (isinstance(value, tuple | list) and value and all(isinstance(text, str) for text in value)):
        raise InvalidInputException("expected a list of names")
    return True
