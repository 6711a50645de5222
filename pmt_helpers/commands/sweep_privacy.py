"""python -m pmt_helpers sweep privacy: the stored price of differential privacy for the shared model."""

import time
from pathlib import Path

import click

from pmt_helpers.datasets import activity_names


@click.command()
@click.option("--dataset", type=click.Choice(activity_names()), default="watch", show_default=True)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes side by side.")
@click.option("--dask", metavar="ADDRESS", help="Compute on this Dask cluster instead, such as tcp://127.0.0.1:8786.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the result; default: data/results.")
@click.option("--work", type=click.Path(path_type=Path), default=Path("build/sweep"), show_default=True,
              help="Folder for the pieces: a stopped sweep goes on where it was.")  # fmt: skip
def privacy(dataset: str, workers: int, dask: str | None, out: Path | None, work: Path) -> None:
    """Shared and personal accuracy by epsilon, with each window or each volunteer protected."""
    from pmt_helpers.datasets import load_activity
    from pmt_helpers.datasets.grids import activity_digest, write_grid
    from pmt_helpers.datasets.locations import shipped
    from pmt_helpers.privacy.grid import DELTA, SETTINGS, privacy_grid

    data = load_activity(dataset)
    name = f"privacy_{dataset}"
    started = time.perf_counter()
    rows = privacy_grid(data, work / name, workers=workers, dask=dask)
    origin = {
        "dataset": dataset,
        "dataset_digest": activity_digest(data),
        "command": f"python -m pmt_helpers sweep privacy --dataset {dataset}",
        "seed": sorted({seed for setting in SETTINGS for seed in setting.seeds}),
        "seconds": round(time.perf_counter() - started),
        "delta": DELTA,
    }
    click.echo(write_grid(rows, (out or shipped("results")) / f"{name}.csv", digits=4, **origin))
