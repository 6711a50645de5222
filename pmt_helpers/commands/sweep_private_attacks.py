"""python -m pmt_helpers sweep private-attacks: what membership inference still finds in private shared models.

Here, and not in a package below, since attacks and privacy know nothing of each other.
"""

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pmt_helpers.commands.sweep_common import activity_option, pieces_options, store

if TYPE_CHECKING:
    pass
from pmt_helpers.experiments.membership import attack_private_models

EPSILONS = (math.inf, 8.0, 3.0, 1.0)


LEVELS = ("example", "user")


MODELS = 32


COLUMNS = ("level", "epsilon", "game", "attack", "auc", "tpr", "accuracy")


@click.command("private-attacks")
@activity_option
@click.option("--models", type=click.IntRange(4), default=MODELS, show_default=True, help="Shared models a game.")
@pieces_options
def private_attacks(dataset: str, models: int, workers: int, dask: str | None, out: Path | None, work: Path) -> None:
    """Membership inference on shared models trained with differential privacy, by epsilon and level."""
    from importlib.metadata import version

    import pandas as pd

    from pmt_helpers.datasets import load_activity
    from pmt_helpers.experiments.results import activity_digest
    from pmt_helpers.experiments.resume import Job, compute_missing, read_rows, work_folder, write_rows

    data = load_activity(dataset)
    name = f"private_attacks_{dataset}"
    libraries = {library: version(library) for library in ("numpy", "keras", "jax", "dp-accounting")}
    work_folder(work / name, {"digest": activity_digest(data), "models": models, "libraries": libraries})
    started = time.perf_counter()
    jobs: dict[str, Job] = {
        f"{level}-{epsilon:g}": (attack_private_models, (data, level, epsilon, models))
        for level in LEVELS
        for epsilon in EPSILONS
    }
    paths = compute_missing(
        jobs, work / name, write_rows, suffix=".csv", description="private attacks", workers=workers, dask=dask
    )
    rows = pd.concat([read_rows(path, COLUMNS) for path in paths.values()], ignore_index=True)
    command = f"private-attacks --dataset {dataset} --models {models}"
    store({name: rows}, data, command, 0, started, out, digits=4)
