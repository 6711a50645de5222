"""The stored membership results: what shared, personal and private models give away. Notebook 05.

`python -m pmt_helpers sweep membership` and `private-attacks` call this, from `run_membership` and
`run_private_attacks`.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from pmt_helpers.activity.shared import train_shared_fast
from pmt_helpers.activity.weights import Checkpoint
from pmt_helpers.attacks.membership_game import (
    NON_MEMBER,
    Game,
    non_overlapping,
    person_games,
    personal_game,
    pool_guesses,
    window_game,
)
from pmt_helpers.attacks.roc import auc_per_user, compare_attacks
from pmt_helpers.datasets import load_activity
from pmt_helpers.datasets.arrays import write_arrays
from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.datasets.cards import DataCard
from pmt_helpers.experiments import resume
from pmt_helpers.experiments.results import KERAS, Result, activity_digest, activity_plan, read_grid
from pmt_helpers.experiments.resume import Job, JobRunner, user_jobs

SIZES = (20, 40, 60)
TRAININGS = {"30": 30, "100": 100, "300": 300, "1000": 1000, "stopped": None}  # epochs at home
AT_HOME, IN_CLOUD = 32, 64  # models per person and setting, and shared models
EPSILONS = (math.inf, 8.0, 3.0, 1.0)
LEVELS = ("example", "user")
PRIVATE_MODELS = 32
GUARANTEE = ["level", "epsilon", "game"]
METRICS = ["attack", "auc", "auc_low", "auc_high", "tpr", "tpr_low", "tpr_high"]


class Setting(NamedTuple):
    """What was attacked. training: epochs, "stopped" or "paper".

    level: "window", "window, no overlap" (of windows that share no reading), or a name of `person_games`.
    """

    target: str
    level: str
    n_samples: int
    training: str


class MembershipGrid(NamedTuple):
    """The tables for data/results.

    table: one row per setting and attack: auc and tpr (at 1% false alarms) with intervals over people (people who were
    recorded together count as one), auc_within
    (mean of people's own AUC), accuracy on windows not trained on, accuracy_before personal training, people, models
    per person. roc: the curves, thinned. people: the AUC and accuracy of each person.
    """

    table: pd.DataFrame
    roc: pd.DataFrame
    people: pd.DataFrame


def run_membership(runner: JobRunner, *, dataset: str, seed: int) -> Iterator[Result]:
    """`sweep membership`. ROC curves have more digits, for log axes."""
    data, end = load_activity(dataset), dataset + f"_seed{seed}" * (seed != 0)
    grid = membership_grid(data, runner.at(runner.folder / f"membership_{end}"), seed=seed)
    tables = {f"membership_{end}": grid.table, f"membership_people_{end}": grid.people}
    yield Result(tables, dataset, activity_digest(data), seed, digits=4)
    yield Result({f"membership_roc_{end}": grid.roc}, dataset, activity_digest(data), seed, digits=7)


def stored_membership(dataset: str, part: str = "table") -> pd.DataFrame:
    """A part of the stored `MembershipGrid`: "table", "roc" or "people"."""
    return read_grid(f"membership_{dataset}" if part == "table" else f"membership_{part}_{dataset}")


def membership_grid(
    data: ActivityData, runner: JobRunner, *, at_home: int = AT_HOME, in_cloud: int = IN_CLOUD, seed: int = 0
) -> MembershipGrid:
    """Play every game on everybody in `data`: with personal models at home, and with shared models in the cloud."""
    plan = activity_plan(data, sizes=SIZES, trainings=TRAININGS, models=[at_home, in_cloud], seed=seed)
    jobs = {**user_jobs(_at_home, data, at_home, seed), "cloud": (_in_cloud, (data, in_cloud, seed))}
    games: dict[Setting, list[Game]] = {}
    for of_job in runner.results(jobs, plan, "membership", save=_write_games, read=_read_games, suffix=".npz").values():
        for setting, game in of_job.items():
            games.setdefault(setting, []).append(game)
    return _measured(games, data.card, seed)


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
    games = {"window": window_game(data, models=models, seed=seed, progress=False)}
    apart = data.select(non_overlapping(data))  # as personal games have them: next to its twin, no window is in or out
    games["window, no overlap"] = window_game(apart, models=models, seed=seed, progress=False)
    games |= person_games(data, models=models, seed=seed, progress=False)
    return {Setting("shared", level, 0, "paper"): game for level, game in games.items()}


def _measured(games: dict[Setting, list[Game]], card: DataCard, seed: int) -> MembershipGrid:
    tables: tuple[list[pd.DataFrame], ...] = [], [], []
    for setting, of_setting in tqdm(games.items(), desc="measuring", unit="setting", leave=False):
        member, scores, who = pool_guesses(of_setting)
        table, roc = compare_attacks(member, scores, np.array(card.groups(who)), seed)
        within = {name: auc_per_user(member, values, who) for name, values in scores.items()}
        table["auc_within"] = [np.mean(list(within[name].values())) for name in table["attack"]]
        accuracy = {int(u): value for game in of_setting for u, value in _accuracies(game).items()}
        known = [game for game in of_setting if game.reference_correct is not None]
        before = {int(game.who[0]): float(np.mean(game.reference_correct)) for game in known}
        table["accuracy"] = np.mean(list(accuracy.values()))
        table["accuracy_before"] = np.mean(list(before.values())) if before else np.nan
        table["people"], table["models"] = len(np.unique(who)), len(of_setting[0].membership)
        people = [
            {
                "attack": name,
                "user": user,
                "auc": auc,
                "accuracy": accuracy[user],
                "accuracy_before": before.get(user, np.nan),
            }
            for name, auc_by_user in within.items()
            for user, auc in auc_by_user.items()
        ]
        for collected, frame in zip(tables, (table, roc, pd.DataFrame(people)), strict=True):
            for position, (column, value) in enumerate(setting._asdict().items()):
                frame.insert(position, column, value)
            collected.append(frame)
    return MembershipGrid(*(pd.concat(collected, ignore_index=True) for collected in tables))


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
    write_arrays(path, arrays)


def _read_games(path: Path) -> dict[Setting, Game]:
    parts: dict[Setting, dict[str, Any]] = {}
    for key, array in resume.read_arrays(path).items():
        try:
            target, level, size, training, name = key.split("|")
            parts.setdefault(Setting(target, level, int(size), training), {})[name] = array
        except ValueError as error:
            raise resume.corrupt_result(path, str(error)) from None
    try:
        return {setting: Game(**arrays) for setting, arrays in parts.items()}
    except TypeError as error:
        raise resume.outdated_result(path, str(error)) from None


def run_private_attacks(runner: JobRunner, *, dataset: str, models: int) -> Iterator[Result]:
    """`sweep private-attacks`: membership inference on shared models of each guarantee."""
    data = load_activity(dataset)
    name = f"private_attacks_{dataset}" + f"_{models}models" * (models != PRIVATE_MODELS)
    jobs: dict[str, Job] = {
        f"{level}-{epsilon:g}": (attack_private_models, (data, level, epsilon, models))
        for level in LEVELS
        for epsilon in EPSILONS
    }
    plan = activity_plan(data, (*KERAS[:3], "dp-accounting"), models=models)
    columns = [*GUARANTEE, *METRICS, "accuracy"]
    rows = runner.at(runner.folder / name).rows(jobs, plan, "private attacks", columns)
    yield Result({name: rows}, dataset, activity_digest(data), 0, digits=4)


def stored_private_attacks(dataset: str) -> pd.DataFrame:
    """Attacks on private shared models, made by `sweep private-attacks`."""
    return read_grid(f"private_attacks_{dataset}")


def attack_private_models(data: ActivityData, level: str, epsilon: float, models: int) -> pd.DataFrame:
    """Every game and attack on shared models of one guarantee: GUARANTEE, METRICS and accuracy.

    Games: "window" (was it trained on?), and those of `person_games`.
    """
    from pmt_helpers.privacy.shared import train_shared_private

    def train(part: ActivityData, seed: int) -> Checkpoint:
        private = train_shared_private(part, None, epsilon, level=level, seed=seed, insecure_seed=seed)
        return Checkpoint.from_model(private)

    games = {"window": window_game(data, train, models=models, progress=False)}
    games |= person_games(data, train, models=models, progress=False)
    tables = []
    for name, game in games.items():
        member, scores, who = game.guesses()
        table, _ = compare_attacks(member, scores, np.array(data.card.groups(who)))
        tables.append(table.assign(level=level, epsilon=epsilon, game=name, accuracy=game.accuracy()))
    return pd.concat(tables, ignore_index=True)[[*GUARANTEE, *METRICS, "accuracy"]]
