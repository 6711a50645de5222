"""The stored experiment on similar people: what their models are worth, and what asking for them tells. Notebook 07.

`python -m pmt_helpers sweep similar` calls this, from `run_similar`. For each person the cloud has a shared model and
the donors' models, all without that person; a start is chosen from them in several ways, and retrained at home.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isqrt
from typing import Any

import numpy as np
import pandas as pd

from pmt_helpers.activity.shared import epochs_for, train_shared_fast
from pmt_helpers.activity.similar import (
    POOL,
    TOGETHER,
    average_models,
    choose_donors,
    held_out,
    keep_better,
    mean_loss,
    pool_of,
    retrain,
    train_donors,
)
from pmt_helpers.activity.splits import n_folds, split_user
from pmt_helpers.activity.weights import Checkpoint, Windows
from pmt_helpers.attacks.gradient_leak import gradient_at
from pmt_helpers.attacks.membership_game import confidence, non_overlapping, train_on_all
from pmt_helpers.attacks.roc import auc_per_user
from pmt_helpers.datasets import load_activity, load_card
from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.experiments.results import Result, activity_digest, activity_plan, read_grid
from pmt_helpers.experiments.resume import Job, JobRunner, user_jobs

SIZES = (5, 10, 20, 40)
OTHER_NUMBERS = (1, 3, 8)  # of donors, beside the square root of how many there are
CLUSTERS, ROUNDS, SHARE = (2, 4), 3, 0.3  # how many, how often people change theirs, share of a training's steps
N_SENT, DRAWS, SEEDS = 20, 5, 8  # windows that a message is about, messages of each person, halves or given windows
GAIN = ["user", "n_samples", "model", "folds", "accuracy"]
MESSAGE = ["seed", "user", "n_samples", "model", "accuracy", "chance"]
MEMBERSHIP = ["seed", "user", "model", "attack", "auc"]


def run_similar(runner: JobRunner, *, dataset: str, seed: int) -> Iterator[Result]:
    """`sweep similar`."""
    data, end = load_activity(dataset), dataset + f"_seed{seed}" * (seed != 0)
    plan = activity_plan(data, sizes=SIZES, seed=seed)
    at = runner.at(runner.folder / f"similar_{end}")
    seeds = range(seed * SEEDS, (seed + 1) * SEEDS)
    messages: dict[str, Job] = {f"messages-{number}": (message_rows, (data, number)) for number in seeds}
    membership: dict[str, Job] = {f"membership-{number}": (membership_rows, (data, number)) for number in seeds}
    tables = {
        f"similar_{end}": at.rows(user_jobs(user_rows, data, seed), plan, "similar people", GAIN),
        f"similar_messages_{end}": at.rows(messages, plan, "messages", MESSAGE),
        f"similar_membership_{end}": at.rows(membership, plan, "donors", MEMBERSHIP),
    }
    yield Result(tables, dataset, activity_digest(data), seed, digits=4)


def stored_similar(dataset: str, part: str = "gain") -> pd.DataFrame:
    """A table of `sweep similar`, with the group of each user.

    part: "gain", the accuracy of personal training from each start (model) by user and n_samples; "messages", how often
    (accuracy) a message (model) tells which person sent it, beside guessing (chance); "membership", the AUC of telling
    which windows a donor gave, from what is published (model).
    Raises ValueError for another part, DataError when the table is not there.
    """
    if part not in ("gain", "messages", "membership"):
        raise ValueError(f"part must be gain, messages or membership; got {part!r}")
    grid = read_grid(f"similar_{dataset}" if part == "gain" else f"similar_{part}_{dataset}")
    return grid.assign(group=load_card(dataset).groups(grid["user"]))


@dataclass(frozen=True, eq=False)
class Cloud:
    """What the cloud holds of its volunteers: their windows, one shared model, and a model of each of them."""

    data: ActivityData
    shared: Checkpoint
    donors: Mapping[int, Checkpoint]
    seed: int

    @classmethod
    def of(cls, volunteers: ActivityData, seed: int) -> "Cloud":
        shared = train_shared_fast(volunteers, None, seed)
        return cls(volunteers, shared, train_donors(volunteers, shared, seed), seed)

    @cached_property
    def models(self) -> list[Checkpoint]:
        return list(self.donors.values())

    @property
    def n_chosen(self) -> int:
        """The usual number of neighbours, set before looking: the square root of how many there are."""
        return isqrt(len(self.donors))

    @cached_property
    def parts(self) -> list[Windows]:
        """The windows of each donor."""
        return [(own.X, own.y) for own in self.data.by_user().values()]

    @cached_property
    def clusters(self) -> dict[int, list[Checkpoint]]:
        """Models of groups of volunteers, by number of groups (IFCA, Ghosh et al. 2020).

        Everybody belongs to the model with the lowest loss on their windows; each model is retrained on its people.
        """
        rng, found = np.random.default_rng(self.seed), {}
        for n_clusters in CLUSTERS:
            member = rng.permutation(len(self.parts)) % n_clusters
            for _ in range(ROUNDS):
                models = []
                for number in range(n_clusters):
                    who = np.flatnonzero(member == number)
                    who = who if len(who) else rng.integers(len(self.parts), size=1)
                    X, y = (np.concatenate(both) for both in zip(*(self.parts[i] for i in who), strict=True))
                    models.append(retrain(self.shared, (X, y), None, (self.seed, number), epochs_for(len(y), SHARE)))
                member = np.array([choose_donors(models, *part, 1)[0] for part in self.parts])
            found[n_clusters] = models
        return found

    def gradient(self, windows: Windows) -> np.ndarray:
        """What a device would upload as its gradient; (n_parameters,)."""
        gradient = gradient_at(self.shared, *windows)
        return np.concatenate([gradient.hidden.ravel(), gradient.output.ravel(), gradient.bias])

    def class_means(self, windows: Windows) -> np.ndarray:
        """Mean of the scaled features of each class; (n_classes, n_features), NaN for a class without windows."""
        X, y = self.shared.scaler.transform(windows[0]), windows[1]
        labels = np.arange(len(self.shared.weights.bias))
        means = [X[y == label].mean(0) if (y == label).any() else np.full(X.shape[1], np.nan) for label in labels]
        return np.stack(means)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-12))


def nearness(a: np.ndarray, b: np.ndarray) -> float:
    """Minus the mean distance of two people's class means, over the classes of both; minus infinity without any."""
    distances = np.sqrt(((a - b) ** 2).mean(axis=1))
    return -float(np.nanmean(distances)) if np.isfinite(distances).any() else -np.inf


def user_rows(data: ActivityData, user: int, seed: int) -> pd.DataFrame:
    """One person's accuracy after every start, folds averaged (GAIN).

    Everything is chosen by the person's training and validation windows; "oracle" looks at the test, to say what
    choosing could give at most.
    """
    cloud, rows = Cloud.of(data.select(data.rows_without(user)), seed), []
    pool = pool_of(cloud.donors, cloud.data, POOL, TOGETHER, seed)
    sent = {"gradient": [cloud.gradient(part) for part in cloud.parts],
            "class means": [cloud.class_means(part) for part in cloud.parts]}  # fmt: skip
    for fold in range(n_folds("blocked")):
        split = split_user(data, user, "blocked", fold, seed=seed)
        for size in SIZES:
            if size > len(split.train) or not len(split.test):
                continue
            first = split.first(size)
            train, stop, test = ((data.X[part], data.y[part]) for part in (first.train, first.validation, first.test))
            own = np.concatenate([train[0], stop[0]]), np.concatenate([train[1], stop[1]])
            chance = np.random.default_rng([seed, user, fold, size]).permutation(len(cloud.models))
            starts = _starts(cloud, pool, own, test, sent, chance)
            models = {name: retrain(start, train, stop, (seed, user, fold, size)) for name, start in starts.items()}
            models["shared"], models["chosen at home, not retrained"] = cloud.shared, starts["chosen at home"]
            models["better of the two"] = keep_better(models["personal"], models["chosen at home"], *stop)
            rows += [(user, size, name, (model.predict(test[0]) == test[1]).mean()) for name, model in models.items()]
    table = pd.DataFrame(rows, columns=["user", "n_samples", "model", "accuracy"])
    groups = table.groupby(["user", "n_samples", "model"], sort=False)["accuracy"]
    return groups.agg(folds="size", accuracy="mean").reset_index()[GAIN]


def _starts(
    cloud: Cloud, pool: list[Checkpoint], own: Windows, test: Windows, sent: Mapping[str, list[np.ndarray]],
    chance: np.ndarray,
) -> dict[str, Checkpoint]:  # fmt: skip
    """What personal training may start from, by how it was found. sent: what each donor told the cloud."""
    n, models = cloud.n_chosen, cloud.models

    def best(places: Sequence[int], number: int = n) -> Checkpoint:
        return average_models([models[place] for place in places[:number]])

    def nearest(likeness: Callable[[np.ndarray, np.ndarray], float], mine: np.ndarray, name: str) -> Checkpoint:
        return best(np.argsort([-likeness(mine, theirs) for theirs in sent[name]], kind="stable").tolist())

    chosen = choose_donors(models, *own, len(models))
    averages = choose_donors(pool, *own, isqrt(len(pool)))
    return {
        "personal": cloud.shared,
        "chosen at home": best(chosen),
        **{f"chosen at home, {number}": best(chosen, number) for number in OTHER_NUMBERS},
        "pool of averages": average_models([pool[place] for place in averages]),
        "gradient": nearest(cosine, cloud.gradient(own), "gradient"),
        "class means": nearest(nearness, cloud.class_means(own), "class means"),
        **{f"{k} clusters": clusters[choose_donors(clusters, *own, 1)[0]] for k, clusters in cloud.clusters.items()},
        "random": best(chance.tolist()),
        "all donors": best(chosen, len(models)),
        "oracle": best(choose_donors(models, *test, n)),
    }


def losses(cloud: Cloud, windows: Windows) -> np.ndarray:
    return np.array([mean_loss(model, *windows) for model in cloud.models])


# What a device could send to be told of similar people, and how an attacker compares two such messages. What is chosen
# at home needs no message.
MESSAGES: dict[str, tuple[Callable[[Cloud, Windows], Any], Callable[[Any, Any], float]]] = {
    "losses of all donors": (losses, lambda a, b: float(np.corrcoef(a, b)[0, 1])),
    "gradient": (Cloud.gradient, cosine),
    "class means": (Cloud.class_means, nearness),
    "names of the donors": (
        lambda cloud, windows: set(choose_donors(cloud.models, *windows, cloud.n_chosen)), lambda a, b: len(a & b),
    ),
    "cluster of 4": (lambda cloud, windows: choose_donors(cloud.clusters[4], *windows, 1)[0], lambda a, b: a == b),
    "nothing": (lambda cloud, windows: None, lambda a, b: 0.0),
}  # fmt: skip


def message_rows(data: ActivityData, seed: int) -> pd.DataFrame:
    """Which person sent a message? MESSAGE, one row for each person and kind of message.

    A random half of the people are the cloud's volunteers, the others use it; then they change places. The attacker
    has a message of every user, about an earlier stretch of time, and guesses who sent one about a later stretch. Ties
    are broken at random, in expectation.
    """
    rng, rows = np.random.default_rng([seed, 4]), []
    order = rng.permutation(data.user_ids)
    for senders in (order[: len(order) // 2], order[len(order) // 2 :]):
        cloud = Cloud.of(data.select(~np.isin(data.users, senders)), seed)
        splits = {user: [split_user(data, int(user), "blocked", fold).test for fold in range(5)] for user in senders}
        earlier = {user: np.concatenate(parts[:2]) for user, parts in splits.items()}
        for name, (message, likeness) in MESSAGES.items():
            known = [message(cloud, (data.X[at], data.y[at])) for at in earlier.values()]
            for place, user in enumerate(senders):
                later = np.concatenate(splits[user][3:])
                found = []
                for draw in range(DRAWS):
                    at = np.random.default_rng([seed, int(user), draw]).permutation(later)[:N_SENT]
                    new = message(cloud, (data.X[at], data.y[at]))
                    scores = np.array([likeness(old, new) for old in known], float)
                    best = np.flatnonzero(scores >= np.nanmax(scores) - 1e-12)
                    found.append((place in best) / len(best))
                rows.append((seed, user, N_SENT, name, np.mean(found), 1 / len(senders)))
    return pd.DataFrame(rows, columns=MESSAGE)


def membership_rows(data: ActivityData, seed: int) -> pd.DataFrame:
    """Which windows did a donor give? MEMBERSHIP, one row for each donor, model that is published, and attack.

    Everybody gives a random half of windows that share no reading; the other half are the non-members. The windows by
    which a donor's training stops are neither. "calibrated": by the shared model, which is published, too.
    """
    apart = data.select(non_overlapping(data))
    rng, rows = np.random.default_rng([seed, 5]), []
    member = rng.permutation(len(apart)) < len(apart) // 2
    given = apart.select(member)
    cloud = Cloud(given, train_on_all(given, seed), {}, seed)
    donors = train_donors(given, cloud.shared, seed)
    averages = pool_of(donors, given, len(donors), TOGETHER, seed)
    centres = np.random.default_rng(seed).permutation(list(donors))
    together = dict(zip(centres.tolist(), averages, strict=True))
    for user, donor in donors.items():
        counts = apart.users == user
        counts[np.flatnonzero(counts & member)[held_out((counts & member).sum(), user, seed)]] = False
        X, y, who = apart.X[counts], apart.y[counts], apart.users[counts]
        before = confidence(cloud.shared, X, y)[0]
        published = {"shared model": cloud.shared, "one donor": donor, f"average of {TOGETHER}": together[user]}
        for name, model in published.items():
            gap = confidence(model, X, y)[0]
            attacks = {"loss": gap} if model is cloud.shared else {"loss": gap, "calibrated": gap - before}
            for attack, scores in attacks.items():
                auc = auc_per_user(member[counts], scores, who).get(user, np.nan)
                rows.append((seed, user, name, attack, auc))
    return pd.DataFrame(rows, columns=MEMBERSHIP)
