"""Red team: write a poisoning under a budget, scored on rounds that you do not see. Notebook 04, red team."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import softmax
from tqdm.auto import tqdm

from pmt_helpers.activity.quick_shared import train_shared_quickly
from pmt_helpers.attacks.hidden_rounds import Misuse, Round, call, check_length, hidden_rounds
from pmt_helpers.attacks.label_flips import flip_labels
from pmt_helpers.attacks.poisoning import malicious_volunteers, scores_of
from pmt_helpers.datasets.activity_data import ActivityData

# X, y, likelihood, n_flips, rng -> labels
Attack = Callable[[np.ndarray, np.ndarray, np.ndarray, int, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Budget:
    """What the red team may do. volunteers: share of the volunteers who are malicious, 0 to 0.5.

    flips: labels that each of them may change: a whole number (int), or a share of their windows (float).
    Raises ValueError for numbers outside of that.
    """

    volunteers: float = 0.3
    flips: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.volunteers <= 0.5 or self.flips <= 0 or (self.flips > 1 and self.flips != int(self.flips)):
            raise ValueError(
                "a budget has volunteers above 0 and up to 0.5, and flips as a share up to 1.0 or a whole number; "
                f"got {self}"
            )

    def of(self, n_windows: int) -> int:
        """How many labels a volunteer with so many windows may change; flips=1 is one label, flips=1.0 is all."""
        is_number = self.flips > 1 or isinstance(self.flips, int)
        return min(n_windows, int(self.flips) if is_number else round(self.flips * n_windows))


@dataclass(frozen=True)
class AttackScore:
    """How much an attack hurts people whom the shared model does not know.

    rounds: a row a hidden round: clean, random, least_likely, yours (accuracy of the shared model, mean over the people
    left out; the two in the middle spend the same budget). problem: why it was not scored, or None.
    """

    rounds: pd.DataFrame
    budget: Budget
    problem: str | None = None

    @property
    def drop(self) -> float:
        """Mean accuracy lost; NaN when not scored."""
        return self._drop("yours")

    def _drop(self, column: str) -> float:
        return float((self.rounds["clean"] - self.rounds[column]).mean()) if len(self.rounds) else float("nan")

    def __str__(self) -> str:
        if self.problem is not None:
            return f"Not scored: {self.problem}"
        error = float(np.std(self.rounds["clean"] - self.rounds["yours"], ddof=1) / np.sqrt(len(self.rounds)))
        return (
            f"Your attack costs strangers {100 * self.drop:.1f} points of accuracy (standard error {100 * error:.1f} "
            f"over {len(self.rounds)} hidden rounds). With the same budget, random lies cost "
            f"{100 * self._drop('random'):.1f} and the least likely ones {100 * self._drop('least_likely'):.1f}."
        )


def score_attack(
    attack: Attack, data: ActivityData, budget: Budget | None = None, *, n_rounds: int = 5, progress: bool = True
) -> AttackScore:
    """Let malicious volunteers use `attack` in hidden rounds: other people left out, other volunteers malicious.

    attack(X, y, likelihood, n_flips, rng) is called once for each malicious volunteer. X: (n, n_features) raw windows,
    y: (n,) true labels, likelihood: (n, n_classes) probabilities of the last clean model, which everybody has
    downloaded, n_flips: how many labels may change, rng: for its random choices. It returns n labels. Nothing is
    raised for an attack that breaks the rules: the score says which one.
    """
    budget = budget or Budget()
    rows = []
    bar = tqdm(hidden_rounds(data, n_rounds), desc="hidden rounds", unit="round", leave=False, disable=not progress)
    for one in bar:
        try:
            rows.append(_play(attack, budget, one))
        except Misuse as misuse:
            bar.close()
            return AttackScore(pd.DataFrame(), budget, str(misuse))
    return AttackScore(pd.DataFrame(rows), budget)


def _play(attack: Attack, budget: Budget, one: Round) -> dict[str, float]:
    data = one.volunteers
    clean = train_shared_quickly(data, seed=one.seed)
    found = {"clean": one.accuracy(clean)}
    for name, way in {"random": _random, "least_likely": _least_likely, "yours": attack}.items():
        labels = np.array(data.y)
        for volunteer in malicious_volunteers(data, None, budget.volunteers, one.seed):
            own = np.flatnonzero(data.users == volunteer)
            likelihood = softmax(scores_of(clean, data.X[own]).astype(np.float64), axis=1)
            rng = np.random.default_rng([one.seed, int(volunteer)])
            labels[own] = _told(way, data.X[own], data.y[own], likelihood, budget.of(len(own)), rng)
        found[name] = one.accuracy(train_shared_quickly(replace(data, y=labels), seed=one.seed))
    return found


def _told(
    attack: Attack, X: np.ndarray, y: np.ndarray, likelihood: np.ndarray, n_flips: int, rng: np.random.Generator
) -> np.ndarray:
    """What one malicious volunteer tells the cloud. Raises Misuse for what the rules do not allow."""
    told = call(attack, {"X": X, "y": y, "likelihood": likelihood}, n_flips, rng)
    if isinstance(told, tuple):
        raise Misuse(f"return the labels alone; this returned {len(told)} things. Features cannot be changed here.")
    labels = check_length(told, len(y), "label")
    if labels.dtype.kind not in "iu" and not (labels.dtype.kind == "f" and (labels == np.round(labels)).all()):
        raise Misuse(
            f"labels are whole numbers, the places of the classes in class_names; this returned {labels.dtype}"
        )
    n_classes = likelihood.shape[1]
    if labels.min() < 0 or labels.max() >= n_classes:
        raise Misuse(f"labels are 0 to {n_classes - 1}; this returned {labels.min()} to {labels.max()}")
    if (n_changed := int((labels != y).sum())) > n_flips:
        raise Misuse(
            f"over budget: {n_changed} labels of a volunteer with {len(y)} windows are changed, {n_flips} may be. "
            "Choose which windows are worth a lie, and leave the other labels as they are."
        )
    return labels.astype(np.int64)


def _random(X: np.ndarray, y: np.ndarray, likelihood: np.ndarray, n_flips: int, rng: np.random.Generator) -> np.ndarray:
    return _flipped("random", y, likelihood, n_flips, rng)


def _least_likely(
    X: np.ndarray, y: np.ndarray, likelihood: np.ndarray, n_flips: int, rng: np.random.Generator
) -> np.ndarray:
    return _flipped("least_likely", y, likelihood, n_flips, rng)


def _flipped(kind: str, y: np.ndarray, likelihood: np.ndarray, n_flips: int, rng: np.random.Generator) -> np.ndarray:
    labels, chosen = y.copy(), rng.permutation(len(y))[:n_flips]
    labels[chosen] = flip_labels(y[chosen], kind, likelihood.shape[1], rng, scores=likelihood[chosen])
    return labels
