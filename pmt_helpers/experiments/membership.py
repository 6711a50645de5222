"""The stored membership results: what the shared and the personal model give away, on everybody. Notebook 04, step 4.

`python -m pmt_helpers sweep membership` calls this. Person by person, so that a stopped sweep goes on where it was.
"""

import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from pmt_helpers.activity.shared import train_shared_fast
from pmt_helpers.attacks.membership_game import NON_MEMBER, Game, person_games, personal_game, pool_guesses, window_game
from pmt_helpers.attacks.roc import auc_per_user, compare_attacks
from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.experiments.results import activity_digest
from pmt_helpers.experiments.resume import Job, compute_missing, foreign_piece, work_folder

if TYPE_CHECKING:
    import pandas as pd

    from pmt_helpers.activity.weights import Checkpoint
    from pmt_helpers.datasets import ActivityData


SIZES = (20, 40, 60)


TRAININGS = {"30": 30, "100": 100, "300": 300, "1000": 1000, "stopped": None}  # epochs at home


AT_HOME, IN_CLOUD = 32, 64  # models a person and setting, and shared models


class Setting(NamedTuple):
    """What was attacked. level: "window", "person", "person, new windows"; training: epochs, "stopped" or "paper"."""

    target: str
    level: str
    n_samples: int
    training: str


class MembershipGrid(NamedTuple):
    """The tables for data/results.

    table: a row a setting and attack: auc and tpr (at 1% false alarms) with intervals over people, auc_within (mean of
    people's own AUC), accuracy on windows not trained on, accuracy_before personal training, people, models a person.
    roc: the curves, thinned. people: the AUC and accuracy of each person.
    """

    table: pd.DataFrame
    roc: pd.DataFrame
    people: pd.DataFrame


def membership_grid(
    data: ActivityData,
    folder: Path,
    *,
    at_home: int = AT_HOME,
    in_cloud: int = IN_CLOUD,
    seed: int = 0,
    workers: int = 2,
    dask: str | None = None,
) -> MembershipGrid:
    """Play every game on everybody in `data`: with personal models at home, and with shared models in the cloud.

    Neither workers nor an interruption changes a bit of the result.
    """
    plan = {
        "digest": activity_digest(data),
        "libraries": {name: version(name) for name in ("numpy", "keras", "jax", "numba")},
        "sizes": SIZES,
        "trainings": TRAININGS,
        "models": [at_home, in_cloud],
        "seed": seed,
    }
    work_folder(folder, plan)
    jobs: dict[str, Job] = {f"user-{user}": (_at_home, (data, user, at_home, seed)) for user in map(int, data.user_ids)}
    jobs["cloud"] = (_in_cloud, (data, in_cloud, seed))
    paths = compute_missing(
        jobs, folder, _write_games, suffix=".npz", description="membership", workers=workers, dask=dask
    )
    games: dict[Setting, list[Game]] = {}
    for path in paths.values():
        for setting, game in _read_games(path):
            games.setdefault(setting, []).append(game)
    return _measured(games, seed)


def _at_home(data: ActivityData, user: int, models: int, seed: int) -> dict[Setting, Game]:
    shared = train_shared_fast(data, user, seed)
    games = {}
    for size in SIZES:
        for training, epochs in TRAININGS.items():
            game = personal_game(data, user, shared, size, epochs=epochs, models=models, seed=seed)
            if game is not None:
                games[Setting("personal", "window", size, training)] = game
    return games


def _in_cloud(data: ActivityData, models: int, seed: int) -> dict[Setting, Game]:
    whole = window_game(data, models=models, seed=seed, progress=False)
    games = {"window": whole} | person_games(data, models=models, seed=seed, progress=False)
    return {Setting("shared", level, 0, "paper"): game for level, game in games.items()}


def _measured(games: dict[Setting, list[Game]], seed: int) -> MembershipGrid:
    tables: tuple[list[pd.DataFrame], ...] = [], [], []
    for setting, of_setting in tqdm(games.items(), desc="measuring", unit="setting", leave=False):
        member, scores, who = pool_guesses(of_setting)
        table, roc = compare_attacks(member, scores, who, seed)
        within = {name: auc_per_user(member, values, who) for name, values in scores.items()}
        table["auc_within"] = [np.mean(list(within[name].values())) for name in table["attack"]]
        accuracy = {int(u): value for game in of_setting for u, value in _accuracies(game).items()}
        before = {
            int(game.who[0]): float(game.reference_correct.mean())
            for game in of_setting
            if game.reference_correct is not None
        }
        table["accuracy"] = np.mean(list(accuracy.values()))
        table["accuracy_before"] = np.mean(list(before.values())) if before else np.nan
        table["people"], table["models"] = len(np.unique(who)), len(of_setting[0].membership)
        people = [
            {"attack": name, "user": user, "auc": auc, "accuracy": accuracy[user], "accuracy_before": before.get(user)}
            for name, found in within.items()
            for user, auc in found.items()
        ]
        for kept, frame in zip(tables, (table, roc, pd.DataFrame(people)), strict=True):
            for place, (column, value) in enumerate(setting._asdict().items()):
                frame.insert(place, column, value)
            kept.append(frame)
    return MembershipGrid(*(pd.concat(kept, ignore_index=True) for kept in tables))


def _accuracies(game: Game) -> dict[int, float]:
    """Each person's share of windows predicted right by models not trained on them."""
    unseen = game.membership == NON_MEMBER
    return {
        int(user): float(game.correct[:, game.who == user][unseen[:, game.who == user]].mean())
        for user in np.unique(game.who)
        if unseen[:, game.who == user].any()
    }


def _write_games(path: Path, games: dict[Setting, Game]) -> None:
    arrays = {
        "|".join(map(str, (*setting, name))): array
        for setting, game in games.items()
        for name, array in vars(game).items()
        if array is not None
    }
    with path.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def _read_games(path: Path) -> Iterator[tuple[Setting, Game]]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found: dict[Setting, dict[str, Any]] = {}
            for key in arrays.files:
                target, level, size, training, name = key.split("|")
                found.setdefault(Setting(target, level, int(size), training), {})[name] = arrays[key]
    except (EOFError, KeyError, ValueError, AttributeError, zipfile.BadZipFile) as error:
        raise foreign_piece(path, str(error)) from None
    for setting, parts in found.items():
        yield setting, Game(**parts)


def attack_private_models(data: "ActivityData", level: str, epsilon: float, models: int) -> "pd.DataFrame":
    """Every game and attack on shared models of one guarantee: COLUMNS, and the intervals of auc and tpr over people.

    Games: "window" (was it trained on?), "person" (a volunteer, by the windows they gave), "person, new windows".
    """
    import pandas as pd

    from pmt_helpers.attacks.membership_game import person_games, window_game
    from pmt_helpers.attacks.roc import compare_attacks

    def train(part: "ActivityData", seed: int) -> "Checkpoint":
        from pmt_helpers.activity.weights import Checkpoint
        from pmt_helpers.privacy import train_shared_private

        return Checkpoint.from_model(train_shared_private(part, None, epsilon, level=level, seed=seed))

    games = {"window": window_game(data, train, models=models, progress=False)}
    games |= person_games(data, train, models=models, progress=False)
    tables = []
    for name, game in games.items():
        table, _ = compare_attacks(*game.guesses())
        tables.append(table.assign(level=level, epsilon=epsilon, game=name, accuracy=game.accuracy()))
    rows = pd.concat(tables, ignore_index=True)
    first = ["level", "epsilon", "game"]
    return rows[[*first, *rows.columns.drop(first)]]
