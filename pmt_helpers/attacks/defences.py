"""Defences of the cloud against poisoned volunteers: robust aggregation, filters, trimmed losses. Notebook 04.

None of them knows who is malicious, or how many are. All of them leave out honest windows that look unusual.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from pmt_helpers.activity.federated import train_federated
from pmt_helpers.activity.shared import train_shared_fast
from pmt_helpers.activity.weights import Checkpoint, Preprocessor
from pmt_helpers.attacks.membership_game import confidence, cross_entropy
from pmt_helpers.datasets.base import ActivityData

TRIM = 0.3  # share of the volunteers left out at either end: at most as many may be malicious

MAX_SPREADS = 3.0  # beyond the usual distance
NEIGHBOURS = 20
MIN_VOTES = 0.5  # of the commonest label's
BLOCK = 1024  # windows compared with all others at a time

TRIMMED_LOSS = 0.3  # share of the windows left out for the highest loss
TRIM_ROUNDS = 3

Filter = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]  # X, y, users -> windows to keep, bool


def trimmed_mean(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis without the TRIM smallest and largest shares, coordinate by coordinate."""
    n_out = int(TRIM * len(values))
    return np.sort(values, 0)[n_out : len(values) - n_out].mean(0)


AGGREGATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": lambda values: values.mean(0),
    "median": lambda values: np.median(values, 0),
    "trimmed mean": trimmed_mean,
}


def outlier_filter(X: np.ndarray, y: np.ndarray, users: np.ndarray) -> np.ndarray:
    """Keep the windows that lie near the others of their class; (n_windows,) bool.

    A window's distance is the root mean square over features from its class's median, in that class's own spreads
    (median absolute deviations); kept up to MAX_SPREADS spreads of the distances above their median.
    """
    Z, keep = Preprocessor.fit(X).transform(X), np.ones(len(y), bool)
    for label in np.unique(y):
        rows = np.flatnonzero(y == label)
        off = np.abs(Z[rows] - np.median(Z[rows], 0))
        spread = np.median(off, 0) + 0.1  # a feature that hardly varies in a class would decide all
        distance = np.sqrt((np.minimum(off / spread, 10) ** 2).mean(1))
        usual = np.median(distance)
        keep[rows] = distance <= usual + MAX_SPREADS * 1.4826 * np.median(np.abs(distance - usual))
    return keep


def neighbour_filter(X: np.ndarray, y: np.ndarray, users: np.ndarray, *, neighbours: int = NEIGHBOURS) -> np.ndarray:
    """Keep the windows whose label the nearest windows of *other* people have too; (n_windows,) bool.

    Other people's, since a malicious volunteer's own windows all have the same false label. Kept with at least
    MIN_VOTES times the votes of the commonest label there: with 1 it also drops every third honest window of WISDM.
    """
    labels = neighbour_labels(X, y, users, neighbours)
    votes = np.stack([(labels == label).sum(1) for label in range(int(y.max()) + 1)], 1)
    return votes[np.arange(len(y)), y] >= MIN_VOTES * votes.max(1)


def neighbour_labels(X: np.ndarray, y: np.ndarray, users: np.ndarray, neighbours: int) -> np.ndarray:
    """Labels of the nearest windows of other people, in scaled features; (n_windows, neighbours)."""
    Z = Preprocessor.fit(X).transform(X)
    squares = (Z**2).sum(1)
    labels = np.empty((len(y), neighbours), np.int64)
    for first in range(0, len(y), BLOCK):
        rows = slice(first, first + BLOCK)
        distance = squares - 2 * Z[rows] @ Z.T
        distance[users[rows, None] == users] = np.inf
        labels[rows] = y[np.argpartition(distance, neighbours, axis=1)[:, :neighbours]]
    return labels


def filter_mask(keeps: Filter, data: ActivityData, exclude_user: int | None) -> np.ndarray:
    """A filter's choice as a mask over all of `data`; (n_windows,) bool, True for the person left out."""
    volunteers, keep = data.users != exclude_user, np.ones(len(data), bool)
    keep[volunteers] = keeps(data.X[volunteers], data.y[volunteers], data.users[volunteers])
    return keep


@dataclass(frozen=True, eq=False)
class Defended:
    """A shared model trained behind a defence. keep: (n_windows,) bool, None for a defence that leaves none out."""

    model: Checkpoint
    keep: np.ndarray | None = None

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The likeliest class of each raw window; (n_windows,) int."""
        return self.model.predict(X)


def train_filtered(data: ActivityData, exclude_user: int | None, seed: int, keeps: Filter) -> Defended:
    """The shared model of the windows that a filter keeps; it sees the volunteers' windows only."""
    keep = filter_mask(keeps, data, exclude_user)
    return Defended(train_shared_fast(data, exclude_user, seed, keep=keep), keep)


def train_trimmed(data: ActivityData, exclude_user: int | None, seed: int) -> Defended:
    """Train, leave out the TRIMMED_LOSS of the windows with the highest loss, train again; TRIM_ROUNDS times."""
    volunteers, keep = data.users != exclude_user, np.ones(len(data), bool)
    model = train_shared_fast(data, exclude_user, seed, keep=keep)
    for _ in range(TRIM_ROUNDS):
        loss = cross_entropy(confidence(model, data.X, data.y)[0])
        keep = loss <= np.quantile(loss[volunteers], 1 - TRIMMED_LOSS)
        model = train_shared_fast(data, exclude_user, seed, keep=keep)
    return Defended(model, keep)


def train_aggregated(data: ActivityData, exclude_user: int | None, seed: int, aggregation: str) -> Defended:
    """A federation of volunteers who all have one vote after each epoch, coordinate by coordinate (Yin et al. 2018).

    aggregation: "mean", "median" or "trimmed mean". Raises ValueError for another.
    """
    if aggregation not in AGGREGATIONS:
        raise ValueError(f"unknown aggregation {aggregation!r}; choose one of {', '.join(AGGREGATIONS)}")
    one_vote = AGGREGATIONS[aggregation]
    federation = train_federated(data, exclude_user, seed, local_epochs=1, aggregate=lambda values, _: one_vote(values))
    return Defended(federation.model)


# Each takes data, the person left out, and a seed.
DEFENCES: dict[str, Callable[[ActivityData, int | None, int], Defended]] = {
    "none": lambda data, exclude_user, seed: Defended(train_shared_fast(data, exclude_user, seed)),
    "outlier filter": partial(train_filtered, keeps=outlier_filter),
    "neighbour filter": partial(train_filtered, keeps=neighbour_filter),
    "trimmed loss": train_trimmed,
    **{f"averaged: {name}": partial(train_aggregated, aggregation=name) for name in AGGREGATIONS},
}


def poisoned_mask(data: ActivityData, poisoned: ActivityData) -> np.ndarray:
    """Which windows poison_volunteers has changed, in their label or a feature; (n_windows,) bool."""
    same = (data.X == poisoned.X) | (np.isnan(data.X) & np.isnan(poisoned.X))
    return (data.y != poisoned.y) | ~same.all(1)


def removal_rates(keep: np.ndarray, poisoned: np.ndarray, volunteers: np.ndarray) -> tuple[float, float]:
    """Share of the poisoned windows that a defence leaves out (NaN without any), and of the volunteers' honest ones.

    keep, poisoned, volunteers: (n_windows,) bool.
    """
    honest = volunteers & ~poisoned
    return float((~keep[poisoned]).mean()) if poisoned.any() else float("nan"), float((~keep[honest]).mean())
