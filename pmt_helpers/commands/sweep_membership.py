"""python -m pmt_helpers sweep membership and inversion: the stored results of the attacks on activity models."""

import time
from pathlib import Path

import click

from pmt_helpers.commands.sweep_common import activity_option, pieces_options, store

FINE = 7  # digits, for float32's rounding and for log axes


@click.command()
@activity_option
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of every random choice.")
@pieces_options
def membership(dataset: str, seed: int, workers: int, dask: str | None, out: Path | None, work: Path) -> None:
    """Who and what was in the training: attacks on the shared and the personal model, with ROC curves."""
    from pmt_helpers.datasets import load_activity
    from pmt_helpers.experiments.membership import membership_grid

    data = load_activity(dataset)
    started = time.perf_counter()
    name = f"membership_{dataset}"
    found = membership_grid(data, work / name, seed=seed, workers=workers, dask=dask)
    command = f"membership --dataset {dataset} --seed {seed}"
    tables = {name: found.table, f"membership_people_{dataset}": found.people}
    store(tables, data, command, seed, started, out, digits=4)
    store({f"membership_roc_{dataset}": found.roc}, data, command, seed, started, out, digits=FINE)


@click.command()
@activity_option
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of every random choice.")
@pieces_options
def inversion(dataset: str, seed: int, workers: int, dask: str | None, out: Path | None, work: Path) -> None:
    """Profiles of a person's activities read from a model, and windows read from an uploaded gradient."""
    from pmt_helpers.datasets import load_activity
    from pmt_helpers.experiments.inversion import gradient_grid, inversion_grid

    data = load_activity(dataset)
    started = time.perf_counter()
    command = f"inversion --dataset {dataset} --seed {seed}"
    for kind, compute, digits in (("inversion", inversion_grid, 4), ("gradients", gradient_grid, FINE)):
        name = f"{kind}_{dataset}"
        table = compute(data, work / name, seed=seed, workers=workers, dask=dask)
        store({name: table}, data, command, seed, started, out, digits=digits)
