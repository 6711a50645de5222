"""python -m pmt_helpers sweep membership and inversion: the stored results of the attacks on activity models."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pmt_helpers.datasets import activity_names

if TYPE_CHECKING:
    import pandas as pd

    from pmt_helpers.datasets import ActivityData


def _options(command: Callable) -> Callable:
    for option in (
        click.option("--work", type=click.Path(path_type=Path), default=Path("build/sweep"), show_default=True,
                     help="Folder for the pieces: a stopped sweep goes on where it was."),
        click.option("--out", type=click.Path(path_type=Path), help="Folder for the result; default: data/results."),
        click.option("--dask", metavar="ADDRESS", help="Compute on this Dask cluster instead."),
        click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes side by side."),
        click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of every random choice."),
        click.option("--dataset", type=click.Choice(activity_names()), default="watch", show_default=True),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command()
@_options
def membership(dataset: str, seed: int, workers: int, dask: str | None, out: Path | None, work: Path) -> None:
    """Who and what was in the training: attacks on the shared and the personal model, with ROC curves."""
    from pmt_helpers.attacks.membership_grid import membership_grid
    from pmt_helpers.datasets import load_activity

    data = load_activity(dataset)
    started = time.perf_counter()
    name = f"membership_{dataset}"
    found = membership_grid(data, work / name, seed=seed, workers=workers, dask=dask)
    grids = {name: found.table, f"membership_roc_{dataset}": found.roc, f"membership_people_{dataset}": found.people}
    _store(grids, data, "membership", seed, started, out)


@click.command()
@_options
def inversion(dataset: str, seed: int, workers: int, dask: str | None, out: Path | None, work: Path) -> None:
    """Profiles of a person's activities read from a model, and windows read from an uploaded gradient."""
    from pmt_helpers.attacks.inversion_grid import gradient_grid, inversion_grid
    from pmt_helpers.datasets import load_activity

    data = load_activity(dataset)
    started = time.perf_counter()
    grids = {
        name: compute(data, work / name, seed=seed, workers=workers, dask=dask)
        for name, compute in ((f"inversion_{dataset}", inversion_grid), (f"gradients_{dataset}", gradient_grid))
    }
    _store(grids, data, "inversion", seed, started, out)


def _store(
    grids: "dict[str, pd.DataFrame]", data: "ActivityData", command: str, seed: int, started: float, out: Path | None
) -> None:
    from pmt_helpers.datasets.grids import activity_digest, write_grid
    from pmt_helpers.datasets.locations import shipped

    origin: dict[str, Any] = {
        "dataset": data.card.name,
        "dataset_digest": activity_digest(data),
        "command": f"python -m pmt_helpers sweep {command} --dataset {data.card.name} --seed {seed}",
        "seed": seed,
        "seconds": round(time.perf_counter() - started),
    }
    for name, frame in grids.items():
        digits = 7 if name.startswith(("gradients", "membership_roc")) else 4  # float32's rounding, and log axes
        click.echo(write_grid(frame, (out or shipped("results")) / f"{name}.csv", digits=digits, **origin))
