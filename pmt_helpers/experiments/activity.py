"""The stored shared models and learning curves (the paper's Figure 3), for every person. Notebooks 01 and 02.

`python -m pmt_helpers sweep base` and `figure3` call this, from `run_base` and `run_figure3`. A learning curve needs a
shared model for each person left out; those are kept too, since curves of other splits use them again.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from pmt_helpers.activity.curves import CurvePlan, Sizes, rehearsal_for, user_curve
from pmt_helpers.activity.evaluation import Gain, paired_gain
from pmt_helpers.activity.mitigation import MITIGATIONS, Mitigation
from pmt_helpers.activity.online import EPOCHS, PATIENCE
from pmt_helpers.activity.shared import train_shared
from pmt_helpers.activity.weights import Checkpoint, Preprocessor, Weights
from pmt_helpers.datasets import load_activity, load_card
from pmt_helpers.datasets.arrays import digest, write_arrays
from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.datasets.mine import NAME, YOU
from pmt_helpers.experiments.catalogue import EXPERIMENTS, parse_sizes
from pmt_helpers.experiments.results import Result, activity_digest, activity_plan, read_grid
from pmt_helpers.experiments.resume import Job, JobRunner, read_arrays, user_jobs

KEYS = ["seed", "user", "model", "n_samples"]
SCORES = ("accuracy", "macro_recall", "macro_f1")
AGGREGATES = {
    "folds": ("accuracy", "size"),
    "accuracy": ("accuracy", "mean"),
    "accuracy_sd": ("accuracy", "std"),
    "macro_recall": ("macro_recall", "mean"),
    "macro_f1": ("macro_f1", "mean"),
    "epochs": ("epochs", "mean"),
    "classes": ("classes", "mean"),
}
# The settings of the stored curves, which are not part of their names: all other settings are.
STORED_SIZES: Sizes = "all"
YOUR_SIZES: Sizes = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 60)  # all would keep you waiting for a minute
STORED_CURE_SIZES: Sizes = (10, 20, 40, 60)
STORED_FOLDS, STORED_PATIENCE = 5, 10


class Setting(NamedTuple):
    """How a shared model is trained: a recipe, how it validates, and how weights start."""

    recipe: str
    validation: str
    init: str = "he"


PAPER, BETTER = Setting("paper", "random"), Setting("better", "grouped")
SETTINGS = (PAPER, Setting("paper", "grouped"), Setting("paper", "random", "literal"), BETTER)
TEST_COLUMNS = ["n_test", *SCORES, "val_accuracy", "epochs"]


def run_base(runner: JobRunner, *, dataset: str, seeds: int, recipe: str | None) -> Iterator[Result]:
    """`sweep base`. With a recipe, the stored rows of the others stay, and the provenance says where they are from."""
    data = load_activity(dataset)
    settings = tuple(setting for setting in SETTINGS if recipe in (None, setting.recipe))
    tables = base_model_grid(data, runner.at(runner.folder / f"base_{dataset}"), settings, seeds=tuple(range(seeds)))
    for name, table in zip((f"base_model_{dataset}", f"base_model_{dataset}_confusion"), tables, strict=True):
        more = {}
        if recipe is not None:
            stored = read_grid(name)
            others = stored[stored["recipe"] != recipe]
            table = pd.concat([others, table], ignore_index=True)
            # done twice, the rows that stay are still those of the first run
            first = stored.attrs["kept"] if stored.attrs["command"].endswith(f"--recipe {recipe}") else stored.attrs
            more = {"kept": {"rows": len(others), **{key: first[key] for key in ("command", "date", "seconds")}}}
        yield Result({name: table}, dataset, activity_digest(data), list(range(seeds)), more=more)


def base_model_grid(
    data: ActivityData,
    runner: JobRunner,
    settings: tuple[Setting, ...] = SETTINGS,
    *,
    seeds: tuple[int, ...] = (0,),
    users: tuple[int, ...] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train without each person and test on all of that person's windows.

    Returns two tidy frames: TEST_COLUMNS, one row per setting, seed and user (val_accuracy: at the best epoch; epochs:
    that were run), and the confusion counts without zeros: actual, predicted, windows.
    """
    ids = users if users is not None else tuple(int(user) for user in data.user_ids)
    jobs: dict[str, Job] = {
        "-".join(map(str, (*setting, seed, user))): (_base_model, (data, user, setting, seed))
        for setting in settings
        for seed in seeds
        for user in ids
    }
    read = partial(read_arrays, names=[*TEST_COLUMNS, "confusion"])
    description = f"base models, {data.card.name}"
    results = runner.results(jobs, activity_plan(data), description, save=write_arrays, read=read, suffix=".npz")
    pairs = zip(jobs.values(), results.values(), strict=True)
    return _base_tables({(*s, seed, u): found for (_, (_, u, s, seed)), found in pairs})


def _base_tables(results: Mapping[tuple[Any, ...], Mapping[str, np.ndarray]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both frames of base_model_grid, from what _base_model found by setting, seed and user."""
    rows, cells = [], []
    for place, arrays in results.items():
        key = dict(zip((*Setting._fields, "seed", "user"), place, strict=True))
        confusion = arrays["confusion"]
        actual, predicted = np.nonzero(confusion)
        rows.append({**key, **{name: arrays[name].item() for name in TEST_COLUMNS}})
        counts = {"actual": actual, "predicted": predicted, "windows": confusion[actual, predicted]}
        cells.append(pd.DataFrame({**key, **counts}))
    return pd.DataFrame(rows), pd.concat(cells, ignore_index=True)


def _base_model(data: ActivityData, user: int, setting: Setting, seed: int) -> dict[str, np.ndarray]:
    """TEST_COLUMNS of one model, and its confusion counts (n_classes, n_classes)."""
    shared = train_shared(
        data, user, seed, setting.recipe, init=setting.init, validation=setting.validation, progress=False
    )
    X, y = data.X[data.users == user], data.y[data.users == user]
    measured: dict[str, Any] = {"n_test": len(y), **shared.scores(X, y), "val_accuracy": shared.val_accuracy}
    measured |= {"epochs": len(shared.history), "confusion": shared.confusion(X, y)}
    return {name: np.asarray(value) for name, value in measured.items()}


def stored_base_models(dataset: str, *, confusion: bool = False) -> pd.DataFrame:
    """Shared models tested on the person left out, with the group of each; or, with `confusion`, confusion counts.

    In those of "mine" you are the last person: your rows are computed now, for both recipes.
    """
    grid = read_grid(f"base_model_{dataset}" + "_confusion" * confusion)
    if dataset == NAME:
        grid = pd.concat([grid, _your_base_models(activity_digest(load_activity(NAME)))[confusion]], ignore_index=True)
    return grid.assign(group=load_card(dataset).groups(grid["user"]))


def rows_of_setting(grid: pd.DataFrame, setting: Setting, seed: int = 0) -> pd.DataFrame:
    """The rows of one setting and seed, of either grid of `stored_base_models`."""
    chosen = grid["seed"] == seed
    for name, value in setting._asdict().items():
        chosen &= grid[name] == value
    return grid[chosen]


def confusion_matrix(cells: pd.DataFrame, n_classes: int) -> np.ndarray:
    """Stored confusion counts as a matrix, actual classes in rows; (n_classes, n_classes) int."""
    if (beyond := cells[["actual", "predicted"]].to_numpy().max(initial=0)) >= n_classes:
        raise ValueError(f"cells hold class {beyond}; n_classes is {n_classes}")
    matrix = np.zeros((n_classes, n_classes), np.int64)
    np.add.at(matrix, (cells["actual"].to_numpy(), cells["predicted"].to_numpy()), cells["windows"].to_numpy())
    return matrix


def validation_vs_test(grid: pd.DataFrame, recipe: str = "paper", init: str = "he") -> pd.DataFrame:
    """Accuracy in validation and on the person left out, by kind of validation split: split, what, accuracy, sd.

    Means and deviations are over people, each person's seeds averaged first.
    """
    rows = grid[(grid["recipe"] == recipe) & (grid["init"] == init)]
    names = {"random": "random windows", "grouped": "whole people"}
    table = []
    for kind, group in rows.groupby("validation", sort=False):
        of_person = group.groupby("user")[["val_accuracy", "accuracy"]].mean()
        for column, what in (("val_accuracy", "validation"), ("accuracy", "unseen person")):
            values = of_person[column]
            table.append({"split": names[str(kind)], "what": what, "accuracy": values.mean(), "sd": values.std()})
    return pd.DataFrame(table)


def run_figure3(
    runner: JobRunner,
    *,
    dataset: str,
    split: str,
    init: str,
    folds: int,
    early_stopping: bool,
    sizes: str,
    seeds: int,
    cures: bool,
) -> Iterator[Result]:
    """`sweep figure3`."""
    plan = CurvePlan(parse_sizes(sizes), folds, split, early_stopping, init)
    data = load_activity(dataset)
    name = grid_name(dataset, plan, seeds, cures)
    curves = curve_grid(
        data, plan, runner.at(runner.folder / name), seeds=tuple(range(seeds)), cures=MITIGATIONS if cures else {}
    )
    effort = {"models": curves.models, "updates": curves.updates}
    yield Result({name: curves.table}, dataset, activity_digest(data), list(range(seeds)), digits=4, more=effort)


def grid_name(dataset: str, plan: CurvePlan, n_seeds: int = 1, cures: bool = False) -> str:
    """The name of a stored curve: data set, split, how training ends, and every setting that is not the usual one."""
    sizes = plan.sizes if plan.sizes == "all" else tuple(plan.sizes)
    parts = ["cures" if cures else "curve", dataset, plan.split]
    parts += [plan.init] * (plan.init != "he")
    parts += ["stopped" if plan.early_stopping else str(plan.epochs)]
    parts += [f"{n_seeds}seeds"] * (n_seeds > 1)
    parts += [f"{plan.folds}folds"] * (plan.folds != STORED_FOLDS)
    if sizes != (STORED_CURE_SIZES if cures else STORED_SIZES):
        text = "-".join(map(str, sizes)) if sizes != "all" else "all"
        if len(text) > 60:  # a file's name has its limits
            text = f"{sizes[0]}-to-{sizes[-1]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        parts.append(f"sizes-{text}")
    if plan.early_stopping:
        parts += [f"{plan.epochs}epochs"] * (plan.epochs != EPOCHS)
        parts += [f"patience{PATIENCE}"] * (PATIENCE != STORED_PATIENCE)
    return "_".join(parts)


def stored_curve(
    dataset: str, split: str = "blocked", *, early_stopping: bool = True, init: str = "he", cures: bool = False
) -> pd.DataFrame:
    """A learning curve of data/results, made by `sweep figure3`, with the group of each user (see DataCard.groups).

    In that of "mine" you are the last person: your rows, at YOUR_SIZES, are computed now.
    Raises DataError when there is none of that kind.
    """
    sizes = STORED_CURE_SIZES if cures else STORED_SIZES
    plan = CurvePlan(sizes, split=split, early_stopping=early_stopping, init=init)
    [figure3] = [experiment for experiment in EXPERIMENTS if experiment.name == "figure3"]
    settings = {"dataset": dataset, "split": split, "init": init, "folds": STORED_FOLDS, "seeds": 1}
    settings |= {
        "early_stopping": early_stopping,
        "cures": cures,
        "sizes": ",".join(map(str, sizes)) if cures else sizes,
    }
    command = figure3.command(settings)
    curve = read_grid(grid_name(dataset, plan, cures=cures), command)
    if dataset == NAME:
        yours = replace(plan, sizes=sizes if cures else YOUR_SIZES)
        curve = pd.concat([curve, _your_curve(activity_digest(load_activity(NAME)), yours, cures)], ignore_index=True)
    return curve.assign(group=load_card(dataset).groups(curve["user"]))


@lru_cache(maxsize=1)
def _your_base_models(digest: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    data = load_activity(NAME)
    return _base_tables({(*s, 0, YOU): _base_model(data, YOU, s, 0) for s in (PAPER, BETTER)})


@lru_cache(maxsize=4)
def _your_curve(digest: str, plan: CurvePlan, cures: bool) -> pd.DataFrame:
    data, mitigations = load_activity(NAME), MITIGATIONS if cures else {}
    shared = Checkpoint.from_model(train_shared(data, YOU, plan.seed, init=plan.init, progress=False))
    download = replace(shared, rehearsal=rehearsal_for(mitigations, data, YOU, plan.seed))
    return _averaged(_user_curve(data, YOU, download, plan, mitigations), data, plan.seed)


def compare_at_equal_labels(dataset: str, labels: int = 40) -> tuple[Gain, int, int]:
    """Early stopping takes as many labels again to stop by: are they better trained on?

    Returns the gain of personal models trained on all labels, never stopped, over those trained on half of them and
    stopped by the other half, from the stored curves (blocked split); and how many of these people each serves worse
    than the shared model.
    """
    never, stopped = (stored_curve(dataset, early_stopping=stop) for stop in (False, True))
    halves = stopped[stopped["n_samples"] == labels // 2].assign(n_samples=labels)
    kept = never[(never["n_samples"] == labels) & (never["model"] == "personal")].assign(model="never stopped")
    both = pd.concat([halves, kept])
    both = both[both["user"].isin(set(halves["user"]) & set(kept["user"]))]
    harmed = [len(paired_gain(both, labels, model, "shared").harmed) for model in ("never stopped", "personal")]
    return paired_gain(both, labels, "never stopped", "personal"), harmed[0], harmed[1]


class CurveGrid(NamedTuple):
    """Learning curves as they are stored, and how much work they were."""

    table: pd.DataFrame
    models: int
    updates: int


def curve_grid(
    data: ActivityData,
    plan: CurvePlan,
    runner: JobRunner,
    *,
    seeds: tuple[int, ...] = (0,),
    cures: Mapping[str, Mitigation] | None = None,
    shared: Checkpoint | None = None,
) -> CurveGrid:
    """The learning curves of everybody in `data`, each user's folds averaged.

    shared: one model for all, with its windows to rehearse; by default each user's is trained on everybody else, and a
    user then costs the more the more others there are.

    The table has one row per seed, user, model and n_samples: folds, accuracy (mean over folds, and its deviation),
    macro_recall, macro_f1, epochs that were run, and how many classes the training windows show.
    """
    cures = dict(cures or {})
    settings: dict[str, Any] = {"cures": {name: asdict(cure) for name, cure in cures.items()}}
    if shared is not None:
        rehearsal = dict(zip(("X", "y"), shared.rehearsal or (), strict=False))
        settings["shared"] = digest({**vars(shared.weights), **vars(shared.scaler), **rehearsal})
    own, tables, models, updates = data.by_user(), [], 0, 0
    for seed in seeds:
        if shared is not None:
            downloads = dict.fromkeys(own, shared)
        else:
            downloads = {
                user: replace(model, rehearsal=rehearsal_for(cures, data, user, seed))
                for user, model in _shared_models(data, plan.init, seed, runner).items()
            }
        seeded = replace(plan, seed=seed)
        jobs: dict[str, Job] = {  # a job gets nobody else's windows, except those to rehearse
            f"user-{user}": (_user_curve, (own[user], user, download, seeded, cures))
            for user, download in downloads.items()
        }
        of_seed = runner.at(runner.folder / f"seed-{seed}")
        of_plan = activity_plan(data, plan=asdict(seeded), **settings)
        rows = of_seed.rows(jobs, of_plan, "learning curves", _curve_columns(data))
        if rows.empty:  # everybody has fewer windows than the smallest size
            continue
        trained = rows[rows["model"] != "shared"]
        models, updates = models + len(trained), updates + int((trained["epochs"] * trained["n_samples"]).sum())
        tables.append(_averaged(rows, data, seed))
    if not tables:
        raise ValueError("nobody has as many training windows as the smallest size asked for")
    return CurveGrid(pd.concat(tables, ignore_index=True), models, updates)


def _averaged(rows: pd.DataFrame, data: ActivityData, seed: int) -> pd.DataFrame:
    """Rows of `user_curve` with the folds of each user averaged."""
    classes = (rows[[f"n_{name}" for name in data.class_names]] > 0).sum(axis=1)
    return rows.assign(classes=classes, seed=seed).groupby(KEYS, sort=False).agg(**AGGREGATES).reset_index()


def _curve_columns(data: ActivityData) -> list[str]:
    """What is kept of `user_curve`: all but its seconds, which differ from run to run. AGGREGATES stores it."""
    return ["user", "fold", "model", "n_samples", *SCORES, "epochs", *(f"n_{name}" for name in data.class_names)]


def _user_curve(
    data: ActivityData, user: int, download: Checkpoint, plan: CurvePlan, cures: Mapping[str, Mitigation]
) -> pd.DataFrame:
    curve = user_curve(data, user, download, plan, cures)
    columns = _curve_columns(data)
    return pd.DataFrame(columns=columns) if curve.empty else curve[columns]


def _shared_models(data: ActivityData, init: str, seed: int, runner: JobRunner) -> dict[int, Checkpoint]:
    """Each user's shared model, trained on everybody else; kept beside the curves, whose other splits use them too."""
    plan = activity_plan(data, dataset=data.card.name, init=init, seed=seed)
    digest = hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()[:8]
    beside = runner.at(runner.folder.parent / f"shared-{data.card.name}-{init}-{seed}-{digest}")
    jobs = user_jobs(_shared_model, data, init, seed)
    models = beside.results(jobs, plan, "shared models", save=write_arrays, read=_read_model, suffix=".npz")
    return {int(name.removeprefix("user-")): download for name, download in models.items()}


def _shared_model(data: ActivityData, user: int, init: str, seed: int) -> dict[str, np.ndarray]:
    shared = train_shared(data, user, seed, init=init, progress=False)
    scaler = {"mean": shared.scaler.mean, "scale": shared.scaler.scale}
    return {**vars(Weights.from_model(shared.model)), **scaler}


def _read_model(path: Path) -> Checkpoint:
    arrays = read_arrays(path, ("hidden", "output", "bias", "n_features", "mean", "scale"))
    weights = Weights(arrays["hidden"], arrays["output"], arrays["bias"], int(arrays["n_features"]))
    return Checkpoint(weights, Preprocessor(arrays["mean"], arrays["scale"]))
