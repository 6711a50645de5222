"""The rounds on which red and blue team are scored, and the rules that both keep. Notebook 04, red team."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import softmax
from tqdm.auto import tqdm

from pmt_helpers.activity.shared import train_shared_quickly, training_rows
from pmt_helpers.activity.weights import Download
from pmt_helpers.attacks.defences import Filter, poisoned_mask, removal_rates
from pmt_helpers.attacks.poisoning import flip_labels, malicious_volunteers, poison_volunteers
from pmt_helpers.datasets.base import ActivityData

HIDDEN = 20_180_412  # not the seeds that the notebook shows


STRANGERS = 5  # one person in so many is left out of a round, to be tested on


class Misuse(Exception):
    """A submitted function does not keep the rules; the text says which one, and what to do."""


@dataclass(frozen=True, eq=False)
class Round:
    """Volunteers who train, strangers whom the shared model does not know, and the seed of everything else."""

    volunteers: ActivityData
    strangers: ActivityData
    seed: int

    def accuracy(self, model: Download) -> float:
        """Mean over the strangers of the share of their windows that a shared model gets right."""
        right = model.predict(self.strangers.X) == self.strangers.y
        return float(np.mean([right[self.strangers.users == user].mean() for user in self.strangers.user_ids]))


def hidden_rounds(data: ActivityData, n_rounds: int) -> list[Round]:
    """Always the same rounds for a data set; everybody has been a stranger before anybody is again.

    Raises ValueError when there are too few people for that.
    """
    n_out = len(data.user_ids) // STRANGERS
    if n_out == 0:
        raise ValueError(f"a hidden round needs {STRANGERS} people or more; {data.card.name} has {data.summary}")
    rng = np.random.default_rng(HIDDEN)
    queue: list[int] = []
    rounds = []
    for _ in range(n_rounds):
        while len(queue) < n_out:
            queue += [int(user) for user in rng.permutation(data.user_ids) if user not in queue]
        out, queue = queue[:n_out], queue[n_out:]
        strangers = np.isin(data.users, out)
        rounds.append(Round(data.select(~strangers), data.select(strangers), int(rng.integers(2**31))))
    return rounds


def call(function: Callable[..., Any], arrays: Mapping[str, np.ndarray], *more: Any) -> Any:
    """Call with copies of named arrays. Raises Misuse when it fails, returns nothing or has changed an array."""
    given = {name: np.array(array) for name, array in arrays.items()}
    try:
        result = function(*given.values(), *more)
    except Exception as error:
        raise Misuse(f"your function stopped with {type(error).__name__}: {error}") from error
    for name, array in arrays.items():
        if given[name].shape != array.shape or not np.array_equal(given[name], array, equal_nan=True):
            raise Misuse(f"your function changed {name} in place; leave it as it is, and work on a copy: {name}.copy()")
    if result is None:
        raise Misuse("your function returned nothing; does it end with return?")
    return result


def check_length(returned: Any, n_windows: int, what: str) -> np.ndarray:
    """As an array with one value a window, otherwise raises Misuse."""
    try:
        values = np.asarray(returned)
    except ValueError as error:
        raise Misuse(f"return an array with one {what} a window; this is none: {error}") from error
    if values.shape != (n_windows,):
        raise Misuse(f"return one {what} a window, shape ({n_windows},); this returned shape {values.shape}")
    return values


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
            likelihood = softmax(clean.logits(data.X[own]).astype(np.float64), axis=1)
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


ATTACKS = (("none", 0.0), ("random", 0.3), ("pair", 0.3), ("least_likely", 0.3), ("noise", 0.3))


@dataclass(frozen=True)
class DefenceScore:
    """How well a filter protects people whom the shared model does not know.

    rounds: a row for each hidden round and attack: attack, undefended, yours, perfect (accuracy of the shared model,
    mean over the people left out; perfect leaves out what is poisoned and nothing else), caught and dropped (share of
    the poisoned and of the honest windows that your filter leaves out). problem: why it was not scored, or None.
    """

    rounds: pd.DataFrame
    problem: str | None = None

    @property
    def gain(self) -> float:
        """Mean accuracy won over no defence, the rounds without an attack included; NaN when not scored."""
        return float((self.rounds["yours"] - self.rounds["undefended"]).mean()) if len(self.rounds) else float("nan")

    def by_attack(self) -> pd.DataFrame:
        """Means over rounds: attack, undefended, yours, perfect, caught, dropped."""
        return self.rounds.groupby("attack", sort=False).mean().reset_index()

    def __str__(self) -> str:
        if self.problem is not None:
            return f"Not scored: {self.problem}"
        won, possible = self.gain, (self.rounds["perfect"] - self.rounds["undefended"]).mean()
        peace = self.rounds[self.rounds["attack"] == "none"]
        cost, dropped = (peace["undefended"] - peace["yours"]).mean(), peace["dropped"].mean()
        return (
            f"Your filter wins strangers {100 * won:+.1f} points over no defence; leaving out exactly what is poisoned "
            f"would win {100 * possible:+.1f}. When nobody lies it drops {100 * dropped:.0f}% of honest windows and "
            f"costs {100 * cost:.1f} points."
        )


def score_defence(chosen: Filter, data: ActivityData, *, n_rounds: int = 4, progress: bool = True) -> DefenceScore:
    """Put `chosen` before the training of the shared model, in hidden rounds of five attacks (one of them: none).

    chosen(X, y, users) gets what the volunteers sent: raw windows (n, n_features), labels (n,), and numbers that tell
    the volunteers apart (n,), other numbers each time. It returns (n,) bool: True for the windows to train on.
    Nothing is raised for a filter that breaks the rules: the score says which one.
    """
    games = [(one, *attack) for one in hidden_rounds(data, n_rounds) for attack in ATTACKS]
    rows = []
    bar = tqdm(games, desc="hidden rounds", unit="attack", leave=False, disable=not progress)
    for game in bar:
        try:
            rows.append(_play_blue_team(chosen, *game))
        except Misuse as misuse:
            bar.close()
            return DefenceScore(pd.DataFrame(), str(misuse))
    return DefenceScore(pd.DataFrame(rows))


def _play_blue_team(chosen: Filter, one: Round, kind: str, fraction: float) -> dict[str, float | str]:
    honest = one.volunteers
    poisoned = honest if kind == "none" else poison_volunteers(honest, None, fraction, kind, one.seed)
    bad = poisoned_mask(honest, poisoned)
    keep = _kept(chosen, poisoned, one.seed)
    masks = {"undefended": None, "yours": keep, "perfect": ~bad if bad.any() else None}
    accuracies = {
        name: one.accuracy(train_shared_quickly(poisoned, seed=one.seed, keep=mask)) for name, mask in masks.items()
    }
    caught, dropped = removal_rates(keep, bad, ~bad)
    return {"attack": kind, **accuracies, "caught": caught, "dropped": dropped}


def _kept(chosen: Filter, poisoned: ActivityData, seed: int) -> np.ndarray:
    """The filter's choice, (n_windows,) bool. Raises Misuse for what the rules do not allow."""
    people, numbers = np.unique(poisoned.users, return_inverse=True)
    users = np.random.default_rng(seed).permutation(len(people))[numbers]  # so that no number gives anybody away
    returned = call(chosen, {"X": poisoned.X, "y": poisoned.y, "users": users})
    mask = check_length(returned, len(poisoned), "True or False")
    if mask.dtype != bool:
        raise Misuse(
            f"return True or False for each window, dtype bool; this returned {mask.dtype}. A comparison gives one, "
            "such as distance < 3."
        )
    if not mask[training_rows(poisoned, None, seed)].any():
        raise Misuse(
            "no window is kept to train on: True keeps a window, False leaves it out. Is it the wrong way round?"
        )
    return mask
