"""The contest of red and blue team: hidden rounds score a learner's attack or filter against baselines. Notebook 04.

Nobody knows the rounds beforehand: each scoring draws other people to test on, other malicious volunteers and other
training seeds from the system's secure randomness, so nothing can be tuned to them. Nothing is raised for what a
learner submits: the score says which rule it breaks.
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
from pmt_helpers.attacks.defences import Filter, neighbour_filter, poisoned_mask, removal_rates
from pmt_helpers.attacks.poisoning import flip_labels, malicious_volunteers, poison_volunteers
from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.datasets.doors import check_fields

PEOPLE_PER_UNSEEN = 5  # one person in five is left out of a round, to be tested on
# What the filters meet. Swapped classes and noise are not among them: there is hardly anything to win back.
POISONS = (("none", 0.0), ("random", 0.3), ("least_likely", 0.3))  # kind and fraction
RED_BASELINES = ("random labels", "one label", "least likely label")  # on windows drawn at random
BLUE_BASELINES = {"no defence": None, "neighbour filter": neighbour_filter}  # the filter that gains most on the watch

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


def hidden_rounds(data: ActivityData, n_rounds: int, insecure_seed: int | None = None) -> list[Round]:
    """Everybody has been unseen before anybody is again. None draws rounds that nobody can know from the system.

    Raises ValueError when there are too few people for that, or fewer than two rounds.
    """
    n_unseen = len(data.user_ids) // PEOPLE_PER_UNSEEN
    if n_unseen == 0:
        needed = f"a hidden round needs {PEOPLE_PER_UNSEEN} people or more"
        raise ValueError(f"{needed}; {data.card.name} has {data.summary}")
    if n_rounds < 2:
        raise ValueError(f"n_rounds must be 2 or more, or there is no standard error; got {n_rounds}")
    rng = np.random.default_rng(insecure_seed)  # without a seed, 128 bits of the system's secure randomness
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


@dataclass(frozen=True, eq=False)
class Score:
    """Points of a submission and of the baselines in the same hidden rounds; `print` says whether the goal is reached.

    games: accuracy of each shared model, mean over the people left out, and what else is known, one row per game.
    rounds: points, one row per hidden round: each baseline's and "yours"; no rows when not scored. problem: the reason
    why it was not scored, or None.
    """

    what: str  # what the points are
    games: pd.DataFrame
    rounds: pd.DataFrame
    problem: str | None = None

    @property
    def points(self) -> dict[str, float]:
        """Mean points of each baseline and of "yours"; empty when not scored."""
        return {str(name): float(mean) for name, mean in self.rounds.mean().items()}

    @property
    def baseline(self) -> str:
        """The baseline with the most points in these rounds."""
        return max((name for name in self.points if name != "yours"), key=lambda name: self.points[name])

    @property
    def lead(self) -> float:
        """Points that yours has more than the strongest baseline."""
        return self.points["yours"] - self.points[self.baseline]

    @property
    def needed(self) -> float:
        """The goal is a lead above this: two standard errors of the lead, over rounds."""
        return 2 * float(np.std(self.rounds["yours"] - self.rounds[self.baseline], ddof=1)) / len(self.rounds) ** 0.5

    @property
    def reached(self) -> bool:
        """Whether the lead over the strongest baseline is more than chance explains; False when not scored."""
        return self.problem is None and self.lead > self.needed

    @property
    def goal(self) -> str:
        """In words: reached, by how many points it is missed, or why there is no score."""
        if self.problem is not None:
            return f"not scored: {self.problem}"
        return "reached" if self.reached else f"missed by {_rounded(self.needed - self.lead)} points"

    def __str__(self) -> str:
        if self.problem is not None:
            return f"Not scored: {self.problem}"
        return (
            f"{_rounded(self.points['yours'])} points ({self.what}; mean of {len(self.rounds)} hidden rounds). The "
            f"strongest baseline, {self.baseline}, has {_rounded(self.points[self.baseline])}. Goal {self.goal}: the "
            f"lead over the baseline is {_rounded(self.lead)} points; it must be more than {_rounded(self.needed)} "
            "(two standard errors)."
        )


def score_sheet(scores: Mapping[str, Score]) -> pd.DataFrame:
    """One row per score, by name: points, strongest baseline, its points, lead, needed, goal. For both teams alike."""
    rows: dict[str, dict[str, Any]] = {}
    for name, score in scores.items():
        rows[name] = {"goal": score.goal}
        if score.problem is None:
            yours, other = score.points["yours"], score.points[score.baseline]
            row = {"baseline": score.baseline, "its points": _rounded(other), "lead": _rounded(score.lead)}
            rows[name] = {"points": _rounded(yours), **row, "needed": _rounded(score.needed), **rows[name]}
    return pd.DataFrame.from_dict(rows, orient="index")


def _rounded(points: float) -> float:
    return round(points, 1) + 0.0  # so that there is no -0.0


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

    volunteers: float = 0.5
    flips: float = 0.5

    def __post_init__(self) -> None:
        check_fields(self)
        if not 0 < self.volunteers <= 0.5 or self.flips <= 0 or (self.flips > 1 and self.flips != int(self.flips)):
            raise ValueError(
                "a budget has volunteers above 0 and up to 0.5, and flips as a share up to 1.0 or a whole number; "
                f"got {self}"
            )

    def n_flips(self, n_windows: int) -> int:
        """How many labels a volunteer with `n_windows` may change; flips=1 is one label, flips=1.0 is all."""
        is_number = self.flips > 1 or isinstance(self.flips, int)
        return min(n_windows, int(self.flips) if is_number else round(self.flips * n_windows))


def score_attack(
    attack: Attack, data: ActivityData, budget: Budget | None = None,
    *, n_rounds: int = 16, insecure_seed: int | None = None, progress: bool = True,
) -> Score:  # fmt: skip
    """Let malicious volunteers use `attack` in hidden rounds; the points are accuracy that unseen people lose.

    The goal: more points than the strongest of three simple attacks with the same budget, by two standard errors.

    Parameters
    ----------
    attack : attack(X, y, likelihood, n_flips, rng) is called once for each malicious volunteer and returns n labels. X:
        (n, n_features) raw windows in random order, y: (n,) true labels, likelihood: (n, n_classes) probabilities of
        the last clean model, which everybody has downloaded, n_flips: how many labels may change, rng: for its choices
    insecure_seed : of rounds that come out again, to repeat a score or to compare several people; whoever knows it can
        tune an attack to them. None draws new rounds from the system's secure source.
    """
    budget = budget or Budget()
    hidden = [(one,) for one in hidden_rounds(data, n_rounds, insecure_seed)]
    games, problem = _play(partial(_play_attack, attack, budget), hidden, "round", progress)
    points = pd.DataFrame({name: 100 * (games["clean"] - games[name]) for name in games.columns[1:]})
    return Score("accuracy that people unknown to the model lose", games, points, problem)


def _play_attack(attack: Attack, budget: Budget, hidden: Round) -> dict[str, float]:
    data = hidden.volunteers
    clean = train_shared_fast(data, seed=hidden.seed)
    attacks: dict[str, Attack] = {**{name: partial(_simple_attack, name) for name in RED_BASELINES}, "yours": attack}
    accuracies = {"clean": hidden.accuracy(clean)}
    for name, chosen in attacks.items():
        labels = np.array(data.y)
        for volunteer in malicious_volunteers(data, None, budget.volunteers, hidden.seed):
            rng = np.random.default_rng([hidden.seed, int(volunteer)])
            rows = rng.permutation(np.flatnonzero(data.users == volunteer))
            likelihood = softmax(clean.logits(data.X[rows]).astype(np.float64), axis=1)
            n_flips = budget.n_flips(len(rows))
            labels[rows] = _submitted_labels(chosen, data.X[rows], data.y[rows], likelihood, n_flips, rng)
        accuracies[name] = hidden.accuracy(train_shared_fast(replace(data, y=labels), seed=hidden.seed))
    return accuracies


def _simple_attack(
    name: str, X: np.ndarray, y: np.ndarray, likelihood: np.ndarray, n_flips: int, rng: np.random.Generator
) -> np.ndarray:
    """A baseline of the red team: as many labels as allowed, of the first windows, which come in random order."""
    labels, few = y.copy(), slice(n_flips)
    if name == "one label":
        labels[few] = np.where(y[few] == 0, 1, 0)
    else:
        kind = "random" if name == "random labels" else "least_likely"
        labels[few] = flip_labels(y[few], kind, likelihood.shape[1], rng, class_scores=likelihood[few])
    return labels


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


def score_defence(
    keeps: Filter, data: ActivityData, *, n_rounds: int = 12, insecure_seed: int | None = None, progress: bool = True
) -> Score:
    """Put a filter before the training of the shared model, in hidden rounds of two attacks and one without attackers.

    Points: mean accuracy that unseen people gain under attack, less what they lose without attackers. The goal: more
    than no defence and more than this package's neighbour filter, by two standard errors. `games` has caught and
    dropped, too: shares of the poisoned and of the honest windows that your filter leaves out.

    Parameters
    ----------
    keeps : keeps(X, y, users) gets what the volunteers sent: raw windows (n, n_features), labels (n,), and numbers that
        tell the volunteers apart (n,), other numbers each time. It returns (n,) bool: True for the windows to train on
    insecure_seed : as in score_attack
    """
    hidden = enumerate(hidden_rounds(data, n_rounds, insecure_seed), start=1)
    plays = [(number, one, *poison) for number, one in hidden for poison in POISONS]
    games, problem = _play(partial(_play_defence, keeps), plays, "game", progress)
    points = pd.DataFrame()
    if problem is None:
        names = [*BLUE_BASELINES, "yours"]
        gains = 100 * games[names].sub(games["no defence"], axis=0)
        clean = games["attack"] == "none"
        points = gains[~clean].groupby(games["round"]).mean() + gains[clean].set_index(games["round"][clean])
    return Score("accuracy gained under attack, less what is lost without attackers", games, points, problem)


def _play_defence(keeps: Filter, number: int, hidden: Round, kind: str, fraction: float) -> dict[str, Any]:
    honest = hidden.volunteers
    sent = honest if kind == "none" else poison_volunteers(honest, None, fraction, kind, hidden.seed)
    poisoned = poisoned_mask(honest, sent)
    masks = {name: None if rule is None else rule(sent.X, sent.y, sent.users) for name, rule in BLUE_BASELINES.items()}
    masks["yours"] = keep = _submitted_mask(keeps, sent, hidden.seed)
    models = {name: train_shared_fast(sent, seed=hidden.seed, keep=mask) for name, mask in masks.items()}
    accuracies = {name: hidden.accuracy(model) for name, model in models.items()}
    caught, dropped = removal_rates(keep, poisoned, ~poisoned)
    return {"round": number, "attack": kind, **accuracies, "caught": caught, "dropped": dropped}


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
