"""The contest of red and blue team: hidden rounds score a learner's attack or filter, by rules. Notebook 04.

Nothing is raised for what a learner submits: the score says which rule it breaks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import softmax
from tqdm.auto import tqdm

from pmt_helpers.activity.shared import train_shared_fast, training_rows
from pmt_helpers.activity.weights import Checkpoint
from pmt_helpers.attacks.defences import Filter, poisoned_mask, removal_rates
from pmt_helpers.attacks.poisoning import flip_labels, malicious_volunteers, poison_volunteers
from pmt_helpers.datasets.base import ActivityData

HIDDEN_SEED = 20_180_412  # not the seeds that the notebook shows
PEOPLE_PER_UNSEEN = 5  # one person in five is left out of a round, to be tested on
POISONS = (("none", 0.0), ("random", 0.3), ("pair", 0.3), ("least_likely", 0.3), ("noise", 0.3))  # kind and fraction

# X, y, likelihood, n_flips, rng -> labels
Attack = Callable[[np.ndarray, np.ndarray, np.ndarray, int, np.random.Generator], np.ndarray]


class InvalidSubmission(Exception):
    """A submitted function does not keep the rules; the text says which one, and what to do."""


@dataclass(frozen=True, eq=False)
class Round:
    """Volunteers who train, people whom the shared model does not know, and the seed of everything else."""

    volunteers: ActivityData
    unseen: ActivityData
    seed: int

    def accuracy(self, model: Checkpoint) -> float:
        """Mean over the unseen people of the share of their windows that a shared model gets right."""
        right = model.predict(self.unseen.X) == self.unseen.y
        return float(np.mean([right[self.unseen.users == user].mean() for user in self.unseen.user_ids]))


def hidden_rounds(data: ActivityData, n_rounds: int) -> list[Round]:
    """Always the same rounds for a data set; everybody has been unseen before anybody is again.

    Raises ValueError when there are too few people for that.
    """
    n_unseen = len(data.user_ids) // PEOPLE_PER_UNSEEN
    if n_unseen == 0:
        needed = f"a hidden round needs {PEOPLE_PER_UNSEEN} people or more"
        raise ValueError(f"{needed}; {data.card.name} has {data.summary}")
    rng = np.random.default_rng(HIDDEN_SEED)
    queue: list[int] = []
    rounds = []
    for _ in range(n_rounds):
        while len(queue) < n_unseen:
            queue += [int(user) for user in rng.permutation(data.user_ids) if user not in queue]
        users, queue = queue[:n_unseen], queue[n_unseen:]
        unseen = np.isin(data.users, users)
        rounds.append(Round(data.select(~unseen), data.select(unseen), int(rng.integers(2**31))))
    return rounds


def call_submission(function: Callable[..., Any], arrays: Mapping[str, np.ndarray], *more: Any) -> Any:
    """Call with copies of named arrays.

    Raises InvalidSubmission when the function fails, returns nothing or has changed an array.
    """
    copies = {name: np.array(array) for name, array in arrays.items()}
    try:
        result = function(*copies.values(), *more)
    except Exception as error:
        raise InvalidSubmission(f"your function stopped with {type(error).__name__}: {error}") from error
    for name, array in arrays.items():
        if copies[name].shape != array.shape or not np.array_equal(copies[name], array, equal_nan=True):
            text = f"your function changed {name} in place; leave it as it is, and work on a copy: {name}.copy()"
            raise InvalidSubmission(text)
    if result is None:
        raise InvalidSubmission("your function returned nothing; does it end with return?")
    return result


def check_length(returned: Any, n_windows: int, what: str) -> np.ndarray:
    """As an array with one value per window, otherwise raises InvalidSubmission."""
    try:
        values = np.asarray(returned)
    except ValueError as error:
        raise InvalidSubmission(f"return an array with one {what} per window; this is no array: {error}") from error
    if values.shape != (n_windows,):
        wanted = f"return one {what} per window, shape ({n_windows},)"
        raise InvalidSubmission(f"{wanted}; this returned shape {values.shape}")
    return values


def _play(
    play: Callable[..., dict[str, Any]], games: list[tuple[Any, ...]], unit: str, progress: bool
) -> tuple[pd.DataFrame, str | None]:
    """One row per game; no rows, and the reason, when the submission breaks a rule."""
    with tqdm(games, desc="hidden rounds", unit=unit, leave=False, disable=not progress) as bar:
        try:
            return pd.DataFrame([play(*game) for game in bar]), None
        except InvalidSubmission as reason:
            return pd.DataFrame(), str(reason)


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

    def n_flips(self, n_windows: int) -> int:
        """How many labels a volunteer with `n_windows` may change; flips=1 is one label, flips=1.0 is all."""
        is_number = self.flips > 1 or isinstance(self.flips, int)
        return min(n_windows, int(self.flips) if is_number else round(self.flips * n_windows))


@dataclass(frozen=True)
class AttackScore:
    """How much an attack hurts people whom the shared model does not know.

    rounds: one row per hidden round: clean, random, least_likely, yours (accuracy of the shared model, mean over the
    people left out; the two in the middle spend the same budget). problem: why it was not scored, or None.
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
            f"Your attack costs unseen people {100 * self.drop:.1f} points of accuracy (standard error "
            f"{100 * error:.1f} over {len(self.rounds)} hidden rounds). With the same budget, random labels cost "
            f"{100 * self._drop('random'):.1f} and the least likely ones {100 * self._drop('least_likely'):.1f}."
        )


def score_attack(
    attack: Attack, data: ActivityData, budget: Budget | None = None, *, n_rounds: int = 5, progress: bool = True
) -> AttackScore:
    """Let malicious volunteers use `attack` in hidden rounds: other people left out, other volunteers malicious.

    attack(X, y, likelihood, n_flips, rng) is called once for each malicious volunteer and returns n labels.
    X: (n, n_features) raw windows, y: (n,) true labels, likelihood: (n, n_classes) probabilities of the last clean
    model, which everybody has downloaded, n_flips: how many labels may change, rng: for its random choices.
    """
    budget = budget or Budget()
    games = [(one,) for one in hidden_rounds(data, n_rounds)]
    rounds, problem = _play(partial(_play_attack, attack, budget), games, "round", progress)
    return AttackScore(rounds, budget, problem)


def _play_attack(attack: Attack, budget: Budget, hidden: Round) -> dict[str, float]:
    data = hidden.volunteers
    clean = train_shared_fast(data, seed=hidden.seed)
    attacks = {"random": _flips("random"), "least_likely": _flips("least_likely"), "yours": attack}
    accuracies = {"clean": hidden.accuracy(clean)}
    for name, chosen in attacks.items():
        labels = np.array(data.y)
        for volunteer in malicious_volunteers(data, None, budget.volunteers, hidden.seed):
            rows = np.flatnonzero(data.users == volunteer)
            likelihood = softmax(clean.logits(data.X[rows]).astype(np.float64), axis=1)
            rng = np.random.default_rng([hidden.seed, int(volunteer)])
            n_flips = budget.n_flips(len(rows))
            labels[rows] = _submitted_labels(chosen, data.X[rows], data.y[rows], likelihood, n_flips, rng)
        accuracies[name] = hidden.accuracy(train_shared_fast(replace(data, y=labels), seed=hidden.seed))
    return accuracies


def _flips(kind: str) -> Attack:
    """An attack to compare with: as many labels as allowed, of windows drawn at random."""

    def attack(
        X: np.ndarray, y: np.ndarray, likelihood: np.ndarray, n_flips: int, rng: np.random.Generator
    ) -> np.ndarray:
        labels, rows = y.copy(), rng.permutation(len(y))[:n_flips]
        labels[rows] = flip_labels(y[rows], kind, likelihood.shape[1], rng, class_scores=likelihood[rows])
        return labels

    return attack


def _submitted_labels(
    attack: Attack, X: np.ndarray, y: np.ndarray, likelihood: np.ndarray, n_flips: int, rng: np.random.Generator
) -> np.ndarray:
    """What one malicious volunteer sends to the cloud. Raises InvalidSubmission for what the rules do not allow."""
    returned = call_submission(attack, {"X": X, "y": y, "likelihood": likelihood}, n_flips, rng)
    if isinstance(returned, tuple):
        text = f"return the labels alone; this returned {len(returned)} things. Features cannot be changed here."
        raise InvalidSubmission(text)
    labels = check_length(returned, len(y), "label")
    if labels.dtype.kind not in "iu" and not (labels.dtype.kind == "f" and (labels == np.round(labels)).all()):
        text = f"labels are whole numbers, the places of the classes in class_names; this returned {labels.dtype}"
        raise InvalidSubmission(text)
    n_classes = likelihood.shape[1]
    if labels.min() < 0 or labels.max() >= n_classes:
        raise InvalidSubmission(f"labels are 0 to {n_classes - 1}; this returned {labels.min()} to {labels.max()}")
    if (n_changed := int((labels != y).sum())) > n_flips:
        raise InvalidSubmission(
            f"over budget: {n_changed} labels of a volunteer with {len(y)} windows are changed, {n_flips} may be. "
            "Choose which windows to give a false label, and leave the other labels as they are."
        )
    return labels.astype(np.int64)


@dataclass(frozen=True)
class DefenceScore:
    """How well a filter protects people whom the shared model does not know.

    rounds: one row per hidden round and attack: attack, undefended, yours, perfect (accuracy of the shared model,
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
        possible = (self.rounds["perfect"] - self.rounds["undefended"]).mean()
        clean = self.rounds[self.rounds["attack"] == "none"]
        cost, dropped = (clean["undefended"] - clean["yours"]).mean(), clean["dropped"].mean()
        return (
            f"Your filter wins unseen people {100 * self.gain:+.1f} points over no defence; leaving out exactly what "
            f"is poisoned would win {100 * possible:+.1f}. On clean data it drops {100 * dropped:.0f}% of honest "
            f"windows and costs {100 * cost:.1f} points."
        )


def score_defence(keeps: Filter, data: ActivityData, *, n_rounds: int = 4, progress: bool = True) -> DefenceScore:
    """Put a filter before the training of the shared model, in hidden rounds of five attacks (one of them: none).

    keeps(X, y, users) gets what the volunteers sent: raw windows (n, n_features), labels (n,), and numbers that tell
    the volunteers apart (n,), other numbers each time. It returns (n,) bool: True for the windows to train on.
    """
    games = [(hidden, *poison) for hidden in hidden_rounds(data, n_rounds) for poison in POISONS]
    return DefenceScore(*_play(partial(_play_defence, keeps), games, "attack", progress))


def _play_defence(keeps: Filter, hidden: Round, kind: str, fraction: float) -> dict[str, float | str]:
    honest = hidden.volunteers
    sent = honest if kind == "none" else poison_volunteers(honest, None, fraction, kind, hidden.seed)
    poisoned = poisoned_mask(honest, sent)
    keep = _submitted_mask(keeps, sent, hidden.seed)
    masks = {"undefended": None, "yours": keep, "perfect": ~poisoned if poisoned.any() else None}
    models = {name: train_shared_fast(sent, seed=hidden.seed, keep=mask) for name, mask in masks.items()}
    accuracies = {name: hidden.accuracy(model) for name, model in models.items()}
    caught, dropped = removal_rates(keep, poisoned, ~poisoned)
    return {"attack": kind, **accuracies, "caught": caught, "dropped": dropped}


def _submitted_mask(keeps: Filter, sent: ActivityData, seed: int) -> np.ndarray:
    """The filter's choice, (n_windows,) bool. Raises InvalidSubmission for what the rules do not allow."""
    ids, numbers = np.unique(sent.users, return_inverse=True)
    users = np.random.default_rng(seed).permutation(len(ids))[numbers]  # so that no number gives anybody away
    returned = call_submission(keeps, {"X": sent.X, "y": sent.y, "users": users})
    mask = check_length(returned, len(sent), "True or False")
    if mask.dtype != bool:
        raise InvalidSubmission(
            f"return True or False for each window, dtype bool; this returned {mask.dtype}. A comparison gives one, "
            "such as distance < 3."
        )
    if not mask[training_rows(sent, None, seed)].any():
        text = "no window is kept to train on: True keeps a window, False leaves it out. Is it the wrong way round?"
        raise InvalidSubmission(text)
    return mask
