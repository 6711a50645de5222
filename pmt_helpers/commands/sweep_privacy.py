"""python -m pmt_helpers sweep privacy: the stored price of differential privacy for the shared model."""

import time
from pathlib import Path

import click

from pmt_helpers.commands.sweep_common import activity_option, pieces_options, store


@click.command()
@activity_option
@pieces_options
def privacy(dataset: str, workers: int, dask: str | None, out: Path | None, work: Path) -> None:
    """Shared and personal accuracy by epsilon, with each window or each volunteer protected."""
    from pmt_helpers.datasets import load_activity
    from pmt_helpers.experiments.privacy import DELTA, SETTINGS, privacy_grid

    data = load_activity(dataset)
    name = f"privacy_{dataset}"
    started = time.perf_counter()
    rows = privacy_grid(data, work / name, workers=workers, dask=dask)
    seeds = sorted({seed for setting in SETTINGS for seed in setting.seeds})
    store({name: rows}, data, f"privacy --dataset {dataset}", seeds, started, out, digits=4, delta=DELTA)
