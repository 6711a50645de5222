"""Federated averaging beside the paper's central model, on the same people, windows and seeds. Notebook 07.

`python -m pmt_helpers sweep federated` calls this, from `run_federated`. There is one job per person, who is a stranger
to every shared model.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from pmt_helpers.activity.curves import CurvePlan, user_curve
from pmt_helpers.activity.evaluation import paired_gain, user_means
from pmt_helpers.activity.federated import LEARNING_RATE, LOCAL_EPOCHS, federated_rounds, train_federated
from pmt_helpers.activity.masking import FRACTION, secure_sum
from pmt_helpers.activity.mitigation import Mitigation
from pmt_helpers.activity.online import Task, train_online
from pmt_helpers.activity.shared import train_shared_fast
from pmt_helpers.activity.weights import Checkpoint, Weights
from pmt_helpers.attacks.gradient_leak import gradient_at, measure_leak, weight_update
from pmt_helpers.datasets import load_activity, load_card
from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.experiments.results import Result, activity_digest, activity_plan, read_grid
from pmt_helpers.experiments.resume import JobRunner, user_jobs

SIZES = (20, 40)
ROUNDS = (1, 5, 10, 20, 40)
PROXIMAL = (0.01, 0.1, 1.0)
KEYS = ["seed", "user", "n_samples", "model"]
COLUMNS = [*KEYS, "folds", "accuracy", "bytes_up"]
PEOPLE, DRAWS = (0, 1, 2, 5, 10), 40  # in a sum of uploads
UPLOADS = {"1 window": 1, "4 windows": 4, "5 epochs": None}
LEAKS = ["found", "false", "labels", "correlation"]


def run_federated(runner: JobRunner, *, dataset: str, seeds: int) -> Iterator[Result]:
    """`sweep federated`."""
    data, name = load_activity(dataset), f"federated_{dataset}"
    runner = runner.at(runner.folder / name)
    rows = federated_grid(data, runner, range(seeds))
    tables = {name: rows, f"federated_leaks_{dataset}": leaks_by_people(data)}
    yield Result(tables, dataset, activity_digest(data), list(range(seeds)))


def federated_grid(data: ActivityData, runner: JobRunner, seeds: Sequence[int]) -> pd.DataFrame:
    """The rows of federated_curve for everybody, folds averaged: COLUMNS."""
    at_home = {"local_epochs": LOCAL_EPOCHS, "learning_rate": LEARNING_RATE}
    plan = activity_plan(data, seeds=list(seeds), sizes=SIZES, rounds=ROUNDS, proximal=PROXIMAL, at_home=at_home)
    rows = runner.rows(user_jobs(user_rows, data, tuple(seeds)), plan, "federations", COLUMNS)
    return rows.sort_values(KEYS[:3], kind="stable", ignore_index=True)


def user_rows(
    data: ActivityData, user: int, seeds: Sequence[int], sizes: Sequence[int] = SIZES, rounds: Sequence[int] = ROUNDS,
    proximal: Sequence[float] = PROXIMAL,
) -> pd.DataFrame:  # fmt: skip
    """Every design for one person, whom no volunteer's model knows: COLUMNS.

    model: "central", "personal" (central, retrained at home) and "local" as in a learning curve; "FedAvg 10" after 10
    rounds, "FedProx 0.1" with that pull after the last round, and each of them "at home", retrained there. "FedPer
    output at home" trains only the output layer there. bytes_up: of one volunteer; to train a central model, the mean
    of their features and labels.
    """
    others = data.select(data.rows_without(user))
    table_bytes = (others.X.astype(np.float32).nbytes + others.y.astype(np.uint8).nbytes) / len(others.user_ids)
    settings: dict[str, dict[str, Any]] = {"FedAvg": {}, "FedPer": {"personal_output": True}}
    settings |= {f"FedProx {pull:g}": {"proximal": pull} for pull in proximal}
    tables = []
    for seed in seeds:
        plan, last = CurvePlan(tuple(sizes), seed=seed), max(rounds)

        def at_home(checkpoint: Checkpoint, names: dict[str, str], bytes_up: float, plan: CurvePlan = plan) -> None:
            cures = {"output": Mitigation(layers="output")} if "output" in names else {}
            rows = user_curve(data, user, checkpoint, plan, cures, models=[*{"local", "personal"} & set(names)])
            rows = rows[rows["model"].isin(names)].assign(seed=plan.seed, bytes_up=bytes_up)
            tables.append(rows.assign(model=rows["model"].map(names)))

        central = train_shared_fast(data, user, seed)
        at_home(central, {"shared": "central", "personal": "personal"}, table_bytes)
        at_home(central, {"local": "local"}, 0)
        for name, setting in settings.items():
            after = enumerate(federated_rounds(data, user, seed, rounds=last, **setting), start=1)
            for number, federation in after:
                if number == last or (number in rounds and name == "FedAvg"):
                    called = f"FedAvg {number}" if name == "FedAvg" else name
                    names = {"shared": called, "personal": f"{called} at home"}
                    if name == "FedPer":
                        names = {"output": "FedPer output at home", "personal": "FedPer at home"}
                    at_home(federation.model, names, federation.bytes_up)
    groups = pd.concat(tables).groupby([*KEYS, "bytes_up"], sort=False)
    return groups.agg(folds=("fold", "size"), accuracy=("accuracy", "mean")).reset_index()[COLUMNS]


def stored_federated(dataset: str, *, leaks: bool = False) -> pd.DataFrame:
    """Federated averaging of everybody beside central, personal and local models, with the group of each user.

    leaks: what sums of uploads give away instead (leaks_by_people). `sweep federated` makes both. Raises DataError when
    they are not there.
    """
    grid = read_grid(f"federated_leaks_{dataset}" if leaks else f"federated_{dataset}")
    return grid if leaks else grid.assign(group=load_card(dataset).groups(grid["user"]))


def federated_curve(
    data: ActivityData, users: Sequence[int] | None = None, sizes: Sequence[int] = (20,),
    rounds: Sequence[int] = (1, 10, 20), seed: int = 0,
) -> pd.DataFrame:  # fmt: skip
    """The same live: each of these users left out in turn, without FedProx; about a second a person.

    Returns one row per user, n_samples and model, with accuracy and bytes_up, as stored_federated does.
    """
    ids = [int(user) for user in (data.user_ids if users is None else users)]
    bar = tqdm(ids, desc="federations", unit="person", leave=False)
    table = pd.concat([user_rows(data, user, (seed,), sizes, rounds, ()) for user in bar], ignore_index=True)
    return table.assign(group=data.card.groups(table["user"]))


def compare_federated(grid: pd.DataFrame, n_samples: int = 20) -> pd.DataFrame:
    """Every design with n_samples at home, over people: one row per model.

    Columns: model, accuracy, lead (over the central model; over the personal one for what is retrained at home), low,
    high (a 95% interval over people), harmed (people worse off than with that one), users, kilobytes_up.
    """
    rows = grid[grid["n_samples"] == n_samples]
    sent, accuracy = rows.groupby("model")["bytes_up"].mean() / 1000, user_means(rows)
    table = []
    for model in rows["model"].unique():
        baseline = "personal" if model == "local" or model.endswith("at home") else "central"
        gain = paired_gain(grid, n_samples, model, baseline)
        table.append(
            {
                "model": model, "accuracy": accuracy[model].mean(), "lead": gain.mean, "low": gain.low,
                "high": gain.high, "harmed": len(gain.harmed), "users": len(gain.by_user), "kilobytes_up": sent[model],
            }
        )  # fmt: skip
    return pd.DataFrame(table)


def leaks_by_people(data: ActivityData, seed: int = 0) -> pd.DataFrame:
    """What the gradient attack reads when uploads of several people are added up by secure_sum, and of a masked one.

    upload: "1 window" or "4 windows", each person's gradient on so many; "5 epochs", the change of weights after
    training on all that they have. All are of the sixth round of a federation of everybody. people: in the sum; 0 is
    one upload of a pair with its mask on. Returns means over DRAWS of LEAKS, found with its standard error.
    """
    rng, rows, model = np.random.default_rng(seed), [], train_federated(data, seed=seed, rounds=5).model
    for draw in range(DRAWS):
        for people in PEOPLE:
            who = rng.permutation(data.user_ids)[: max(people, 2)]
            for upload, n_windows in UPLOADS.items():
                chosen = [rng.permutation(np.flatnonzero(data.users == one))[:n_windows] for one in who]
                sent = [_upload(model, data.X[own], data.y[own], upload, seed) for own in chosen]
                seen: dict[str, Any] = {
                    layer: _seen(np.stack([getattr(weights, layer) for weights in sent]), people, draw)
                    for layer in ("hidden", "output", "bias")
                }
                inside = np.concatenate(chosen[: max(people, 1)])
                windows = model.windows(data.X[inside])[:, : model.weights.n_features].astype(np.float64)
                leak = measure_leak(replace(model.weights, **seen), windows, data.y[inside])
                rows.append({"upload": upload, "people": people, "windows": len(inside), **leak})
    groups = pd.DataFrame(rows).groupby(["upload", "people"], sort=False)
    table = groups[["windows", *LEAKS]].mean()
    table.insert(2, "found_se", groups["found"].sem())
    return table.reset_index()


def _upload(model: Checkpoint, X: np.ndarray, y: np.ndarray, upload: str, seed: int) -> Weights:
    if upload != "5 epochs":
        return gradient_at(model, X, y)
    task = Task(model.weights, model.windows(X), y, seed=seed)
    trained = train_online(task, epochs=LOCAL_EPOCHS, learning_rate=LEARNING_RATE)
    return weight_update(model.weights, trained.weights)


def _seen(values: np.ndarray, people: int, seed: int) -> np.ndarray:
    """What the cloud sees of one layer of (n_people, ...) uploads."""
    if people == 1:
        return values[0]
    masked = secure_sum(values, insecure_seed=seed)
    return masked.total if people else masked.uploads[0].view(np.int32) / 2**FRACTION
