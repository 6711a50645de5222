"""What a shared model still knows of a volunteer who has left. Notebook 05, going further.

`python -m pmt_helpers sweep unlearning` calls this, from `run_unlearning`. Each person in turn leaves, and training
goes on without them. It is compared with a model that never saw them and goes on for as many steps: long training
raises the loss on unseen people, which would look like forgetting.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from pmt_helpers.activity.evaluation import Gain, groups_of
from pmt_helpers.activity.shared import epochs_for
from pmt_helpers.attacks.membership_game import confidence, cross_entropy, train_on_all
from pmt_helpers.datasets import load_activity, load_card
from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.experiments.results import Result, activity_digest, activity_plan, read_grid
from pmt_helpers.experiments.resume import JobRunner, user_jobs

MORE = (0.0, 0.1, 0.3, 1.0)  # steps without the person, as a share of those of the training
TRAINED_WITH = (True, False)
KEYS = ["user", "seed", "trained_with", "more"]
COLUMNS = [*KEYS, "steps", "loss", "accuracy"]


def run_unlearning(runner: JobRunner, *, dataset: str, seeds: int) -> Iterator[Result]:
    """`sweep unlearning`."""
    data, name = load_activity(dataset), f"unlearning_{dataset}"
    rows = unlearning_grid(data, runner.at(runner.folder / name), range(seeds))
    yield Result({name: rows}, dataset, activity_digest(data), list(range(seeds)))


def stored_unlearning(dataset: str) -> pd.DataFrame:
    """The grid data/results/unlearning_DATASET, made by `sweep unlearning`, with the group of each user.

    Raises DataError when it is not there.
    """
    grid = read_grid(f"unlearning_{dataset}")
    return grid.assign(group=load_card(dataset).groups(grid["user"]))


def unlearning_grid(
    data: ActivityData, runner: JobRunner, seeds: Sequence[int], *, users: Sequence[int] | None = None
) -> pd.DataFrame:
    """Loss and accuracy on the windows of everybody who leaves, one row per user, seed, trained_with and more.

    trained_with: whether the person was a volunteer before; False with more 0 is the model retrained from scratch.
    more: further steps without them, as a share of a training's. steps: all that it took since they left.
    """
    plan = activity_plan(data, seeds=list(seeds), more=MORE)
    jobs = user_jobs(user_rows, data, tuple(seeds), users=users)
    rows = runner.rows(jobs, plan, "leaving", COLUMNS)
    return rows.sort_values(KEYS, kind="stable", ignore_index=True)


def user_rows(data: ActivityData, user: int, seeds: Sequence[int]) -> pd.DataFrame:
    """The rows of one person who leaves."""
    own, others = data.select(data.users == user), data.select(data.rows_without(user))
    rows = []
    for seed in seeds:
        for trained_with in TRAINED_WITH:
            trained = train_on_all(data if trained_with else others, seed)
            retrained = 0 if trained_with else epochs_for(len(others))
            for more in MORE:
                model = train_on_all(others, seed, start=trained, share=more) if more else trained
                gaps, correct = confidence(model, own.X, own.y)
                epochs = retrained + (epochs_for(len(others), more) if more else 0)
                values = user, seed, trained_with, more, epochs * len(others)
                rows.append((*values, cross_entropy(gaps).mean(), correct.mean()))
    return pd.DataFrame(rows, columns=COLUMNS)


def share_forgotten(grid: pd.DataFrame, more: float = 1.0) -> Gain:
    """Which share of what a model knew of volunteers is gone after `more` of a training without them, over people.

    What it knows: how far its loss on their windows is below that of a model that never saw them and took as many
    steps. 0 is nothing forgotten, 1 all. It is a ratio of two means over people, since those of whom little was known
    have no steady ratio of their own; the interval is that of its linearisation (delta method). `by_user` are the terms
    of that one, not each person's share, and `harmed` says nothing.
    """
    before, after = _known(grid, 0.0), _known(grid, more)
    share = 1 - after.mean() / before.mean()
    terms = share + ((1 - share) * before - after) / before.mean()
    return Gain.of(terms, 0, groups_of(grid))


def still_known(grid: pd.DataFrame, more: float = 1.0) -> Gain:
    """How well a model that went on without a volunteer is told from one that never saw them, over people: the AUC.

    The attacker compares the mean loss on that person's windows. The models of all seeds are compared with each other;
    one half is guessing.
    """
    by_seed = grid[grid["more"] == more].pivot(index="user", columns=["trained_with", "seed"], values="loss")
    seen, unseen = (by_seed[trained_with].to_numpy() for trained_with in TRAINED_WITH)
    higher = np.sign(unseen[:, None, :] - seen[:, :, None])
    return Gain.of(pd.Series((higher.mean(axis=(1, 2)) + 1) / 2, by_seed.index), 0, groups_of(grid))


def unlearning_by_steps(grid: pd.DataFrame) -> pd.DataFrame:
    """`share_forgotten` and `still_known` for each number of further steps, with intervals over people.

    One row per more: steps (mean), share, lower, upper, median (of each person's own share: a few of whom much was
    known decide the other), auc, auc_low, auc_high, remembered (people on whose windows the loss is still lower than
    without them), users.
    """
    rows = []
    steps, at_first = grid[grid["trained_with"]].groupby("more")["steps"].mean(), _known(grid, 0.0)
    for more in map(float, steps.index):
        share, auc, known = share_forgotten(grid, more), still_known(grid, more), _known(grid, more)
        row = {"more": more, "steps": steps[more], "share": share.mean, "lower": share.low, "upper": share.high}
        row |= {"median": (1 - known / at_first).median(), "auc": auc.mean, "auc_low": auc.low, "auc_high": auc.high}
        rows.append({**row, "remembered": int((known > 0).sum()), "users": len(known)})
    return pd.DataFrame(rows)


def _known(grid: pd.DataFrame, more: float) -> pd.Series:
    """By user: loss without them less loss with them, after as many further steps."""
    loss = grid[grid["more"] == more].groupby(["user", "trained_with"])["loss"].mean().unstack()
    return loss[False] - loss[True]
