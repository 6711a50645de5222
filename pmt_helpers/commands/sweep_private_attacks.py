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
    import pandas as pd

    from pmt_helpers.activity.protocol import Download
    from pmt_helpers.datasets import ActivityData

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
    from pmt_helpers.datasets.grids import activity_digest
    from pmt_helpers.datasets.resumable import Job, compute_missing, read_rows, work_folder, write_rows

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


def attack_private_models(data: "ActivityData", level: str, epsilon: float, models: int) -> "pd.DataFrame":
    """Every game and attack on shared models of one guarantee: COLUMNS, and the intervals of auc and tpr over people.

    Games: "window" (was it trained on?), "person" (a volunteer, by the windows they gave), "person, new windows".
    """
    import pandas as pd

    from pmt_helpers.attacks.membership_games import person_games, window_game
    from pmt_helpers.attacks.roc import strengths

    def train(part: "ActivityData", seed: int) -> "Download":
        from pmt_helpers.activity.quick_shared import download_of
        from pmt_helpers.privacy import train_shared_private

        return download_of(train_shared_private(part, None, epsilon, level=level, seed=seed))

    games = {"window": window_game(data, train, models=models, progress=False)}
    games |= person_games(data, train, models=models, progress=False)
    tables = []
    for name, game in games.items():
        table, _ = strengths(*game.attacked())
        tables.append(table.assign(level=level, epsilon=epsilon, game=name, accuracy=game.accuracy()))
    rows = pd.concat(tables, ignore_index=True)
    first = ["level", "epsilon", "game"]
    return rows[[*first, *rows.columns.drop(first)]]
