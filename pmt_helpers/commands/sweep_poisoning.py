"""python -m pmt_helpers sweep poisoning and defences: stored attacks on training data, and defences."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pmt_helpers.datasets import activity_names

if TYPE_CHECKING:
    from pmt_helpers.datasets import ActivityData


def _options(command: Callable) -> Callable:
    for option in (
        click.option("--work", type=click.Path(path_type=Path), default=Path("build/sweep"), show_default=True,
                     help="Folder for the pieces: a stopped sweep goes on where it was."),
        click.option("--out", type=click.Path(path_type=Path), help="Folder for the result; default: data/results."),
        click.option("--dask", metavar="ADDRESS", help="Compute on this Dask cluster instead."),
        click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes side by side."),
        click.option("--dataset", type=click.Choice(activity_names()), default="watch", show_default=True),
    ):  # fmt: skip
        command = option(command)
    return command


@click.command()
@_options
@click.option("--split", type=click.Choice(["blocked", "random"]), default="blocked", show_default=True,
              help="blocked: stops early, as the workbook does; random: 300 epochs, as the paper has it.")  # fmt: skip
def poisoning(dataset: str, split: str, workers: int, dask: str | None, out: Path | None, work: Path) -> None:
    """Poisoned volunteers and poisoned devices: shared, personal and local accuracy by kind, fraction and samples."""
    from pmt_helpers.attacks.poison_grid import PLANS, poison_rows
    from pmt_helpers.attacks.poison_table import grid_name, over_users, per_user
    from pmt_helpers.datasets import load_activity

    data = load_activity(dataset)
    started = time.perf_counter()
    name = grid_name(dataset, split)
    rows = poison_rows(data, PLANS[split], work / name, workers=workers, dask=dask)
    command = f"poisoning --dataset {dataset} --split {split}"
    tables = {name: over_users(rows), grid_name(dataset, split, users=True): per_user(rows)}
    _write(tables, data, command, [PLANS[split].seed], started, out)


@click.command()
@_options
def defences(dataset: str, workers: int, dask: str | None, out: Path | None, work: Path) -> None:
    """Defences against poisoned volunteers: what they save, and what they cost honest people."""
    from pmt_helpers.attacks.defence_grid import DefencePlan, defence_rows
    from pmt_helpers.datasets import load_activity

    data, plan = load_activity(dataset), DefencePlan()
    started = time.perf_counter()
    strangers, volunteers = defence_rows(data, plan, work / f"defences_{dataset}", workers=workers, dask=dask)
    tables = {f"defences_{dataset}": strangers, f"defence_costs_{dataset}": volunteers}
    _write(tables, data, f"defences --dataset {dataset}", list(plan.seeds), started, out)


def _write(
    tables: dict[str, Any], data: "ActivityData", command: str, seeds: list[int], started: float, out: Path | None
) -> None:
    from pmt_helpers.datasets.grids import activity_digest, write_grid
    from pmt_helpers.datasets.locations import shipped

    origin: dict[str, Any] = {
        "dataset": data.card.name,
        "dataset_digest": activity_digest(data),
        "command": f"python -m pmt_helpers sweep {command}",
        "seed": seeds,
        "seconds": round(time.perf_counter() - started),
    }
    for name, table in tables.items():
        click.echo(write_grid(table, (out or shipped("results")) / f"{name}.csv", digits=4, **origin))
