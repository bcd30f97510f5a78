"""What the tabs of open graphs say: two files of the same name are told apart by their folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

RunMark = Literal["", "running", "paused", "stopping"]
NOT_SAVED: Final = "It was never saved to a file."


@dataclass(frozen=True)
class TabView:
    """One tab."""

    title: str
    path: Path | None = None
    """The file; `None` where it was never saved."""
    is_modified: bool = False
    run: RunMark = ""
    """What a run of it does that goes on."""
    hint: str = ""
    """What tells it apart from another one with the same title."""

    @property
    def tip(self) -> tuple[str, ...]:
        """What there is to know about it, in lines."""
        run = f"{self.run.capitalize()} now" if self.run else ""
        lines = (str(self.path) if self.path is not None else NOT_SAVED, self._unsaved, run)
        return tuple(line for line in lines if line)

    @property
    def spoken(self) -> str:
        """For people who do not see it."""
        return ", ".join(part for part in (self.title, self.hint, self.run, self._unsaved.lower()) if part)

    @property
    def _unsaved(self) -> str:
        return "Has changes that are not saved" if self.is_modified else ""


def hints_of(graphs: Sequence[tuple[str, Path | None]]) -> list[str]:
    """What tells graphs of the same title apart: as many folders as that takes, or a number; empty for all others.

    :param graphs: the title and the file of each.
    """
    groups: dict[str, list[int]] = {}
    for index, (title, _) in enumerate(graphs):
        groups.setdefault(title, []).append(index)
    hints = [""] * len(graphs)
    for indices in groups.values():
        if len(indices) > 1:
            folders = {index: path.parent for index in indices if (path := graphs[index][1]) is not None}
            for index, hint in _distinct_folders(folders).items():
                hints[index] = hint
            new = [index for index in indices if index not in folders]
            for number, index in enumerate(new, 1):
                hints[index] = "new" if len(new) == 1 else f"new {number}"
    return hints


def _distinct_folders(folders: dict[int, Path]) -> dict[int, str]:
    deepest = max((len(folder.parts) for folder in folders.values()), default=0)
    for depth in range(1, deepest + 1):
        found = {index: "/".join(folder.parts[-depth:]) for index, folder in folders.items()}
        if len(set(found.values())) == len(found):
            return found
    return {index: str(folder) for index, folder in folders.items()}
