"""python -m pmt_helpers sweep: recompute a stored result grid."""

import time
from pathlib import Path
from typing import Any

import click

from pmt_helpers.datasets import dataset_names


@click.group()
def sweep() -> None:
    """Recompute a stored result grid; its provenance is written beside it."""


@sweep.command()
@click.option("--dataset", type=click.Choice(dataset_names()), default="watch", show_default=True)
@click.option("--seeds", default=1, show_default=True, help="How many seeds, from 0 on.")
@click.option("--workers", default=2, show_default=True, help="Processes side by side.")
@click.option("--recipe", help="Only this recipe's rows; the others are kept as they are stored.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the result; default: data/results.")
def base(dataset: str, seeds: int, workers: int, recipe: str | None, out: Path | None) -> None:
    """The shared model, each person left out in turn: recipes, validation splits and initialisations."""
    import pandas as pd

    from pmt_helpers.activity.base_grid import SETTINGS, base_model_grid
    from pmt_helpers.datasets import load_activity
    from pmt_helpers.datasets.grids import activity_digest, read_grid, write_grid
    from pmt_helpers.datasets.locations import shipped

    settings = tuple(setting for setting in SETTINGS if recipe in (None, setting.recipe))
    if not settings:
        known = ", ".join(sorted({setting.recipe for setting in SETTINGS}))
        raise click.BadParameter(f"no recipe is called {recipe!r}; there are {known}", param_hint="--recipe")
    data = load_activity(dataset)
    started = time.perf_counter()
    rows, cells = base_model_grid(data, settings, seeds=tuple(range(seeds)), workers=workers)
    origin: dict[str, Any] = {
        "dataset": dataset,
        "dataset_digest": activity_digest(data),
        "command": f"python -m pmt_helpers sweep base --dataset {dataset} --seeds {seeds}"
        + (f" --recipe {recipe}" if recipe else ""),
        "seed": list(range(seeds)),
        "seconds": round(time.perf_counter() - started),
    }
    folder = out or shipped("results")
    for name, frame in ((f"base_model_{dataset}", rows), (f"base_model_{dataset}_confusion", cells)):
        if recipe is not None:
            stored = read_grid(name)
            others = stored[stored["recipe"] != recipe]
            frame = pd.concat([others, frame], ignore_index=True)
            # done twice, the rows kept are still those of the first run
            earlier = stored.attrs if stored.attrs["command"] != origin["command"] else stored.attrs["kept"]
            origin["kept"] = {"rows": len(others), **{key: earlier[key] for key in ("command", "date", "seconds")}}
        click.echo(write_grid(frame, folder / f"{name}.csv", **origin))
