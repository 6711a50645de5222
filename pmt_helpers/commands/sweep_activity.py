"""python -m pmt_helpers sweep base and figure3: the stored results of the activity chapters."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pmt_helpers.activity.splits import SPLIT_KINDS
from pmt_helpers.commands.sweep_common import activity_option, out_option, pieces_options, seeds_option, store

if TYPE_CHECKING:
    from pmt_helpers.activity.curves import Sizes


@click.command()
@activity_option
@seeds_option(1)
@click.option("--workers", default=2, show_default=True, help="Processes side by side.")
@click.option("--recipe", help="Only this recipe's rows; the others are kept as they are stored.")
@out_option
def base(dataset: str, seeds: int, workers: int, recipe: str | None, out: Path | None) -> None:
    """The shared model, each person left out in turn: recipes, validation splits and initialisations."""
    import pandas as pd

    from pmt_helpers.datasets import load_activity
    from pmt_helpers.datasets.files import shipped
    from pmt_helpers.experiments.activity import SETTINGS, base_model_grid
    from pmt_helpers.experiments.results import activity_digest, read_grid, write_grid

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


@click.command()
@activity_option
@click.option("--split", type=click.Choice(SPLIT_KINDS), default="random", show_default=True)
@click.option("--init", type=click.Choice(["he", "literal"]), default="he", show_default=True)
@click.option("--folds", type=click.IntRange(3), default=5, show_default=True, help="Parts a person is cut into.")
@click.option("--early-stopping/--all-epochs", default=False, show_default=True, help="Stop by validation, or never.")
@click.option("--sizes", default="all", show_default=True, help='"all" from 1 on, or numbers such as 5,10,20.')
@seeds_option(1)
@click.option("--cures", is_flag=True, help="Also every cure for forgetting.")
@pieces_options
def figure3(
    dataset: str,
    split: str,
    init: str,
    folds: int,
    early_stopping: bool,
    sizes: str,
    seeds: int,
    cures: bool,
    workers: int,
    dask: str | None,
    out: Path | None,
    work: Path,
) -> None:
    """Shared, local and personal models of everybody, by number of samples (the paper's Figure 3)."""
    from pmt_helpers.activity.curves import CurvePlan
    from pmt_helpers.activity.mitigation import MITIGATIONS
    from pmt_helpers.datasets import load_activity
    from pmt_helpers.experiments.activity import curve_grid, grid_name

    plan = CurvePlan(_sizes(sizes), folds, split, early_stopping, init)
    data = load_activity(dataset)
    name = grid_name(dataset, plan, seeds, cures)
    started = time.perf_counter()
    found = curve_grid(
        data,
        plan,
        work / name,
        seeds=tuple(range(seeds)),
        cures=MITIGATIONS if cures else {},
        workers=workers,
        dask=dask,
    )
    command = f"figure3 --dataset {dataset} --split {split} --init {init} --folds {folds}"
    command += f" --{'early-stopping' if early_stopping else 'all-epochs'} --sizes {sizes} --seeds {seeds}"
    command += " --cures" * cures
    more = {"models": found.models, "updates": found.updates}
    store({name: found.table}, data, command, list(range(seeds)), started, out, digits=4, **more)


def _sizes(text: str) -> "Sizes":
    """The word "all", or whole numbers from 1 on, in ascending order."""
    if text == "all":
        return "all"
    try:
        sizes = sorted({int(part) for part in text.split(",")})
    except ValueError:
        sizes = []
    if not sizes or sizes[0] < 1:
        raise click.BadParameter(f'{text!r} is neither "all" nor numbers such as 5,10,20', param_hint="--sizes")
    return tuple(sizes)
