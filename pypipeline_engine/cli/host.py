"""`pypipeline host`: the engine as a process, for the studio and other programs."""

from __future__ import annotations

import click

from pypipeline_engine.cli.errors import CommandError
from pypipeline_engine.cli.options import cells_option, ray_address_option, ray_path_option, set_ray_cluster


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="N",
    help="Listen on this port instead of one that is free.",
)
@cells_option
@click.option(
    "--cells-folder",
    "folders",
    multiple=True,
    metavar="FOLDER",
    help="Load your own cells from each Python file in a folder. Repeatable.",
)
@click.option(
    "--approved",
    nargs=2,
    multiple=True,
    metavar="SHA256 FILE_OR_MODULE",
    help="Load cells as with --cells, if the file has this content. Repeatable.",
)
@click.option(
    "--lenient", is_flag=True, help="Start also where cells of --cells cannot be used; the catalogue says why."
)
@ray_address_option
@ray_path_option
@click.option("--stay", is_flag=True, help="Go on when the standard input ends.")
def host(
    port: int,
    libraries: tuple[str, ...],
    folders: tuple[str, ...],
    approved: tuple[tuple[str, str], ...],
    lenient: bool,
    ray_address: str | None,
    ray_paths: tuple[str, ...],
    stay: bool,
) -> None:
    """Serve the engine on this machine, over HTTP.

    Prints one line of JSON with the address and a token, which every request needs. Stops the run and ends when the standard
    input ends, which it does with the program that started it; Ctrl-C does the same.
    """
    from pypipeline_engine.host.graphs import Workshop
    from pypipeline_engine.host.server import listen, serve

    set_ray_cluster(ray_address, ray_paths)
    workshop = Workshop()
    if libraries or folders or approved:
        from pypipeline_engine.catalogue.approval import approve_all
        from pypipeline_engine.cli.loading import make_catalogue

        catalogue = make_catalogue(
            () if lenient else libraries
        )  # nothing is imported yet; what is misspelt is said now
        approve_all(catalogue, libraries if lenient else (), folders, approved)
        workshop = Workshop(lambda: catalogue)
    try:
        listening = listen(port)
    except OSError as error:
        raise CommandError(f"--port: {port} cannot be had: {error.strerror}") from error
    serve(workshop, listening, stay)
