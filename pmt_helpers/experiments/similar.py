"""The stored experiment on similar people: what their models are worth, and what asking for them tells. Notebook 07.

`python -m pmt_helpers sweep similar` calls this, from `run_similar`. For each person the cloud has a shared model and
the donors' models, all without that person; a start is chosen from them in several ways, and retrained at home.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isqrt
from typing import Any, Literal

import numpy as np
import pandas as pd

from pmt_helpers.activity import similar as home
from pmt_helpers.activity.shared import epochs_for, train_shared_fast
from pmt_helpers.activity.similar import average_models, choose_donors, keep_better, retrain
from pmt_helpers.activity.splits import UserSplit, n_folds, split_user
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
N_SENT, DRAWS, SEEDS = 20, 5, 8  # windows that a message is about, messages of each person, halves of the people
GAIN = ["user", "n_samples", "model", "folds", "accuracy"]
MESSAGE = ["seed", "user", "n_samples", "model", "accuracy", "chance"]
MEMBERSHIP = ["seed", "user", "model", "attack", "auc"]


def run_similar(runner: JobRunner, *, dataset: str, seed: int) -> Iterator[Result]:
    """`sweep similar`."""
    data, end = load_activity(dataset), dataset + f"_seed{seed}" * (seed != 0)
    plan = activity_plan(data, sizes=SIZES, numbers=[*OTHER_NUMBERS, *CLUSTERS, N_SENT, DRAWS], seed=seed)
    at, seeds = runner.at(runner.folder / f"similar_{end}"), range(seed * SEEDS, (seed + 1) * SEEDS)
    messages: dict[str, Job] = {f"messages-{number}": (message_rows, (data, number)) for number in seeds}
    membership: dict[str, Job] = {f"membership-{number}": (membership_rows, (data, number)) for number in seeds}
    tables = {
        f"similar_gain_{end}": at.rows(user_jobs(user_rows, data, seed), plan, "similar people", GAIN),
        f"similar_messages_{end}": at.rows(messages, plan, "messages", MESSAGE),
        f"similar_membership_{end}": at.rows(membership, plan, "donors", MEMBERSHIP),
    }
    yield Result(tables, dataset, activity_digest(data), seed, digits=4)


def stored_similar(dataset: str, part: Literal["gain", "messages", "membership"] = "gain") -> pd.DataFrame:
    """A table of `sweep similar`, with the group of each user. Raises DataError when it is not there.

    part: "gain", accuracy by user, n_samples and where personal training starts (model); "messages", how often
    (accuracy) a message (model) tells who sent it, and by guessing (chance); "membership", the AUC of telling which
    windows a donor gave, from what is published (model).
    """
    grid = read_grid(f"similar_{part}_{dataset}")
    return grid.assign(group=load_card(dataset).groups(grid["user"]))


@dataclass(frozen=True, eq=False)
class Cloud:
    """What the cloud holds: its volunteers' windows, a shared model, and a model of each of them."""

    data: ActivityData
    shared: Checkpoint
    models: list[Checkpoint]
    pool: list[Checkpoint]
    seed: int

    @classmethod
    def of(cls, volunteers: ActivityData, seed: int) -> "Cloud":
        shared = train_shared_fast(volunteers, None, seed)
        donors = home.train_donors(volunteers, shared, seed)
        return cls(volunteers, shared, list(donors.values()), home.donor_pool(donors, volunteers, seed=seed), seed)

    @cached_property
    def parts(self) -> list[Windows]:
        """The windows of each donor."""
        return [(own.X, own.y) for own in self.data.by_user().values()]

    @cached_property
    def sent(self) -> dict[str, list[Any]]:
        """What each donor told the cloud, to be found by others."""
        return {name: [MESSAGES[name][0](self, part) for part in self.parts] for name in ("gradient", "class means")}

    @cached_property
    def clusters(self) -> dict[int, list[Checkpoint]]:
        """Models of groups of volunteers: each belongs to the one with the lowest loss (IFCA, Ghosh et al. 2020)."""
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

    def nearest(self, windows: Windows, n_donors: int | None = None) -> list[int]:
        """The donors chosen at home; as many as the square root of their number, a usual one set before looking."""
        return choose_donors(self.models, *windows, n_donors or isqrt(len(self.models)))


def gradient(cloud: Cloud, windows: Windows) -> np.ndarray:
    sent = gradient_at(cloud.shared, *windows)
    return np.concatenate([sent.hidden.ravel(), sent.output.ravel(), sent.bias])


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-12))


def class_means(cloud: Cloud, windows: Windows) -> np.ndarray:
    """Mean of the scaled features of each class; (n_classes, n_features), NaN for a class without windows."""
    X, y = cloud.shared.scaler.transform(windows[0]), windows[1]
    unseen = np.full(X.shape[1], np.nan)
    return np.stack([X[y == c].mean(0) if (y == c).any() else unseen for c in range(len(cloud.shared.weights.bias))])


def nearness(a: np.ndarray, b: np.ndarray) -> float:
    """Minus the mean distance of the means of the classes that both have; minus infinity without any."""
    distances = np.sqrt(((a - b) ** 2).mean(axis=1))
    return -float(np.nanmean(distances)) if np.isfinite(distances).any() else -np.inf


# What a device could send, to be told of similar people, and how alike two messages are. For a choice at home: nothing.
MESSAGES: dict[str, tuple[Callable[[Cloud, Windows], Any], Callable[[Any, Any], float]]] = {
    "losses of all donors": (
        lambda cloud, windows: [home.mean_loss(model, *windows) for model in cloud.models],
        lambda a, b: float(np.corrcoef(a, b)[0, 1]),
    ),
    "gradient": (gradient, cosine),
    "class means": (class_means, nearness),
    "names of the donors": (Cloud.nearest, lambda a, b: len({*a} & {*b})),
    "cluster of 4": (lambda cloud, windows: choose_donors(cloud.clusters[4], *windows, 1), lambda a, b: a == b),
    "nothing": (lambda cloud, windows: None, lambda a, b: 0.0),
}


def splits_of(data: ActivityData, user: int, seed: int) -> Iterator[UserSplit]:
    """The blocked splits of one person, cut to each of SIZES that they have windows for."""
    for fold in range(n_folds("blocked")):
        split = split_user(data, user, "blocked", fold, seed=seed)
        yield from (split.first(size) for size in SIZES if size <= len(split.train) and len(split.test))


def _windows(data: ActivityData, rows: np.ndarray) -> Windows:
    return data.X[rows], data.y[rows]


def over_folds(rows: list[tuple], columns: list[str]) -> pd.DataFrame:
    """Rows that end with an accuracy, as a table of these columns: the mean over the folds, and how many there are."""
    keys = columns[:-2]
    groups = pd.DataFrame(rows, columns=[*keys, "accuracy"]).groupby(keys, sort=False)["accuracy"]
    return groups.agg(folds="size", accuracy="mean").reset_index()


def user_rows(data: ActivityData, user: int, seed: int) -> pd.DataFrame:
    """One person's accuracy after every start (GAIN).

    All is chosen by the person's training and validation windows, except by the "oracle", which looks at the test: what
    choosing could give at most.
    """
    cloud, rows = Cloud.of(data.select(data.rows_without(user)), seed), []
    for split in splits_of(data, user, seed):
        train, stop, test = (_windows(data, part) for part in (split.train, split.validation, split.test))
        own: Windows = np.concatenate([train[0], stop[0]]), np.concatenate([train[1], stop[1]])
        order = seed, user, split.fold, len(train[1])
        starts = _starts(cloud, own, test, np.random.default_rng(order).permutation(len(cloud.models)))
        models = {name: retrain(start, train, stop, order) for name, start in starts.items()}
        models["shared"], models["chosen at home, not retrained"] = cloud.shared, starts["chosen at home"]
        models["better of the two"] = keep_better(models["personal"], models["chosen at home"], *stop)
        for name, model in models.items():
            rows.append((user, len(train[1]), name, (model.predict(test[0]) == test[1]).mean()))
    return over_folds(rows, GAIN)


def _starts(cloud: Cloud, own: Windows, test: Windows, chance: np.ndarray) -> dict[str, Checkpoint]:
    """What personal training may start from, by how it was found."""
    chosen = cloud.nearest(own, len(cloud.models))

    def best(places: Sequence[int], number: int = isqrt(len(chosen))) -> Checkpoint:
        return average_models([cloud.models[place] for place in places[:number]])

    def like_me(name: str) -> Checkpoint:
        message, likeness = MESSAGES[name]
        mine = message(cloud, own)
        return best(sorted(range(len(chosen)), key=lambda place: -likeness(mine, cloud.sent[name][place])))

    averages = choose_donors(cloud.pool, *own, isqrt(len(cloud.pool)))
    return {
        "personal": cloud.shared,
        "chosen at home": best(chosen),
        **{f"chosen at home, {number}": best(chosen, number) for number in OTHER_NUMBERS},
        "pool of averages": average_models([cloud.pool[place] for place in averages]),
        **{name: like_me(name) for name in cloud.sent},
        **{f"{k} clusters": models[choose_donors(models, *own, 1)[0]] for k, models in cloud.clusters.items()},
        "random": best(chance.tolist()),
        "all donors": best(chosen, len(chosen)),
        "oracle": best(cloud.nearest(test)),
    }


def message_rows(data: ActivityData, seed: int) -> pd.DataFrame:
    """Which person sent a message? MESSAGE, one row for each person and kind of message.

    A random half of the people are the cloud's volunteers, the others use it; then they change places. The attacker
    has a message of every user, about an earlier stretch of time, and guesses who sent one about a later stretch. Ties
    are broken at random, in expectation.
    """
    rows = []
    for senders in np.array_split(np.random.default_rng([seed, 4]).permutation(data.user_ids), 2):
        cloud = Cloud.of(data.select(~np.isin(data.users, senders)), seed)
        known, new = [], []
        for user in map(int, senders):
            parts = [split_user(data, user, "blocked", fold).test for fold in range(5)]
            later = np.concatenate(parts[3:])
            drawn = [np.random.default_rng([seed, user, draw]).permutation(later)[:N_SENT] for draw in range(DRAWS)]
            known.append(_windows(data, np.concatenate(parts[:2])))
            new.append([_windows(data, at) for at in drawn])
        for name, (message, likeness) in MESSAGES.items():
            old = [message(cloud, windows) for windows in known]
            for place, user in enumerate(senders):
                found = []
                for windows in new[place]:
                    sent = message(cloud, windows)
                    scores = np.array([likeness(theirs, sent) for theirs in old], float)
                    best = np.flatnonzero(scores >= np.nanmax(scores) - 1e-12)
                    found.append((place in best) / len(best))
                rows.append((seed, user, N_SENT, name, np.mean(found), 1 / len(senders)))
    return pd.DataFrame(rows, columns=MESSAGE)


def membership_rows(data: ActivityData, seed: int) -> pd.DataFrame:
    """Which windows did a donor give? MEMBERSHIP, one row for each donor, model that is published, and attack.

    Everybody gives a random half of windows that share no reading; the other half are the non-members. The windows by
    which a donor's training stops are neither. "calibrated": by the shared model, which is published, too.
    """
    apart, rows = data.select(non_overlapping(data)), []
    member = np.random.default_rng([seed, 5]).permutation(len(apart)) < len(apart) // 2
    given = apart.select(member)
    shared = train_on_all(given, seed)
    donors = home.train_donors(given, shared, seed)
    for user, donor in donors.items():
        counts = apart.users == user
        its = np.flatnonzero(counts & member)
        counts[its[home.stop_windows(len(its), user, seed)]] = False
        X, y, who = apart.X[counts], apart.y[counts], apart.users[counts]
        before = confidence(shared, X, y)[0]
        attacks = {("shared model", "loss"): before}
        for name, model in (("one donor", donor), ("average of 3", home.average_around(user, donors, given))):
            gap = confidence(model, X, y)[0]
            attacks |= {(name, "loss"): gap, (name, "calibrated"): gap - before}
        for names, scores in attacks.items():
            rows.append((seed, user, *names, auc_per_user(member[counts], scores, who).get(user, np.nan)))
    return pd.DataFrame(rows, columns=MEMBERSHIP)
