"""The stored price of privacy: accuracy by epsilon, for a protected window and a protected person. Notebook 05.

`python -m pmt_helpers sweep privacy` and `label-privacy` call this, from `run_privacy` and `run_label_privacy`. Each
person in turn is left out, everybody else trains a private shared model, and the person personalises it at home.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import pandas as pd

from pmt_helpers.activity.curves import CurvePlan, user_curve
from pmt_helpers.activity.evaluation import Gain, groups_of, scores
from pmt_helpers.activity.weights import Checkpoint
from pmt_helpers.attacks.membership_game import train_on_all
from pmt_helpers.datasets import load_activity, load_card
from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.experiments.results import KERAS, Result, activity_digest, activity_plan, read_grid
from pmt_helpers.experiments.resume import JobRunner, user_jobs
from pmt_helpers.privacy.noise import randomised_response
from pmt_helpers.privacy.shared import PrivateModel, train_shared_private

EPSILONS = (math.inf, 8.0, 3.0, 1.0, 0.5)
DELTA = 1e-5
N_SAMPLES = 60
SETTING = ["level", "optimizer", "scaler", "epsilon", "noise_multiplier", "seed"]
KEYS = [*SETTING, "user", "model", "n_samples"]
SCORES = ["accuracy", "macro_recall", "macro_f1"]


class Setting(NamedTuple):
    """One way to train privately, for a number of seeds.

    level: "example" or "user", as in `train_shared_private`; "label" for labels changed by `randomised_response` before
    they are sent, and training as usual.
    """

    level: str
    optimizer: str
    scaler: str
    seeds: tuple[int, ...]


EXAMPLE, USER = ("example", "sgd", "public"), ("user", "adam", "public")  # the defaults of train_shared_private
LABEL = ("label", "sgd", "volunteers'")
SETTINGS = (
    Setting(*EXAMPLE, seeds=(0, 1)),
    Setting(*USER, seeds=(0, 1)),
    Setting("example", "adam", "public", seeds=(0,)),
    Setting("example", "sgd", "private", seeds=(0,)),
)
LABEL_SETTINGS = (Setting(*LABEL, seeds=(0, 1)),)


def run_privacy(runner: JobRunner, *, dataset: str) -> Iterator[Result]:
    """`sweep privacy`."""
    yield _result(f"privacy_{dataset}", dataset, runner, SETTINGS, DELTA)


def run_label_privacy(runner: JobRunner, *, dataset: str) -> Iterator[Result]:
    """`sweep label-privacy`."""
    yield _result(f"label_privacy_{dataset}", dataset, runner, LABEL_SETTINGS, 0.0)


def _result(name: str, dataset: str, runner: JobRunner, settings: Sequence[Setting], delta: float) -> Result:
    data = load_activity(dataset)
    rows = privacy_grid(data, runner.at(runner.folder / name), settings=settings)
    seeds = sorted({seed for setting in settings for seed in setting.seeds})
    return Result({name: rows}, dataset, activity_digest(data), seeds, digits=4, more={"delta": delta})


def stored_privacy(dataset: str, grid: str = "privacy") -> pd.DataFrame:
    """The grid data/results/privacy_DATASET (or "label_privacy"), with the group of each user.

    `sweep privacy` and `sweep label-privacy` make them. Raises DataError when it is not there.
    """
    rows = read_grid(f"{grid}_{dataset}")
    return rows.assign(group=load_card(dataset).groups(rows["user"]))


def privacy_cost(
    grid: pd.DataFrame, level: str = "example", *, optimizer: str | None = None, scaler: str | None = None
) -> pd.DataFrame:
    """Mean accuracy over people by epsilon and model: epsilon, model, n_samples, accuracy, lower, upper, users.

    Model "shared" at n_samples 0 is tested on all of a person's windows; at 60, like "personal" and "local", on the
    test windows of those people who have as many. lower and upper: 95% interval of the mean over people, as `Gain`'s.
    """
    rows = []
    chosen = _of_setting(grid, level, optimizer, scaler)
    for (epsilon, model, n_samples), group in chosen.groupby(["epsilon", "model", "n_samples"], sort=True):
        accuracy = Gain.of(group.groupby("user")["accuracy"].mean(), 0, groups_of(group))
        interval = {"lower": accuracy.low, "upper": accuracy.high, "users": len(accuracy.by_user)}
        mean = {"accuracy": accuracy.mean, **interval}
        rows.append({"epsilon": epsilon, "model": model, "n_samples": n_samples, **mean})
    return pd.DataFrame(rows)


def private_lead(grid: pd.DataFrame, level: str, epsilon: float, baseline: str = "local") -> Gain:
    """Personal accuracy after a private download less that of another model, by user: the local one, trained alone.

    With baseline "no noise" it is the personal model after the same training without noise.
    """
    rows = _of_setting(grid, level)
    rows = rows[rows["n_samples"] == rows["n_samples"].max()]
    accuracy = rows.groupby(["user", "epsilon", "model"])["accuracy"].mean().unstack(["epsilon", "model"])
    other = accuracy[float("inf"), "personal"] if baseline == "no noise" else accuracy[epsilon, baseline]
    return Gain.of((accuracy[epsilon, "personal"] - other).dropna(), 0, groups_of(rows))


def _of_setting(
    grid: pd.DataFrame, level: str, optimizer: str | None = None, scaler: str | None = None
) -> pd.DataFrame:
    _, default, its_scaler = {setting[0]: setting for setting in (EXAMPLE, USER, LABEL)}[level]
    optimizer, scaler = optimizer or default, scaler or its_scaler
    return grid[(grid["level"] == level) & (grid["optimizer"] == optimizer) & (grid["scaler"] == scaler)]


def privacy_grid(
    data: ActivityData,
    runner: JobRunner,
    *,
    settings: Sequence[Setting] = SETTINGS,
    epsilons: Sequence[float] = EPSILONS,
    users: Sequence[int] | None = None,
) -> pd.DataFrame:
    """Shared, personal and local accuracy of everybody, at each setting and epsilon.

    One row per setting, epsilon, seed, user and model: noise_multiplier, n_samples, folds (averaged), accuracy,
    macro_recall, macro_f1. Personal and local models train on 60 windows, class-blocked split, with early stopping.
    """
    asked = {"settings": [list(s) for s in settings], "epsilons": [str(e) for e in epsilons], "plan": asdict(_plan(0))}
    plan = activity_plan(data, (*KERAS, "dp-accounting"), **asked)
    jobs = user_jobs(user_rows, data, tuple(settings), tuple(epsilons), users=users)
    rows = runner.rows(jobs, plan, "private models", [*KEYS, "folds", *SCORES])
    return rows.sort_values(KEYS, kind="stable", ignore_index=True)


def user_rows(data: ActivityData, user: int, settings: Sequence[Setting], epsilons: Sequence[float]) -> pd.DataFrame:
    """The rows of one person."""
    own = data.select(data.users == user)
    tables = []
    for setting in settings:
        for epsilon in epsilons:
            for seed in setting.seeds:
                model = _shared_model(data, user, setting, epsilon, seed)
                of_shared = {"n_samples": 0, "folds": 1, **scores(own.y, model.predict(own.X))}
                rows = [pd.DataFrame([{"model": "shared", **of_shared}])]
                curve = user_curve(own, user, Checkpoint.from_model(model), _plan(seed), {})
                if len(curve):
                    means = curve.groupby(["model", "n_samples"], sort=False)
                    rows.append(means.agg(folds=("accuracy", "size"), **{s: (s, "mean") for s in SCORES}).reset_index())
                table = pd.concat(rows, ignore_index=True)
                noise = model.noise_multiplier if isinstance(model, PrivateModel) else math.nan
                values: tuple[Any, ...] = (*setting[:3], epsilon, noise, seed, user)
                tables.append(table.assign(**dict(zip([*SETTING, "user"], values, strict=True))))
    return pd.concat(tables, ignore_index=True)[[*KEYS, "folds", *SCORES]]


def _shared_model(
    data: ActivityData, user: int, setting: Setting, epsilon: float, seed: int
) -> PrivateModel | Checkpoint:
    """Trained on everybody but `user`."""
    if setting.level == "label":
        volunteers = data.select(data.rows_without(user))
        sent = randomised_response(volunteers.y, epsilon, len(data.class_names), insecure_seed=(seed, user))
        return train_on_all(replace(volunteers, y=sent), seed)
    return train_shared_private(
        data, user, epsilon, DELTA, setting.level,
        optimizer=setting.optimizer, scaler=setting.scaler, seed=seed, insecure_seed=seed,
    )  # fmt: skip


def _plan(seed: int) -> CurvePlan:
    return CurvePlan(sizes=(N_SAMPLES,), seed=seed)
