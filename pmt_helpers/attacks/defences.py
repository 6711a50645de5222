"""Defences of the cloud against volunteers who lie: filters before training, and trimming while it trains. Notebook 04.

None of them knows who is malicious, or how many are. All of them leave out honest windows that look unusual.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from pmt_helpers.activity.model import Preprocessor
from pmt_helpers.activity.online import Task, train_online
from pmt_helpers.activity.shared import initial_weights, train_shared_quickly, training_rows
from pmt_helpers.activity.weights import Download, Weights
from pmt_helpers.attacks.membership_game import confidence, cross_entropy
from pmt_helpers.datasets.base import ActivityData

ROUNDS = 40


LEARNING_RATE = 0.01  # with 40 rounds as good as 0.001 with 400, for a tenth of the time


TRIM = 0.3  # share of the volunteers left out at either end: for as many malicious ones it is made


def trimmed_mean(values: np.ndarray, trim: float = TRIM) -> np.ndarray:
    """Mean over the first axis without the `trim` smallest and largest shares, coordinate by coordinate."""
    n_out = int(trim * len(values))
    return np.sort(values, 0)[n_out : len(values) - n_out].mean(0)


AVERAGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": lambda values: values.mean(0),
    "median": lambda values: np.median(values, 0),
    "trimmed mean": trimmed_mean,
}


def train_federated(
    data: ActivityData,
    exclude_user: int | None = None,
    seed: int = 0,
    average: str = "median",
    *,
    rounds: int = ROUNDS,
    learning_rate: float = LEARNING_RATE,
) -> Download:
    """A shared model averaged over volunteers, who all have one vote; start, scaler and windows of train_shared.

    average: "mean", "median" or "trimmed mean", each coordinate of the weights on its own. The scaler is still that of
    the pooled windows. Raises ValueError for an unknown average or user.
    """
    if average not in AVERAGES:
        raise ValueError(f"unknown average {average!r}; choose one of {', '.join(AVERAGES)}")
    rows = training_rows(data, exclude_user, seed)
    cloud = Download(initial_weights(data, seed), Preprocessor.fit(data.X[rows]))
    owners = [(int(user), rows[data.users[rows] == user]) for user in np.unique(data.users[rows])]
    parts = [(user, cloud.windows(data.X[own]), data.y[own]) for user, own in owners]
    common = cloud.weights
    for turn in range(rounds):
        tasks = [Task(common, X, y, seed=(seed, turn, user)) for user, X, y in parts]
        trained = [train_online(task, epochs=1, learning_rate=learning_rate).weights for task in tasks]
        common = average_weights(trained, AVERAGES[average])
    return Download(common, cloud.scaler)


def average_weights(models: list[Weights], average: Callable[[np.ndarray], np.ndarray]) -> Weights:
    """Average several networks of one shape; `average` maps (n_models, ...) to (...)."""
    hidden, output, bias = (
        average(np.stack([getattr(model, layer) for model in models])).astype(np.float32)
        for layer in ("hidden", "output", "bias")
    )
    return Weights(hidden, output, bias, models[0].n_features)


Filter = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]  # X, y, users -> windows to keep, bool


CUT = 3.0  # spreads beyond the usual distance


NEIGHBOURS = 20


LEAST = 0.5  # of the commonest label's votes


TRIM_defences = 0.3  # share of the windows with the highest loss


TRIM_ROUNDS = 3


AT_ONCE = 1024  # windows compared with all others at a time


@dataclass(frozen=True, eq=False)
class Defended:
    """A shared model trained behind a defence. keep: (n_windows,) bool, None for a defence that leaves none out."""

    download: Download
    keep: np.ndarray | None = None

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The likeliest class of each raw window; (n_windows,) int."""
        return self.download.predict(X)


def outlier_filter(X: np.ndarray, y: np.ndarray, users: np.ndarray, *, cut: float = CUT) -> np.ndarray:
    """Keep the windows that lie near the others of their class; (n_windows,) bool.

    A window's distance is the root mean square over features from its class's median, in that class's own spreads
    (median absolute deviations); kept up to `cut` spreads of the distances above their median.
    """
    Z, keep = Preprocessor.fit(X).transform(X), np.ones(len(y), bool)
    for label in np.unique(y):
        rows = np.flatnonzero(y == label)
        off = np.abs(Z[rows] - np.median(Z[rows], 0))
        spread = np.median(off, 0) + 0.1  # a feature that hardly varies in a class would decide all
        distance = np.sqrt((np.minimum(off / spread, 10) ** 2).mean(1))
        usual = np.median(distance)
        keep[rows] = distance <= usual + cut * 1.4826 * np.median(np.abs(distance - usual))
    return keep


def neighbour_filter(
    X: np.ndarray, y: np.ndarray, users: np.ndarray, *, neighbours: int = NEIGHBOURS, least: float = LEAST
) -> np.ndarray:
    """Keep the windows whose label the nearest windows of *other* people bear too; (n_windows,) bool.

    Other people's, since a malicious volunteer's own windows all tell the same lie. Kept with at least `least` times
    the votes of the commonest label there: with 1 the filter also drops every third honest window of WISDM.
    """
    labels = neighbour_labels(X, y, users, neighbours)
    votes = np.stack([(labels == label).sum(1) for label in range(int(y.max()) + 1)], 1)
    return votes[np.arange(len(y)), y] >= least * votes.max(1)


def neighbour_labels(X: np.ndarray, y: np.ndarray, users: np.ndarray, neighbours: int) -> np.ndarray:
    """Labels of the nearest windows of other people, in scaled features; (n_windows, neighbours)."""
    Z = Preprocessor.fit(X).transform(X)
    squares = (Z**2).sum(1)
    labels = np.empty((len(y), neighbours), np.int64)
    for first in range(0, len(y), AT_ONCE):
        rows = slice(first, first + AT_ONCE)
        distance = squares - 2 * Z[rows] @ Z.T
        distance[users[rows, None] == users] = np.inf
        labels[rows] = y[np.argpartition(distance, neighbours, axis=1)[:, :neighbours]]
    return labels


def train_filtered(data: ActivityData, exclude_user: int | None, seed: int, chosen: Filter) -> Defended:
    """The shared model of the windows that a filter keeps; it sees the volunteers' windows only."""
    keep = filter_mask(chosen, data, exclude_user)
    return Defended(train_shared_quickly(data, exclude_user, seed, keep=keep), keep)


def filter_mask(chosen: Filter, data: ActivityData, exclude_user: int | None) -> np.ndarray:
    """A filter's choice as a mask over all of `data`; (n_windows,) bool, True for the person left out."""
    given = np.ones(len(data), bool) if exclude_user is None else data.users != exclude_user
    keep = np.ones(len(data), bool)
    keep[given] = chosen(data.X[given], data.y[given], data.users[given])
    return keep


def train_trimmed(
    data: ActivityData, exclude_user: int | None, seed: int, *, trim: float = TRIM_defences, rounds: int = TRIM_ROUNDS
) -> Defended:
    """Train, leave out the `trim` of the windows with the highest loss, train again; so many rounds."""
    volunteers = np.ones(len(data), bool) if exclude_user is None else data.users != exclude_user
    keep = np.ones(len(data), bool)
    for _ in range(rounds):
        sure, _ = confidence(train_shared_quickly(data, exclude_user, seed, keep=keep), data.X, data.y)
        loss = cross_entropy(sure)
        keep = loss <= np.quantile(loss[volunteers], 1 - trim)
    return Defended(train_shared_quickly(data, exclude_user, seed, keep=keep), keep)


def _undefended(data: ActivityData, exclude_user: int | None, seed: int) -> Defended:
    return Defended(train_shared_quickly(data, exclude_user, seed))


def _averaged(data: ActivityData, exclude_user: int | None, seed: int, average: str) -> Defended:
    return Defended(train_federated(data, exclude_user, seed, average))


# Each takes data, the person left out, and a seed.
DEFENCES: dict[str, Callable[[ActivityData, int | None, int], Defended]] = {
    "none": _undefended,
    "outlier filter": partial(train_filtered, chosen=outlier_filter),
    "neighbour filter": partial(train_filtered, chosen=neighbour_filter),
    "trimmed loss": train_trimmed,
    **{f"averaged: {average}": partial(_averaged, average=average) for average in AVERAGES},
}


def poisoned_mask(data: ActivityData, poisoned: ActivityData) -> np.ndarray:
    """Which windows poison_volunteers has changed, in their label or a feature; (n_windows,) bool."""
    same = (data.X == poisoned.X) | (np.isnan(data.X) & np.isnan(poisoned.X))
    return (data.y != poisoned.y) | ~same.all(1)


def removal_rates(keep: np.ndarray, bad: np.ndarray, given: np.ndarray) -> tuple[float, float]:
    """Share of the poisoned windows that a defence leaves out (NaN without any), and of the honest ones given to it."""
    honest = given & ~bad
    return float((~keep[bad]).mean()) if bad.any() else float("nan"), float((~keep[honest]).mean())
