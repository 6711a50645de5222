"""The stored experiment on new releases of the shared model, for people who have personalised before. Notebook 07.

`python -m pmt_helpers sweep updates` calls this, from `run_updates`. Each release is trained on more volunteers than
the one before; the person's own windows stay the same, so that only the release differs.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from pmt_helpers.activity.shared import train_shared_fast
from pmt_helpers.activity.similar import keep_better, retrain
from pmt_helpers.activity.weights import Checkpoint
from pmt_helpers.attacks.poisoning import poison_volunteers
from pmt_helpers.datasets import load_activity, load_card
from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.experiments.results import Result, activity_digest, activity_plan, read_grid
from pmt_helpers.experiments.resume import JobRunner, user_jobs
from pmt_helpers.experiments.similar import SIZES, over_folds, splits_of
from pmt_helpers.privacy.accountant import Mechanism, calibrate_noise, epsilon_of
from pmt_helpers.privacy.shared import CONFIGS

SHARES = (1 / 6, 1 / 3, 2 / 3, 1)  # of the volunteers, in each release
KIND, MALICIOUS = "least_likely", 0.5  # the worst of notebook 04: half of the volunteers, least likely labels
COLUMNS = ["user", "release", "n_samples", "model", "folds", "accuracy"]
N_UNITS = 100  # that delta is held against: any number up to 1 / delta gives the same epsilon


def run_updates(runner: JobRunner, *, dataset: str, seed: int) -> Iterator[Result]:
    """`sweep updates`."""
    data, name = load_activity(dataset), f"updates_{dataset}" + f"_seed{seed}" * (seed != 0)
    plan = activity_plan(data, sizes=SIZES, shares=SHARES, poison=[KIND, MALICIOUS], seed=seed)
    rows = runner.at(runner.folder / name).rows(user_jobs(user_rows, data, seed), plan, "updates", COLUMNS)
    yield Result({name: rows}, dataset, activity_digest(data), seed, digits=4)


def stored_updates(dataset: str) -> pd.DataFrame:
    """The grid data/results/updates_DATASET, made by `sweep updates`, with the group of each user.

    Accuracy by user, release (1 to 4), n_samples and model. "shared": the release as it comes. "keep": the personal
    model of the first release. "retrain": personal training from this release, whatever it is. "better": that or what
    the person had, by their validation windows. "before": what they had. "poisoned, ...": the same for a poisoned
    release after honest ones.

    Raises DataError when it is not there.
    """
    grid = read_grid(f"updates_{dataset}")
    return grid.assign(group=load_card(dataset).groups(grid["user"]))


def user_rows(data: ActivityData, user: int, seed: int) -> pd.DataFrame:
    """One person's rows, folds averaged (COLUMNS)."""
    honest, poisoned = _releases(data, user, seed)
    rows = []
    for split in splits_of(data, user, seed):
        train, stop, test = ((data.X[part], data.y[part]) for part in (split.train, split.validation, split.test))
        size, order = len(split.train), (seed, user, split.fold, len(split.train))
        first = before = retrain(honest[0], train, stop, order)
        for release, (good, bad) in enumerate(zip(honest, poisoned, strict=True), start=1):
            new, worse = (retrain(start, train, stop, order) for start in (good, bad))
            models = {"shared": good, "keep": first, "before": before, "retrain": new}
            models["better"] = keep_better(before, new, *stop)
            models |= {"poisoned, shared": bad, "poisoned, retrain": worse}
            models["poisoned, better"] = keep_better(before, worse, *stop)
            for name, model in models.items():
                rows.append((user, release, size, name, (model.predict(test[0]) == test[1]).mean()))
            before = models["better"]
    return over_folds(rows, COLUMNS)


def _releases(data: ActivityData, user: int, seed: int) -> tuple[list[Checkpoint], list[Checkpoint]]:
    """Each release, trained on the first of the volunteers in an order drawn at random; and poisoned ones.

    Malicious volunteers have downloaded the release before. The first release is never poisoned.
    """
    order = np.random.default_rng([seed, user, 6]).permutation(data.user_ids[data.user_ids != user])
    honest: list[Checkpoint] = []
    poisoned: list[Checkpoint] = []
    for share in SHARES:
        part = data.select(np.isin(data.users, order[: max(1, round(share * len(order)))]))
        model = train_shared_fast(part, None, seed)
        bad = poison_volunteers(part, None, MALICIOUS, KIND, seed, guide=honest[-1]) if honest else part
        poisoned.append(train_shared_fast(bad, None, seed) if honest else model)
        honest.append(model)
    return honest, poisoned


def epsilon_by_release(
    epsilon: float = 8.0, delta: float = 1e-5, level: str = "example", releases: int = 4
) -> pd.DataFrame:
    """What volunteers spend whose windows are in every release, each of which keeps to the same epsilon.

    Composed by the accountant, over the steps of all releases together (Renyi accounting); delta is that of all.

    Parameters
    ----------
    level: "example" or "user", what is protected; see `train_shared_private`.

    Returns one row per release: release, epsilon (spent so far), added (the plain sum, which is too much) and
    noise_multiplier (of each release).
    """
    if level not in CONFIGS:
        raise ValueError(f'level must be "example" (a window is protected) or "user" (a person is); got {level!r}')
    config, rows = CONFIGS[level], []
    noise = calibrate_noise(epsilon, delta, config.sampling_prob, config.steps, n_units=N_UNITS)
    for release in range(1, releases + 1):
        mechanism = Mechanism(1.0, noise, config.sampling_prob, release * config.steps)
        spent = epsilon_of(mechanism, delta, n_units=N_UNITS)
        rows.append({"release": release, "epsilon": spent, "added": release * epsilon, "noise_multiplier": noise})
    return pd.DataFrame(rows)
