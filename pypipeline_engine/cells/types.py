"""Names for the values that travel between cells, to be written in annotations: `self.image: Input[Image]`.

The engine does not enforce them; tools read them from the source for colours and to refuse a wire that makes no sense.
Importing this module does not load numpy.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Image: TypeAlias = "npt.NDArray[np.uint8]"
"""`uint8`, height x width x 3 in BGR order, or height x width."""

Mask: TypeAlias = "npt.NDArray[np.uint8]"
"""`uint8`, height x width: 0 is background, 255 foreground, what lies between is uncertain (127: a shadow)."""

Boxes: TypeAlias = "npt.NDArray[np.float32]"
"""`float32`, n x 5: x and y of the upper left corner, width, height (pixels), score."""

Tracks: TypeAlias = "npt.NDArray[np.float32]"
"""`float32`, n x 6: a box (x, y, width, height, score) and the number of its track."""

Flow: TypeAlias = "npt.NDArray[np.float32]"
"""`float32`, height x width x 2: how far each pixel moves to the right and down, in pixels."""

Tensor: TypeAlias = "npt.NDArray[Any]"
"""An array of any shape and type of number."""

Number: TypeAlias = "float | npt.NDArray[Any]"
"""A number, or an array that is calculated with element by element."""

Text: TypeAlias = str
"""A string."""

Record: TypeAlias = dict[str, Any]
"""Named values, such as one row of a table."""

InputPath: TypeAlias = Path
"""Where a cell reads. A relative path in a graph file is meant relative to that file."""

OutputPath: TypeAlias = Path
"""Where a cell writes. A relative path in a graph file is meant relative to the output folder of the run."""
