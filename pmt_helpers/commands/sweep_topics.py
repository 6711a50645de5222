"""python -m pmt_helpers sweep figure5, figure6, figure8 and held-out: the stored results of the topics chapter."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pmt_helpers.datasets import document_names

if TYPE_CHECKING:
    from pmt_helpers.topics.grids import Collection

_dataset = click.option(
    "--dataset", type=click.Choice(document_names()), default="wikipedia", show_default=True,
    help="Whose documents; with news, the cloud has Wikipedia.",
)  # fmt: skip
_local = click.option("--n-local", type=click.IntRange(1), help="Documents of one person; default: the plan's.")
_out = click.option("--out", type=click.Path(path_type=Path), help="Folder for the result; default: data/results.")


def _pieces(command: Callable) -> Callable:
    for option in (
        click.option("--work", type=click.Path(path_type=Path), default=Path("build/sweep"), show_default=True,
                     help="Folder for the pieces: a stopped sweep goes on where it was."),
        _out,
        click.option("--dask", metavar="ADDRESS", help="Compute on this Dask cluster instead."),
        click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes side by side."),
        click.option("--seeds", type=click.IntRange(1), default=6, show_default=True, help="How many, from 0 on."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command()
@_dataset
@_local
@_pieces
def figure5(dataset: str, n_local: int | None, **options: Any) -> None:
    """Training likelihood by iteration and share of public documents (the paper's Figures 4 and 5)."""
    _store("figure5", "likelihood", dataset, n_local, **options)


@click.command()
@click.option("--dataset", type=click.Choice(["nips", "wikipedia"]), default="wikipedia", show_default=True)
@_pieces
def figure6(dataset: str, **options: Any) -> None:
    """Training likelihood of ten people with one topic each (the paper's Figure 6)."""
    _store("figure6", "one_topic", dataset, None, **options)


@click.command("held-out")
@_dataset
@_local
@_pieces
def held_out(dataset: str, n_local: int | None, **options: Any) -> None:
    """Likelihood and coherence on documents of nobody, for every weight of the prior."""
    _store("held-out", "held_out", dataset, n_local, **options)


@click.command()
@_dataset
@_out
def figure8(dataset: str, out: Path | None) -> None:
    """CPU seconds of an iteration by documents and vocabulary (the shapes of Figures 8a and 8b)."""
    from pmt_helpers.topics.grids import collection, grid_name
    from pmt_helpers.topics.iteration_cost import figure_8

    given = collection(dataset)
    started = time.perf_counter()
    rows = figure_8(given.documents.counts, given.plan)
    _write(rows, grid_name("iteration_cost", dataset), f"figure8 --dataset {dataset}", given, [0], started, out)


def _store(
    command: str,
    kind: str,
    dataset: str,
    n_local: int | None,
    *,
    seeds: int,
    workers: int,
    dask: str | None,
    out: Path | None,
    work: Path,
) -> None:
    from pmt_helpers.topics.grids import collection, grid_name, topic_grid

    name = grid_name(kind, dataset, n_local)
    started = time.perf_counter()
    given = collection(dataset, n_local)
    rows = topic_grid(kind, given, work / name, seeds=range(seeds), workers=workers, dask=dask)
    text = f"{command} --dataset {dataset}" + (f" --n-local {n_local}" if n_local else "") + f" --seeds {seeds}"
    _write(rows, name, text, given, list(range(seeds)), started, out)


def _write(
    rows: Any, name: str, command: str, given: "Collection", seeds: list[int], started: float, out: Path | None
) -> None:
    from pmt_helpers.datasets.grids import write_grid
    from pmt_helpers.datasets.locations import shipped
    from pmt_helpers.topics.grids import documents_digest

    origin: dict[str, Any] = {
        "dataset": given.documents.card.name,
        "dataset_digest": documents_digest(given),
        "command": f"python -m pmt_helpers sweep {command}",
        "seed": seeds,
        "seconds": round(time.perf_counter() - started),
    }
    click.echo(write_grid(rows, (out or shipped("results")) / f"{name}.csv", **origin))
