"""Inputs, outputs, parameters and ports of cells."""

from typing import Any, TypeAlias

from pypipeline_engine.cellio.base import IO
from pypipeline_engine.cellio.inputs import AParameter, ConfigParameter, Input, RuntimeParameter, TargetEnd
from pypipeline_engine.cellio.outputs import Output, SourceEnd
from pypipeline_engine.cellio.ports import InputPort, OutputPort
from pypipeline_engine.core.values import UNSET

IInput: TypeAlias = Input[Any] | InputPort[Any] | ConfigParameter[Any]
"""Anything that `ACell.get_inputs` returns."""
IOutput: TypeAlias = Output[Any] | OutputPort[Any]
"""Anything that `ACell.get_outputs` returns."""
IConnectionEntryPoint: TypeAlias = SourceEnd[Any]
"""Anything at which a connection may start."""
IConnectionExitPoint: TypeAlias = TargetEnd[Any]
"""Anything at which a connection may end."""

__all__ = [
    "IO",
    "UNSET",
    "AParameter",
    "ConfigParameter",
    "IConnectionEntryPoint",
    "IConnectionExitPoint",
    "IInput",
    "IOutput",
    "Input",
    "InputPort",
    "Output",
    "OutputPort",
    "RuntimeParameter",
    "SourceEnd",
    "TargetEnd",
]
