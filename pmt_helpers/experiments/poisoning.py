"""The stored poisonings: every kind and fraction, and how many clean windows a person needs to recover. Notebook 04.

`python -m pmt_helpers sweep poisoning` calls this, from `run_poisoning`. There is one job per person.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd

from pmt_helpers.activity.online import EPOCHS, Task, train_many
from pmt_helpers.activity.shared import train_shared_fast
from pmt_helpers.activity.splits import UserSplit, n_folds, split_user
from pmt_helpers.activity.weights import Checkpoint, Weights, Windows
from pmt_helpers.attacks.poisoning import KINDS, Trigger, attack_success, class_pair, poison_user, poison_volunteers
from pmt_helpers.datasets import load_activity
from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.experiments.results import Result, activity_digest, activity_plan, read_grid
from pmt_helpers.experiments.resume import JobRunner, user_jobs

KEYS = ["who", "kind", "fraction", "model", "n_samples"]
METRICS = ["accuracy", "attack_success", "target_rate"]
CLEAN = {"who": "nobody", "kind": "none", "fraction": 0.0}


@dataclass(frozen=True)
class PoisonPlan:
    """What is computed for each person; a person takes no part in sizes above the number of their training windows.

    who poisons: "volunteers" or the "user"'s own device. Training at home stops early unless `epochs` is given.
    """

    kinds: tuple[str, ...] = KINDS
    fractions: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5)
    sizes: tuple[int, ...] = (5, 10, 20, 40, 60)
    folds: int = 5
    split: str = "blocked"
    epochs: int | None = None
    seed: int = 0


# By the name of their split: training at home as in the workbook, and as in the paper, which never stops early.
PLANS = {"blocked": PoisonPlan(), "random": PoisonPlan(split="random", epochs=300)}


def run_poisoning(runner: JobRunner, *, dataset: str, split: str) -> Iterator[Result]:
    """`sweep poisoning`."""
    data, plan = load_activity(dataset), PLANS[split]
    name = grid_name(dataset, split)
    rows = poison_rows(data, plan, runner.at(runner.folder / name))
    tables = {name: over_users(rows), grid_name(dataset, split, users=True): per_user(rows)}
    yield Result(tables, dataset, activity_digest(data), [plan.seed], digits=4)


def poison_rows(data: ActivityData, plan: PoisonPlan, runner: JobRunner) -> pd.DataFrame:
    """user_rows of everybody in `data`."""
    jobs = user_jobs(user_rows, data, plan)
    return runner.rows(jobs, activity_plan(data, plan=asdict(plan)), "poisonings", ("user", *KEYS, *METRICS))


def user_rows(data: ActivityData, user: int, plan: PoisonPlan) -> pd.DataFrame:
    """One person's rows: who, kind, fraction, model, n_samples and METRICS, folds averaged.

    The shared model is tested on the same windows as the others. Volunteers' labels do not reach local models, which
    are computed once, with the scaler of the clean cloud.
    """
    trigger = Trigger.from_data(data)
    clean = train_shared_fast(data, user, plan.seed)
    rows = list(_volunteers(data, user, clean, CLEAN, plan, trigger, local=True))
    for kind in plan.kinds:
        for fraction in plan.fractions:
            poisoned = poison_volunteers(data, user, fraction, kind, plan.seed, trigger=trigger)
            cloud = train_shared_fast(poisoned, user, plan.seed)
            key = {"who": "volunteers", "kind": kind, "fraction": fraction}
            rows += _volunteers(data, user, cloud, key, plan, trigger)
            rows += _own_device(data, user, clean, key | {"who": "user"}, plan, trigger)
    table = pd.DataFrame(rows).groupby(KEYS, sort=False)[METRICS].mean().reset_index()
    table.insert(0, "user", user)
    return table


def _volunteers(
    data: ActivityData, user: int, cloud: Checkpoint, key: dict, plan: PoisonPlan, trigger: Trigger, local: bool = False
) -> Iterator[dict]:
    """Clean windows at home, whatever the cloud was trained on."""
    for split in _splits(data, user, plan):
        yield {**key, "model": "shared", "n_samples": 0, **_measured(data, split, cloud, key, trigger)}
        for name, start in _starts(cloud, plan, split, local).items():
            yield from _at_home(data, split, replace(cloud, weights=start), key | {"model": name}, plan, trigger)


def _own_device(
    data: ActivityData, user: int, cloud: Checkpoint, key: dict, plan: PoisonPlan, trigger: Trigger
) -> Iterator[dict]:
    """A clean cloud, and poison among the person's own windows, also among those for validation."""
    pair = class_pair(data.card.name, data.class_names) if key["kind"] == "pair" else None

    def poisoned(rows: np.ndarray, seed: list[int]) -> Windows:
        X, y = data.X[rows], data.y[rows]
        return poison_user(X, y, key["fraction"], key["kind"], seed, cloud, pair=pair, trigger=trigger)

    for split in _splits(data, user, plan):
        for name, start in _starts(cloud, plan, split, local=True).items():
            mine = replace(cloud, weights=start)
            yield from _at_home(data, split, mine, key | {"model": name}, plan, trigger, poisoned)


def _at_home(
    data: ActivityData,
    split: UserSplit,
    start: Checkpoint,
    key: dict,
    plan: PoisonPlan,
    trigger: Trigger,
    poisoned: Callable[[np.ndarray, list[int]], Windows] | None = None,
) -> Iterator[dict]:
    sizes = [size for size in plan.sizes if size <= len(split.train)]
    tasks = []
    for size in sizes:
        first = split.first(size)
        parts = []
        for part, rows in enumerate((first.train, first.validation)):
            seed = [plan.seed, split.user, split.fold, size, part]
            X, y = (data.X[rows], data.y[rows]) if poisoned is None else poisoned(rows, seed)
            parts.append((start.windows(X), y))
        (X, y), validation = parts
        order = (plan.seed, split.user, split.fold, size)
        tasks.append(Task(start.weights, X, y, validation if plan.epochs is None else None, order))
    for size, trained in zip(
        sizes, train_many(tasks, epochs=EPOCHS if plan.epochs is None else plan.epochs), strict=True
    ):
        model = replace(start, weights=trained.weights)
        yield {**key, "n_samples": size, **_measured(data, split, model, key, trigger)}


def _starts(cloud: Checkpoint, plan: PoisonPlan, split: UserSplit, local: bool) -> dict[str, Weights]:
    rng = np.random.default_rng([plan.seed, split.user, split.fold])
    scratch = Weights.initial(cloud.weights.n_features, len(cloud.weights.bias), "he", rng)
    return {"personal": cloud.weights} | ({"local": scratch} if local else {})


def _splits(data: ActivityData, user: int, plan: PoisonPlan) -> Iterator[UserSplit]:
    for fold in range(n_folds(plan.split, plan.folds)):
        split = split_user(data, user, plan.split, fold, plan.folds, plan.seed)
        if len(split.test) and len(split.train) >= min(plan.sizes):
            yield split


def _measured(data: ActivityData, split: UserSplit, model: Checkpoint, key: dict, trigger: Trigger) -> dict[str, float]:
    X, y = data.X[split.test], data.y[split.test]
    success = rate = float("nan")
    if key["kind"] in ("none", "backdoor"):
        success, rate = attack_success(model.predict, X, y, trigger)
    return {"accuracy": float((model.predict(X) == y).mean()), "attack_success": success, "target_rate": rate}


def over_users(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean over users with its standard error, and the same of each user's change from no poison at all.

    Columns: KEYS, users, accuracy, accuracy_se, change, change_se, harmed (users who are worse off), attack_success,
    target_rate.
    """
    clean = rows[rows["kind"] == "none"].set_index(["user", "model", "n_samples"])["accuracy"]
    before = pd.MultiIndex.from_frame(rows[["user", "model", "n_samples"]])
    change = rows["accuracy"] - clean.reindex(before).to_numpy()
    grouped = rows.assign(change=change, worse=change < -1e-9).groupby(KEYS, sort=False)
    return grouped.agg(
        users=("user", "size"),
        accuracy=("accuracy", "mean"),
        accuracy_se=("accuracy", "sem"),
        change=("change", "mean"),
        change_se=("change", "sem"),
        harmed=("worse", "sum"),
        attack_success=("attack_success", "mean"),
        target_rate=("target_rate", "mean"),
    ).reset_index()


def per_user(rows: pd.DataFrame, fractions: tuple[float, ...] = (0.0, 0.3, 0.5)) -> pd.DataFrame:
    """The rows that are stored for each person: the shared model, and the models of most samples."""
    most = rows["n_samples"].max()
    return rows[rows["fraction"].isin(fractions) & rows["n_samples"].isin([0, most])].reset_index(drop=True)


def grid_name(dataset: str, split: str = "blocked", users: bool = False) -> str:
    """The name of a stored poisoning grid; with `users`, of the one with rows of each person."""
    return "_".join(["poisoning_users" if users else "poisoning", dataset, split])


def stored_poisoning(dataset: str, split: str = "blocked", *, users: bool = False) -> pd.DataFrame:
    """A poisoning grid of data/results. Raises DataError when there is none."""
    return read_grid(grid_name(dataset, split, users))


def recovery_by_samples(grid: pd.DataFrame, who: str, kind: str, fraction: float) -> pd.DataFrame:
    """Rows of one poisoning for the three models, by n_samples; a model that it does not reach has its clean rows.

    Volunteers' labels do not reach the local model, a poisoned device does not reach the shared one. `kind` of the
    result says which rows are clean ("none"). Raises ValueError for a poisoning that is not in the grid.
    """
    clean = grid[grid["kind"] == "none"]
    if fraction == 0 or kind == "none":
        return clean.reset_index(drop=True)
    poisoned = grid[(grid["who"] == who) & (grid["kind"] == kind) & np.isclose(grid["fraction"], fraction)]
    if poisoned.empty:
        there = grid.loc[grid["kind"] != "none", ["who", "kind", "fraction"]]
        raise ValueError(
            f"no poisoning of {who} by {kind} at {fraction} in this grid; there are "
            + "; ".join(f"{column}: {', '.join(map(str, there[column].unique()))}" for column in there)
        )
    return pd.concat([clean[~clean["model"].isin(poisoned["model"])], poisoned], ignore_index=True)


def windows_to_recover(
    grid: pd.DataFrame, kind: str, fraction: float, within: float = 0.03, who: str = "volunteers"
) -> float:
    """The fewest windows from which on the personal model is at most `within` below the clean one; NaN when never."""
    rows = recovery_by_samples(grid, who, kind, fraction).query("model == 'personal'").sort_values("n_samples")
    far = rows.loc[rows["change"] < -within, "n_samples"]
    recovered = rows["n_samples"] if far.empty else rows.loc[rows["n_samples"] > far.max(), "n_samples"]
    return float(recovered.min()) if len(recovered) else float("nan")
