"""What a model says an activity looks like, and whether that is how *you* do it. Notebook 04, step 4.

Three attacks on a personal model that got out, each with more at hand. "ascent" climbs to the input that the model is
most certain of (Fredrikson et al. 2015). "difference" compares that with the shared model's, so that only what personal
training changed counts. "weights" reads the change itself: a hidden unit that was made to speak louder for a class was
moved along that class's windows.
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
PRIOR = 0.1  # how strongly a profile is drawn to where it began
RATE, STEPS = 0.1, 500
TRUST = 0.5  # in what the weights say, against the population
FEWEST = 5  # windows of a class, trained on and in all: fewer make no profile


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

    method: "ascent" needs the model alone. "difference" and "weights" also need `shared`, the model that personal
    training began with, and `population`, (n_features,): the scaled mean of that class over other people, which the
    cloud has. prior: strength of the pull to the scaler's mean, without which the climb has no end.
    The model's `.scaler` takes a profile back to raw features: profile * scale + mean.
    Raises ValueError for an unknown method or class, and where something needed is not given.
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; choose one of {', '.join(METHODS)}")
    weights = Checkpoint.from_model(model).weights
    if not 0 <= label < len(weights.bias):
        raise ValueError(f"label must be 0 to {len(weights.bias) - 1}, a class of this model; got {label}")
    if method == "ascent":
        return climb(weights, label, prior)
    if shared is None or population is None:
        raise ValueError(f'method "{method}" needs shared= and population=')
    before = Checkpoint.from_model(shared).weights
    if method == "difference":
        return population + climb(weights, label, prior) - climb(before, label, prior)
    return population + TRUST * (_read_from_change(before, weights, label) - population)


def climb(weights: Weights, label: int, prior: float = PRIOR, steps: int = STEPS) -> np.ndarray:
    """The scaled input with the largest log probability of `label`, less prior / 2 times its squared length."""
    n = weights.n_features
    W, V = weights.hidden[: n + 1].astype(np.float64), weights.output.astype(np.float64)
    x, wanted = np.zeros(n), np.arange(len(V)) == label
    for _ in range(steps):
        above = x @ W[:n] + W[n]
        scores = V @ np.maximum(above, 0) + weights.bias
        p = np.exp(scores - scores.max())
        uphill = W[:n] @ np.where(above > 0, V.T @ (wanted - p / p.sum()), 0)
        x += RATE * (uphill - prior * x)
    return x


def _read_from_change(before: Weights, after: Weights, label: int) -> np.ndarray:
    """The mean input of the windows that raised the units which speak for a class; zeros where there are none."""
    change = weight_update(after, before)  # what training added
    n = change.n_features
    output = before.output.astype(np.float64) + after.output
    speaks = np.maximum(output[label] - output.mean(axis=0), 0)
    weight = speaks * (change.hidden[n] > 0)
    total = change.hidden[n].astype(np.float64) @ weight
    return change.hidden[:n].astype(np.float64) @ weight / total if total > 0 else np.zeros(n)


def class_means(data: ActivityData, scaler: Any) -> dict[tuple[int, int], np.ndarray]:
    """(user, label) to that user's scaled mean window of the class, for those who have FEWEST windows of it."""
    X = scaler.transform(data.X).astype(np.float64)
    means = {}
    for user in map(int, data.user_ids):
        for label in range(len(data.class_names)):
            rows = (data.users == user) & (data.y == label)
            if rows.sum() >= FEWEST:
                means[user, label] = X[rows].mean(0)
    return means


def compare_inversions(
    data: ActivityData, user: int, personal: Any, shared: Any, labels: np.ndarray | None = None
) -> pd.DataFrame:
    """Every method and baseline against the user's true mean of each class.

    shared: trained without this user; labels: those of the windows that `personal` was trained on, so that only classes
    it has seen FEWEST times count. Returns a row for each class and method: distance (scaled, to the true mean),
    correlation (with it), unusual (cosine between what the profile and the true mean add to the population's), farther
    (share of other people whose mean is farther from the profile than this user's: .5 is chance), first (whether
    nobody's mean is nearer), first_unusual (the same, by cosine to what a person adds), people (compared).
    """
    scaler = Checkpoint.from_model(shared).scaler
    means = class_means(data, scaler)
    rows = []
    for label, name in enumerate(data.class_names):
        if (user, label) not in means or (labels is not None and (np.asarray(labels) == label).sum() < FEWEST):
            continue
        others = data.select((data.users != user) & (data.y == label))
        population = scaler.transform(others.X).astype(np.float64).mean(0)
        guesses = {"scaler's mean": np.zeros_like(population), "population": population} | {
            method: invert_model(personal, label, method=method, shared=shared, population=population)
            for method in METHODS
        }
        of_class = {person: mean for (person, which), mean in means.items() if which == label}
        for method, guess in guesses.items():
            found = _held_against(guess, user, of_class, population)
            rows.append({"user": user, "activity": name, "method": method, **found, "people": len(of_class)})
    return pd.DataFrame(rows)


def _held_against(
    guess: np.ndarray, user: int, means: Mapping[int, np.ndarray], population: np.ndarray
) -> dict[str, float]:
    truth, people = means[user], [person for person in means if person != user]
    distance = {person: float(np.linalg.norm(guess - mean)) for person, mean in means.items()}
    likeness = {person: _cosine(guess - population, mean - population) for person, mean in means.items()}
    adds = np.linalg.norm(guess - population) > 0
    return {
        "distance": distance[user],
        "correlation": float(np.corrcoef(guess, truth)[0, 1]) if guess.std() > 0 else np.nan,
        "unusual": likeness[user] if adds else np.nan,
        "farther": float(np.mean([distance[person] > distance[user] for person in people])),
        "first": float(all(distance[person] > distance[user] for person in people)),
        "first_unusual": float(all(likeness[person] < likeness[user] for person in people)) if adds else np.nan,
    }


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    length = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / length) if length > 0 else 0.0
