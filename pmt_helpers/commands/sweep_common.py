"""What the sweep commands share: options that several of them take, and how a grid is stored with its origin."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pmt_helpers.datasets import activity_names, document_names

if TYPE_CHECKING:
    import pandas as pd

    from pmt_helpers.datasets import ActivityData
    from pmt_helpers.experiments.topics import Collection

activity_option = click.option("--dataset", type=click.Choice(activity_names()), default="watch", show_default=True)
documents_option = click.option(
    "--dataset", type=click.Choice(document_names()), default="wikipedia", show_default=True,
    help="Whose documents; with news, the cloud has Wikipedia.",
)  # fmt: skip
out_option = click.option(
    "--out", type=click.Path(path_type=Path), help="Folder for the result; default: data/results."
)


def seeds_option(default: int) -> Callable:
    """--seeds, how many."""
    return click.option(
        "--seeds", type=click.IntRange(1), default=default, show_default=True, help="How many seeds, from 0 on."
    )


def pieces_options(command: Callable) -> Callable:
    """--workers, --dask, --out and --work, of a sweep that is computed piece by piece."""
    for option in (
        click.option("--work", type=click.Path(path_type=Path), default=Path("build/sweep"), show_default=True,
                     help="Folder for the pieces: a stopped sweep goes on where it was."),
        out_option,
        click.option("--dask", metavar="ADDRESS",
                     help="Compute on this Dask cluster instead, such as tcp://127.0.0.1:8786."),
        click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes side by side."),
    ):  # fmt: skip
        command = option(command)
    return command


def store(
    tables: "Mapping[str, pd.DataFrame]",
    given: "ActivityData | Collection",
    command: str,
    seed: int | list[int],
    started: float,
    out: Path | None,
    digits: int = 5,
    **more: Any,
) -> None:
    """Write each table under its name into `out`, with the data, the command, the seeds and the seconds it took."""
    from pmt_helpers.datasets import ActivityData
    from pmt_helpers.datasets.files import shipped
    from pmt_helpers.experiments.results import activity_digest, write_grid
    from pmt_helpers.experiments.topics import documents_digest

    if isinstance(given, ActivityData):
        card, digest = given.card, activity_digest(given)
    else:
        card, digest = given.documents.card, documents_digest(given)
    origin: dict[str, Any] = {
        "dataset": card.name,
        "dataset_digest": digest,
        "command": f"python -m pmt_helpers sweep {command}",
        "seed": seed,
        "seconds": round(time.perf_counter() - started),
    }
    for name, table in tables.items():
        click.echo(write_grid(table, (out or shipped("results")) / f"{name}.csv", digits=digits, **origin, **more))
