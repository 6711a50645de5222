"""python -m pmt_helpers sweep poisoning and defences: stored attacks on training data, and defences."""

import time
from pathlib import Path

import click

from pmt_helpers.commands.sweep_common import activity_option, pieces_options, store


@click.command()
@activity_option
@pieces_options
@click.option("--split", type=click.Choice(["blocked", "random"]), default="blocked", show_default=True,
              help="blocked: stops early, as the workbook does; random: 300 epochs, as the paper has it.")  # fmt: skip
def poisoning(dataset: str, split: str, workers: int, dask: str | None, out: Path | None, work: Path) -> None:
    """Poisoned volunteers and poisoned devices: shared, personal and local accuracy by kind, fraction and samples."""
    from pmt_helpers.datasets import load_activity
    from pmt_helpers.experiments.poisoning import PLANS, grid_name, over_users, per_user, poison_rows

    data = load_activity(dataset)
    started = time.perf_counter()
    name = grid_name(dataset, split)
    rows = poison_rows(data, PLANS[split], work / name, workers=workers, dask=dask)
    command = f"poisoning --dataset {dataset} --split {split}"
    tables = {name: over_users(rows), grid_name(dataset, split, users=True): per_user(rows)}
    store(tables, data, command, [PLANS[split].seed], started, out, digits=4)


@click.command()
@activity_option
@pieces_options
def defences(dataset: str, workers: int, dask: str | None, out: Path | None, work: Path) -> None:
    """Defences against poisoned volunteers: what they save, and what they cost honest people."""
    from pmt_helpers.datasets import load_activity
    from pmt_helpers.experiments.defences import DefencePlan, defence_rows

    data, plan = load_activity(dataset), DefencePlan()
    started = time.perf_counter()
    strangers, volunteers = defence_rows(data, plan, work / f"defences_{dataset}", workers=workers, dask=dask)
    tables = {f"defences_{dataset}": strangers, f"defence_costs_{dataset}": volunteers}
    store(tables, data, f"defences --dataset {dataset}", list(plan.seeds), started, out, digits=4)
