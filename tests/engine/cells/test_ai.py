"""The cells of `ai`. The models are made here: ONNX files byte by byte, so that no package is needed to write them.

What needs onnxruntime or PyTorch is skipped where they are not installed.
"""

from importlib.util import find_spec

import numpy as np
import pytest
from vision_support import deployed, run_once

from pypipeline_engine.cell import Pipeline
from pypipeline_engine.cellio import OutputPort
from pypipeline_engine.cells import ai
from pypipeline_engine.cells.onnx_file import OnnxNames, read_onnx_names
from pypipeline_engine.connection import Connection
from pypipeline_engine.exceptions import CannotBeDeletedException, InvalidInputException, InvalidStateException

FLOAT, INT64 = 1, 7
needs_onnxruntime = pytest.mark.skipif(find_spec("onnxruntime") is None, reason="onnxruntime is not installed")
needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")


# ---------------------------------------------------------------- ONNX files, after onnx.proto3


def varint(value):
    encoded = b""
    while value >= 0x80:
        encoded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return encoded + bytes([value])


def message(*fields):
    encoded = b""
    for number, value in fields:
        if isinstance(value, int):
            encoded += varint(number << 3) + varint(value)
        else:
            content = value.encode() if isinstance(value, str) else value
            encoded += varint(number << 3 | 2) + varint(len(content)) + content
    return encoded


def value_info(name, shape, element=FLOAT):
    dimensions = [(1, message((2 if isinstance(side, str) else 1, side))) for side in shape]
    return message((1, name), (2, message((1, message((1, element), (2, message(*dimensions)))))))


def node(operation, inputs, output):
    return message(*((1, name) for name in inputs), (2, output), (3, f"node_{output}"), (4, operation))


def constant(name, values):
    sides = [(1, side) for side in values.shape]
    return message(*sides, (2, FLOAT), (8, name), (9, values.astype(np.float32).tobytes()))


def onnx_model(inputs, outputs, nodes, constants=(), ir_version=8):
    graph = message(
        *((1, item) for item in nodes),
        (2, "graph"),
        *((5, item) for item in constants),
        *((11, item) for item in inputs),
        *((12, item) for item in outputs),
    )
    return message((1, ir_version), (2, "tests"), (7, graph), (8, message((1, ""), (2, 13))))


BIAS = np.array([-100.0, 0.0, 20.0]).reshape(1, 3, 1, 1)


@pytest.fixture
def image_model(tmp_path):
    """relu(image + BIAS) for a tensor of 1 x 3 x 4 x 6."""
    shape = (1, 3, 4, 6)
    path = tmp_path / "image.onnx"
    path.write_bytes(
        onnx_model(
            [value_info("image", shape)],
            [value_info("result", shape)],
            [node("Add", ["image", "bias"], "moved"), node("Relu", ["moved"], "result")],
            [constant("bias", BIAS)],
        )
    )
    return path


@pytest.fixture
def pair_model(tmp_path):
    """Sum and product of two tensors of batch x 2."""
    shape = ("batch", 2)
    path = tmp_path / "pair.onnx"
    path.write_bytes(
        onnx_model(
            [value_info("left", shape), value_info("right.hand", shape)],
            [value_info("sum", shape), value_info("the.product", shape)],
            [node("Add", ["left", "right.hand"], "sum"), node("Mul", ["left", "right.hand"], "the.product")],
        )
    )
    return path


@pytest.fixture
def flat_model(tmp_path):
    """Multiplies the 72 values of an image of 6 x 4 pixels with a matrix, which fits no other size."""
    path = tmp_path / "flat.onnx"
    path.write_bytes(
        onnx_model(
            [value_info("image", (1, 3, 4, 6))],
            [value_info("result", (1, 2))],
            [node("Flatten", ["image"], "flat"), node("MatMul", ["flat", "matrix"], "result")],
            [constant("matrix", np.ones((72, 2)))],
        )
    )
    return path


def on_image(image):
    return np.maximum(image.astype(np.float32).transpose(2, 0, 1)[None] + BIAS, 0)


def small_image():
    return np.random.default_rng(5).integers(0, 256, (4, 6, 3), dtype=np.uint8)


# ---------------------------------------------------------------- names in ONNX files


def test_names_of_inputs_and_outputs(image_model, pair_model):
    assert read_onnx_names(image_model) == OnnxNames(["image"], ["result"])
    assert read_onnx_names(pair_model) == OnnxNames(["left", "right.hand"], ["sum", "the.product"])


def test_weights_among_the_inputs_of_old_models_are_no_inputs(tmp_path):
    path = tmp_path / "old.onnx"
    inputs = [value_info("bias", (2,)), value_info("x", (2,))]
    nodes = [node("Add", ["x", "bias"], "y")]
    path.write_bytes(onnx_model(inputs, [value_info("y", (2,))], nodes, [constant("bias", np.ones(2))], ir_version=3))
    assert read_onnx_names(path) == OnnxNames(["x"], ["y"])


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00", b"\xff" * 40, b"\x08\x08", b"\x3a\xff\x01"])
def test_a_file_that_is_no_model_is_refused(tmp_path, content):
    path = tmp_path / "wrong.onnx"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="the file is"):
        read_onnx_names(path)


def test_a_model_that_is_cut_off_is_refused(image_model):
    content = image_model.read_bytes()
    for length in range(len(content) // 2):
        image_model.write_bytes(content[:length])
        with pytest.raises(ValueError, match="the file is"):
            read_onnx_names(image_model)


# ---------------------------------------------------------------- DnnModel


def test_dnn_model_runs_on_an_image(image_model):
    image = small_image()
    result = run_once(ai.DnnModel, {"model": image_model}, image=image)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, on_image(image), rtol=1e-6)


def test_dnn_model_prepares_the_image(image_model):
    image = small_image()
    parameters = {"model": image_model, "mean": (10.0, 20.0, 30.0), "scale": 0.5, "swap_rb": True}
    result = run_once(ai.DnnModel, parameters, image=image)
    # The mean is in the order that the network takes: red first.
    prepared = (image[..., ::-1].astype(np.float32) - [10, 20, 30]) * 0.5
    np.testing.assert_allclose(result, on_image(prepared), rtol=1e-5, atol=1e-4)


def test_dnn_model_brings_the_image_to_the_size(image_model):
    image = np.full((50, 70, 3), 200, np.uint8)
    result = run_once(ai.DnnModel, {"model": image_model, "size": (6, 4)}, image=image)
    np.testing.assert_allclose(result, on_image(np.full((4, 6, 3), 200, np.uint8)), rtol=1e-5)


def test_a_result_stays_as_it_is_when_the_next_one_comes(image_model):
    images = [np.full((4, 6, 3), value, np.uint8) for value in (100, 200)]
    with deployed(ai.DnnModel, {"image": images}, model=image_model) as probe:
        first = probe.pull()
        before = first.copy()
        probe.pull()
    np.testing.assert_array_equal(first, before)


def test_dnn_model_gives_the_output_of_a_layer(image_model):
    image = small_image()
    moved = image.astype(np.float32).transpose(2, 0, 1)[None] + BIAS
    with deployed(ai.DnnModel, {"image": [image] * 2}, model=image_model, layer="onnx_node!node_moved") as probe:
        for _ in range(2):
            np.testing.assert_allclose(probe.pull(), moved, rtol=1e-6)


def test_a_layer_that_the_network_does_not_have_is_an_error_at_deployment(image_model):
    words = r"rig.cell.layer names the layer 'none', which .*; it has .*onnx_node!node_moved"
    with (
        pytest.raises(InvalidInputException, match=words),
        deployed(ai.DnnModel, {"image": []}, model=image_model, layer="none"),
    ):
        pass


def test_an_image_that_the_network_does_not_take_is_refused_in_words(flat_model):
    images = [np.zeros((9, 8, 3), np.uint8), np.ones((4, 6, 3), np.uint8)]
    words = r"rig.cell cannot run its network on an image of 9 x 8 x 3, brought to 8 x 9 px: set size"
    with deployed(ai.DnnModel, {"image": images}, model=flat_model) as probe:
        with pytest.raises(InvalidInputException, match=words):
            probe.pull()
        assert probe.pull().tolist() == [[72, 72]]


@pytest.mark.parametrize(("name", "content"), [("wrong.onnx", b"hello"), ("wrong.xyz", b"hello"), ("wrong.onnx", b"")])
def test_a_network_that_opencv_cannot_read_is_an_error_at_deployment(tmp_path, name, content, capfd):
    path = tmp_path / name
    path.write_bytes(content)
    with (
        pytest.raises(InvalidInputException, match=rf"rig.cell: the parameter model .* cannot read: .*{name}"),
        deployed(ai.DnnModel, {"image": []}, model=path),
    ):
        pass
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("parameter", ["model", "config"])
def test_a_missing_file_is_an_error_at_deployment(tmp_path, image_model, parameter):
    files = {"model": image_model, parameter: tmp_path / "missing.bin"}
    with (
        pytest.raises(InvalidInputException, match=rf"rig.cell: the parameter {parameter} .* not exist: .*missing.bin"),
        deployed(ai.DnnModel, {"image": []}, **files),
    ):
        pass


@pytest.mark.parametrize(
    ("parameter", "value", "words"),
    [
        ("size", (6,), "expected width and height"),
        ("size", (6, 0), "expected width and height"),
        ("size", (6, 4.5), "expected a whole number"),
        ("mean", (1, 2), "expected three numbers"),
        ("mean", 5.0, "expected three numbers"),
        ("mean", (1, 2, "3"), "expected a finite number"),
    ],
)
def test_dnn_parameters_are_checked(parameter, value, words):
    with pytest.raises(InvalidInputException, match=words):
        ai.DnnModel(None, "net").get_input(parameter).set_value(value)


# ---------------------------------------------------------------- OnnxModel


def io_names(cell):
    return cell.get_input_names(), cell.get_output_names()


def test_the_ports_of_an_onnx_model(pair_model, image_model):
    model = ai.OnnxModel(None, "model")
    assert io_names(model) == (["tensor", "path", "providers", "threads"], ["tensor"])
    model.path.set_value(pair_model)
    assert io_names(model) == (["tensor", "path", "providers", "threads", "right_hand"], ["tensor", "the_product"])
    model.path.set_value(image_model)
    assert io_names(model) == (["tensor", "path", "providers", "threads"], ["tensor"])
    model.path.set_value(pair_model)
    model.path.set_value(pair_model.with_name("missing.onnx"))
    assert io_names(model) == (["tensor", "path", "providers", "threads"], ["tensor"])


def test_a_clone_has_the_same_ports(pair_model):
    model = ai.OnnxModel(None, "model")
    model.path.set_value(pair_model)
    assert io_names(model.clone(Pipeline(None, "p"))) == io_names(model)


def test_a_port_that_is_connected_does_not_vanish(pair_model, image_model):
    pipeline = Pipeline(None, "p")
    model = ai.OnnxModel(pipeline, "model")
    model.path.set_value(pair_model)
    Connection(model.get_output("the_product"), OutputPort(pipeline, "product"))
    with pytest.raises(CannotBeDeletedException, match=r"p.model.the_product is still connected"):
        model.path.set_value(image_model)


@pytest.mark.skipif(find_spec("onnxruntime") is not None, reason="onnxruntime is installed")
def test_without_onnxruntime_the_command_that_installs_it_is_named(image_model):
    with (
        pytest.raises(InvalidStateException, match=r"rig.cell needs onnxruntime, .*: pip install onnxruntime"),
        deployed(ai.OnnxModel, {"tensor": []}, path=image_model),
    ):
        pass


@needs_onnxruntime
def test_onnx_model_runs(image_model):
    image = small_image()
    tensor = image.astype(np.float32).transpose(2, 0, 1)[None]
    tensor.flags.writeable = False
    result = run_once(ai.OnnxModel, {"path": image_model}, tensor=tensor)
    np.testing.assert_allclose(result, on_image(image), rtol=1e-6)


@needs_onnxruntime
def test_every_input_and_output_has_a_port(pair_model):
    left, right = np.array([[1, 2]], np.float32), np.array([[3, 4]], np.float32)
    streams = {"tensor": [left], "right_hand": [right]}
    with deployed(ai.OnnxModel, streams, path=pair_model) as probe:
        results = probe.pull()
    np.testing.assert_array_equal(results["tensor"], [[4, 6]])
    np.testing.assert_array_equal(results["the_product"], [[3, 8]])


@needs_onnxruntime
@pytest.mark.parametrize(
    "tensor",
    [None, [[1.0, 2.0]], np.zeros((1, 2)), np.zeros((1, 3), np.float32), np.zeros(2, np.float32)],
)
def test_what_the_model_does_not_take_is_refused_in_words(pair_model, tensor):
    streams = {"tensor": [tensor], "right_hand": [np.zeros((1, 2), np.float32)]}
    with (
        deployed(ai.OnnxModel, streams, path=pair_model) as probe,
        pytest.raises(
            InvalidInputException, match=r"rig.cell.tensor expects an array of float32, batch x 2; what came is"
        ),
    ):
        probe.pull()


@needs_onnxruntime
@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        (
            {"providers": ("NoSuchProvider",)},
            r"rig.cell.providers names NoSuchProvider, .* it has .*CPUExecutionProvider",
        ),
        ({"path": "missing.onnx"}, r"rig.cell: the parameter path names a file that does not exist: missing.onnx"),
    ],
)
def test_what_onnxruntime_lacks_is_an_error_at_deployment(image_model, parameters, words):
    with (
        pytest.raises(InvalidInputException, match=words),
        deployed(ai.OnnxModel, {"tensor": []}, **{"path": image_model, **parameters}),
    ):
        pass


@needs_onnxruntime
def test_a_file_that_is_no_onnx_model_is_an_error_at_deployment(tmp_path):
    path = tmp_path / "wrong.onnx"
    path.write_bytes(b"hello")
    with (
        pytest.raises(
            InvalidInputException, match=r"rig.cell: the parameter path names a model that onnxruntime cannot"
        ),
        deployed(ai.OnnxModel, {"tensor": []}, path=path),
    ):
        pass


@needs_onnxruntime
def test_a_file_that_changed_since_its_path_was_set_is_an_error_at_deployment(image_model, pair_model):
    with (
        pytest.raises(InvalidInputException, match=r"rig.cell: the parameter path .* set it again"),
        deployed_after(lambda: image_model.write_bytes(pair_model.read_bytes()), path=image_model),
    ):
        pass


def deployed_after(change, path):
    class Changing(ai.OnnxModel):
        def _on_deploy(self):
            change()
            super()._on_deploy()

    return deployed(Changing, {"tensor": []}, path=path)


# ---------------------------------------------------------------- PyTorch


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed")
@pytest.mark.parametrize("streams", [{"tensor": []}, {}])
def test_without_torch_the_command_that_installs_it_is_named(streams, image_model):
    cell_class, parameters = (ai.TorchModel, {"path": image_model}) if streams else (ai.DataLoader, {"dataset": "m:f"})
    with (
        pytest.raises(InvalidStateException, match=r"rig.cell needs torch, .*: pip install torch"),
        deployed(cell_class, streams, **parameters),
    ):
        pass


@pytest.fixture
def torch_model(tmp_path):
    import torch

    class Double(torch.nn.Module):
        def forward(self, x):
            return 2 * x

    path = tmp_path / "double.pt"
    torch.jit.save(torch.jit.trace(Double(), torch.zeros(2, 3)), str(path))
    return path


@needs_torch
@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_torch_model_runs(torch_model):
    tensor = np.arange(6, dtype=np.float32).reshape(2, 3)[:, ::-1]
    tensor.flags.writeable = False
    result = run_once(ai.TorchModel, {"path": torch_model}, tensor=tensor)
    assert isinstance(result, np.ndarray)
    np.testing.assert_array_equal(result, 2 * tensor)


@needs_torch
@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"device": "nonsense"}, r"rig.cell.device cannot be 'nonsense'"),
        ({"path": __file__}, r"rig.cell: the parameter path names a file that is not a TorchScript model"),
    ],
)
def test_what_torch_refuses_is_an_error_at_deployment(torch_model, parameters, words):
    with (
        pytest.raises(InvalidInputException, match=words),
        deployed(ai.TorchModel, {"tensor": []}, **{"path": torch_model, **parameters}),
    ):
        pass


def test_a_torch_model_on_another_device_asks_for_a_gpu():
    model = ai.TorchModel(None, "model")
    assert model.get_nb_required_gpus() == 0
    model.device.set_value("cuda:0")
    assert model.get_nb_required_gpus() == 1


class Squares:
    """Ten samples i, i with the label i * i."""

    def __len__(self):
        return 10

    def __getitem__(self, index):
        if index >= len(self):
            raise IndexError(index)
        return np.array([index, index], np.float32), index * index


@ai.dataset_factory
def squares():
    return Squares()


@ai.dataset_factory
def bare_numbers():
    return list(range(10))


SQUARES = "test_ai:squares"


def epoch(probe, number):
    pulled = [probe.pull() for _ in range(number)]
    return [item["sample"] for item in pulled], [item["label"] for item in pulled]


@needs_torch
def test_data_loader_gives_batches_in_order():
    with deployed(ai.DataLoader, {}, dataset=SQUARES, batch_size=4) as probe:
        assert probe.cell.get_nb_available_pulls() == 3
        samples, labels = epoch(probe, 3)
        assert probe.cell.get_nb_available_pulls() == 0
        with pytest.raises(StopIteration):
            probe.pull()
    assert [sample.shape for sample in samples] == [(4, 2), (4, 2), (2, 2)]
    assert samples[0].dtype == np.float32
    assert np.concatenate(labels).tolist() == [index * index for index in range(10)]


@needs_torch
def test_data_loader_shuffles_anew_at_each_reset():
    def two_epochs():
        with deployed(ai.DataLoader, {}, dataset=SQUARES, batch_size=10, shuffle=True, seed=1) as probe:
            first = probe.pull()["label"].tolist()
            probe.pipeline.reset()
            return first, probe.pull()["label"].tolist()

    first, second = two_epochs()
    assert sorted(first) == sorted(second) == [index * index for index in range(10)]
    assert first != second
    assert two_epochs() == (first, second)


@needs_torch
def test_data_loader_expects_pairs():
    with (
        deployed(ai.DataLoader, {}, dataset="test_ai:bare_numbers") as probe,
        pytest.raises(
            InvalidInputException, match=r"rig.cell.dataset must name a dataset of pairs of sample and label"
        ),
    ):
        probe.pull()


@needs_torch
@pytest.mark.parametrize("name", ["os:getcwd", "test_ai:Squares", "nonsense", ""])
def test_data_loader_runs_only_what_was_offered(name):
    with (
        pytest.raises(
            InvalidInputException, match=r"rig.cell.dataset names .*, which nothing offers: .*test_ai:squares"
        ),
        deployed(ai.DataLoader, {}, dataset=name),
    ):
        pass
