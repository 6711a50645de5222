"""python -m pmt_helpers sweep figure5, figure6, figure8 and held-out: the stored results of the topics chapter."""

import time
from pathlib import Path
from typing import Any

import click

from pmt_helpers.commands.sweep_common import documents_option, out_option, pieces_options, seeds_option, store

_local = click.option("--n-local", type=click.IntRange(1), help="Documents of one person; default: the plan's.")


@click.command()
@documents_option
@_local
@seeds_option(6)
@pieces_options
def figure5(dataset: str, n_local: int | None, **options: Any) -> None:
    """Training likelihood by iteration and share of public documents (the paper's Figures 4 and 5)."""
    _store("figure5", "likelihood", dataset, n_local, **options)


@click.command()
@click.option("--dataset", type=click.Choice(["nips", "wikipedia"]), default="wikipedia", show_default=True)
@seeds_option(6)
@pieces_options
def figure6(dataset: str, **options: Any) -> None:
    """Training likelihood of ten people with one topic each (the paper's Figure 6)."""
    _store("figure6", "one_topic", dataset, None, **options)


@click.command("held-out")
@documents_option
@_local
@seeds_option(6)
@pieces_options
def held_out(dataset: str, n_local: int | None, **options: Any) -> None:
    """Likelihood and coherence on documents of nobody, for every weight of the prior."""
    _store("held-out", "held_out", dataset, n_local, **options)


@click.command()
@documents_option
@out_option
def figure8(dataset: str, out: Path | None) -> None:
    """CPU seconds of an iteration by documents and vocabulary (the shapes of Figures 8a and 8b)."""
    from pmt_helpers.experiments.topics import collection, figure_8, grid_name

    given = collection(dataset)
    started = time.perf_counter()
    rows = figure_8(given.documents.counts, given.plan)
    store({grid_name("iteration_cost", dataset): rows}, given, f"figure8 --dataset {dataset}", [0], started, out)


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
    from pmt_helpers.experiments.topics import collection, grid_name, topic_grid

    name = grid_name(kind, dataset, n_local)
    started = time.perf_counter()
    given = collection(dataset, n_local)
    rows = topic_grid(kind, given, work / name, seeds=range(seeds), workers=workers, dask=dask)
    text = f"{command} --dataset {dataset}" + (f" --n-local {n_local}" if n_local else "") + f" --seeds {seeds}"
    store({name: rows}, given, text, list(range(seeds)), started, out)
