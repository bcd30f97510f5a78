"""Cells: what a pipeline consists of."""

from typing import TypeAlias

from pypipeline_engine.cell.base import ACell, ASingleCell
from pypipeline_engine.cell.composite import ACompositeCell, Pipeline
from pypipeline_engine.cell.policy import ErrorPolicy
from pypipeline_engine.cell.scalable import (
    ACloneCell,
    AScalingStrategy,
    CloningStrategy,
    NoScalingStrategy,
    RayCloneCell,
    RayCluster,
    ScalableCell,
    ThreadCloneCell,
)

ICell: TypeAlias = ACell
"""Any cell."""
ICompositeCell: TypeAlias = ACompositeCell
"""Any cell that holds other cells."""
ICloneCell: TypeAlias = ACloneCell
"""Any way of running a clone."""

__all__ = [
    "ACell",
    "ACloneCell",
    "ACompositeCell",
    "AScalingStrategy",
    "ASingleCell",
    "CloningStrategy",
    "ErrorPolicy",
    "ICell",
    "ICloneCell",
    "ICompositeCell",
    "NoScalingStrategy",
    "Pipeline",
    "RayCloneCell",
    "RayCluster",
    "ScalableCell",
    "ThreadCloneCell",
]
