"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path

import click

from pypipeline_engine.cli.errors import CommandError

graph_argument = click.argument("graph", metavar="GRAPH")
cells_option = click.option(
    "--cells",
    "libraries",
    multiple=True,
    metavar="FILE_OR_MODULE",
    help="Load your own cells from a Python file or an importable module. Repeatable.",
)
output_option = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write to FILE instead of the standard output.",
)
ray_address_option = click.option(
    "--ray-address",
    metavar="HOST:PORT",
    help="Run Ray clones on this cluster, 'auto' for the one on this machine. Without, on the one that RAY_ADDRESS names, "
    "or a Ray that is started when it is needed.",
)
ray_path_option = click.option(
    "--ray-path",
    "ray_paths",
    multiple=True,
    metavar="HERE=THERE",
    help="Where the nodes of the Ray cluster find what is below a folder here. Repeatable.",
)


def set_ray_cluster(address: str | None, paths: tuple[str, ...]) -> None:
    """Say where the Ray clones of this process run.

    :param paths: such as `/home/me/data=/mnt/data`.
    :raises CommandError: where one of them has another form.
    """
    from pypipeline_engine.cell import RayCloneCell, RayCluster

    path_map: dict[str, str] = {}
    for text in paths:
        here, equals, there = text.partition("=")
        if not (here and equals and there):
            raise CommandError(f"--ray-path expects HERE=THERE, such as /home/me/data=/mnt/data, not {text!r}")
        path_map[str(Path(here).absolute())] = there
    RayCloneCell.cluster = RayCluster(address or None, path_map)
