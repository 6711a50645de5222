"""What a model says an activity looks like, and whether that is how *you* do it. Notebook 05.

Three attacks on a personal model that got out, each with more at hand. "ascent" finds the input that the model is most
certain of, by gradient ascent (Fredrikson et al. 2015). "difference" compares that with the shared model's, so that
only what personal training changed counts. "weights" reads the change itself: a hidden unit that was made to speak
louder for a class was moved along that class's windows.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pmt_helpers.activity.weights import Checkpoint, Weights
from pmt_helpers.attacks.gradient_leak import weight_update
from pmt_helpers.datasets.base import ActivityData

METHODS = ("ascent", "difference", "weights")
BASELINES = ("scaler's mean", "population")
PRIOR = 0.1  # how strongly a profile is drawn to the scaler's mean
RATE, STEPS = 0.1, 500
SHRINKAGE = 0.5  # of what the weights say, towards the population
MIN_WINDOWS = 5  # of a class, trained on and in all: fewer make no profile


def invert_model(
    model: Any,
    label: int,
    *,
    method: str = "ascent",
    shared: Any = None,
    population: np.ndarray | None = None,
    prior: float = PRIOR,
) -> np.ndarray:
    """Reconstruct the feature profile of class `label` from a model; (n_features,), in scaled features.

    The model's `.scaler` takes a profile back to raw features: profile * scale + mean. Raises ValueError for an unknown
    method or class, and where something needed is not given.

    Parameters
    ----------
    method : "ascent" needs the model alone; "difference" and "weights" also need `shared` and `population`
    shared : the model that personal training began with
    population : (n_features,), the scaled mean of that class over other people, which the cloud has
    prior : strength of the pull to the scaler's mean, without which the ascent has no end
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; choose one of {', '.join(METHODS)}")
    weights = Checkpoint.from_model(model).weights
    if not 0 <= label < len(weights.bias):
        raise ValueError(f"label must be 0 to {len(weights.bias) - 1}, a class of this model; got {label}")
    if method == "ascent":
        return gradient_ascent(weights, label, prior)
    if shared is None or population is None:
        raise ValueError(f'method "{method}" needs shared= and population=')
    before = Checkpoint.from_model(shared).weights
    if np.shape(population) != (weights.n_features,):
        raise ValueError(f"population must be ({weights.n_features},) scaled features; got {np.shape(population)}")
    if method == "difference":
        return population + gradient_ascent(weights, label, prior) - gradient_ascent(before, label, prior)
    return population + SHRINKAGE * (_read_weight_change(before, weights, label) - population)


def gradient_ascent(weights: Weights, label: int, prior: float = PRIOR) -> np.ndarray:
    """The scaled input with the largest log probability of `label`, less prior / 2 times its squared length."""
    n = weights.n_features
    W, V = weights.hidden[: n + 1].astype(np.float64), weights.output.astype(np.float64)
    x, is_label = np.zeros(n), np.arange(len(V)) == label
    for _ in range(STEPS):
        activation = x @ W[:n] + W[n]
        logits = V @ np.maximum(activation, 0) + weights.bias
        p = np.exp(logits - logits.max())
        gradient = W[:n] @ np.where(activation > 0, V.T @ (is_label - p / p.sum()), 0)
        x += RATE * (gradient - prior * x)
    return x


def _read_weight_change(before: Weights, after: Weights, label: int) -> np.ndarray:
    """The mean input of the windows that raised the units which speak for a class; zeros where there are none."""
    added = weight_update(after, before).hidden
    n = before.n_features
    output = before.output.astype(np.float64) + after.output
    weight = np.maximum(output[label] - output.mean(axis=0), 0) * (added[n] > 0)
    total = added[n].astype(np.float64) @ weight
    return added[:n].astype(np.float64) @ weight / total if total > 0 else np.zeros(n)


def class_means(data: ActivityData, scaler: Any) -> dict[tuple[int, int], np.ndarray]:
    """(user, label) to that user's scaled mean window of the class, for those who have MIN_WINDOWS windows of it."""
    X = scaler.transform(data.X).astype(np.float64)
    means = {}
    for user in map(int, data.user_ids):
        for label in range(len(data.class_names)):
            rows = (data.users == user) & (data.y == label)
            if rows.sum() >= MIN_WINDOWS:
                means[user, label] = X[rows].mean(0)
    return means


def compare_inversions(
    data: ActivityData, user: int, personal: Any, shared: Any, labels: np.ndarray | None = None
) -> pd.DataFrame:
    """Every method and baseline against the user's true mean of each class.

    shared: trained without this user; labels: those of the windows that `personal` was trained on, so that only classes
    it has seen MIN_WINDOWS times count. Returns one row per class and method: distance (scaled, to the true mean),
    correlation (with it), unusual (cosine between what the profile and the true mean add to the population's), farther
    (share of other people whose mean is farther from the profile than this user's: .5 is chance), first (whether
    nobody's mean is nearer), first_unusual (the same, by cosine to what a person adds), people (compared).
    """
    scaler = Checkpoint.from_model(shared).scaler
    means = class_means(data, scaler)
    rows = []
    for label, name in enumerate(data.class_names):
        if (user, label) not in means or (labels is not None and (np.asarray(labels) == label).sum() < MIN_WINDOWS):
            continue
        others = data.select((data.users != user) & (data.y == label))
        population = scaler.transform(others.X).astype(np.float64).mean(0)
        guesses = {"scaler's mean": np.zeros_like(population), "population": population} | {
            method: invert_model(personal, label, method=method, shared=shared, population=population)
            for method in METHODS
        }
        of_class = {person: mean for (person, which), mean in means.items() if which == label}
        for method, guess in guesses.items():
            values = _compare(guess, user, of_class, population)
            rows.append({"user": user, "activity": name, "method": method, **values, "people": len(of_class)})
    return pd.DataFrame(rows)


def _compare(guess: np.ndarray, user: int, means: Mapping[int, np.ndarray], population: np.ndarray) -> dict[str, float]:
    """One row of compare_inversions. means: by person, of one class."""

    def cosine(a: np.ndarray, b: np.ndarray) -> float:
        length = np.linalg.norm(a) * np.linalg.norm(b)
        return float(a @ b / length) if length > 0 else 0.0

    others = [person for person in means if person != user]
    distance = {person: float(np.linalg.norm(guess - mean)) for person, mean in means.items()}
    likeness = {person: cosine(guess - population, mean - population) for person, mean in means.items()}
    adds = np.linalg.norm(guess - population) > 0
    return {
        "distance": distance[user],
        "correlation": float(np.corrcoef(guess, means[user])[0, 1]) if guess.std() > 0 else np.nan,
        "unusual": likeness[user] if adds else np.nan,
        "farther": float(np.mean([distance[person] > distance[user] for person in others])),
        "first": float(all(distance[person] > distance[user] for person in others)),
        "first_unusual": float(all(likeness[person] < likeness[user] for person in others)) if adds else np.nan,
    }
