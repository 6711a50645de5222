"""The membership game: train many models on random parts of the data, then guess what each was trained on. Notebook 05.

Each model is attacked once, with the others as the attacker's shadow models. The attacker is strong: one who holds the
very windows in question, knows how training goes, and asks only which windows, or whose, were part of it.
Attacks: by loss (Yeom et al. 2018), calibrated by other models (Watson et al. 2022), and LiRA (Carlini et al. 2022).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from tqdm.auto import tqdm

from pmt_helpers.activity.online import EPOCHS, Task, train_many, train_online
from pmt_helpers.activity.shared import epochs_for, initial_weights
from pmt_helpers.activity.splits import split_user
from pmt_helpers.activity.weights import Checkpoint, Preprocessor
from pmt_helpers.datasets.base import ActivityData

# A window's role for a model. Validation windows told when to stop: they count neither as members nor as others.
MEMBER, NON_MEMBER, VALIDATION = 1, 0, -1
MIN_STD = 0.01  # of a normal curve: where all shadow models agree it would be a needle
PRIOR_COUNT = 4  # shadow models that the spread over all windows counts as, beside those that saw this window
HELD_OUT_SHARE, MIN_NON_MEMBERS = 0.2, 10
ATTACKS = ("loss", "calibrated", "lira")

Trainer = Callable[[ActivityData, int], Any]  # windows and a seed to a model: train_shared, or a private training


def confidence(model: Any, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logit gap of each raw window's true class, and whether the model is right; (n_windows,) float64, and bool.

    The logit gap is log(p / (1 - p)): it orders windows as the loss does, but neither end is squeezed, and over models
    it is nearly normal (Carlini et al. 2022, section VI).
    """
    rows = np.arange(len(y))
    logits = Checkpoint.from_model(model).logits(X).astype(np.float64)
    true_class = logits[rows, y].copy()
    logits[rows, y] = -np.inf
    return true_class - np.logaddexp.reduce(logits, axis=1), true_class > logits.max(axis=1)


def cross_entropy(logit_gap: np.ndarray) -> np.ndarray:
    """The loss that belongs to a logit gap."""
    return np.logaddexp(0, -logit_gap)


class Moments(NamedTuple):
    """Number, sum and sum of squares of some models' confidence in each window; (n_windows,) each."""

    n: np.ndarray
    total: np.ndarray
    squares: np.ndarray

    @classmethod
    def of(cls, confidences: np.ndarray, mask: np.ndarray) -> "Moments":
        """Over the models (first axis) where `mask` is true."""
        return cls(mask.sum(0), np.where(mask, confidences, 0).sum(0), np.where(mask, confidences**2, 0).sum(0))

    def without(self, part: "Moments") -> "Moments":
        return Moments(self.n - part.n, self.total - part.total, self.squares - part.squares)


def likelihood_ratio(target: np.ndarray, shadows: np.ndarray, membership: np.ndarray) -> np.ndarray:
    """LiRA: log of how much likelier the target's confidence is if the target was trained on a window; (n_windows,).

    Parameters
    ----------
    target : (n_windows,) confidence of the attacked model
    shadows : (n_models, n_windows), the same of the shadow models
    membership : as shadows; MEMBER, NON_MEMBER or VALIDATION

    A window that no shadow was trained on, or all, gets 0. Raises ValueError when that is so for every window.
    """
    return _likelihood_ratio(target, *(Moments.of(shadows, membership == role) for role in (MEMBER, NON_MEMBER)))


def leave_one_out(confidences: np.ndarray, membership: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What calibrates each model, and its likelihood_ratio, the others being its shadows; (n_models, n_windows) each.

    Calibration takes the mean confidence of the models not trained on a window; the model's own where there are none.
    """
    seen, unseen = (Moments.of(confidences, membership == role) for role in (MEMBER, NON_MEMBER))
    calibrations, ratios = [], []
    for target, role in zip(confidences[:, None], membership[:, None], strict=True):
        unseen_by_others = unseen.without(Moments.of(target, role == NON_MEMBER))
        mean = unseen_by_others.total / np.maximum(unseen_by_others.n, 1)
        calibrations.append(np.where(unseen_by_others.n > 0, mean, target[0]))
        seen_by_others = seen.without(Moments.of(target, role == MEMBER))
        ratios.append(_likelihood_ratio(target[0], seen_by_others, unseen_by_others))
    return np.stack(calibrations), np.stack(ratios)


def _likelihood_ratio(target: np.ndarray, seen: Moments, unseen: Moments) -> np.ndarray:
    usable = (seen.n > 0) & (unseen.n > 0)
    if not usable.any():
        raise ValueError("LiRA needs shadow models trained with a window, and others without it: use more shadows")
    log_densities = []
    for n, total, squares in (seen, unseen):
        mean, freedom = total / np.maximum(n, 1), np.maximum(n - 1, 0)
        deviations = np.where(freedom > 0, np.maximum(squares - n * mean**2, 0), 0)
        overall = deviations.sum() / max(freedom.sum(), 1)
        std = np.maximum(np.sqrt((deviations + PRIOR_COUNT * overall) / (freedom + PRIOR_COUNT)), MIN_STD)
        log_densities.append(-0.5 * ((target - mean) / std) ** 2 - np.log(std))
    return np.where(usable, log_densities[0] - log_densities[1], 0.0)


class Guesses(NamedTuple):
    """What attacks say of windows or people. member: (n,) bool; scores: by attack, (n,); who: (n,), whose."""

    member: np.ndarray
    scores: dict[str, np.ndarray]
    who: np.ndarray


@dataclass(frozen=True, eq=False)
class Game:
    """What many models say about the same windows, or people.

    confidence: (n_models, n) logit gaps of windows, or minus the mean loss of a person's. membership: (n_models, n),
    MEMBER, NON_MEMBER or VALIDATION. who: (n,), whose. correct: (n_models, n), whether each model is right (for people:
    the share of their windows). reference: (n,) confidence of the model before personal training, which calibrates;
    without it the other models do. reference_correct: (n,), as correct.
    """

    confidence: np.ndarray
    membership: np.ndarray
    who: np.ndarray
    correct: np.ndarray
    reference: np.ndarray | None = None
    reference_correct: np.ndarray | None = None

    def guesses(self) -> Guesses:
        """Every guess of every attack on every model, one after the other."""
        by_others, ratio = leave_one_out(self.confidence, self.membership)
        calibrated = self.confidence - (by_others if self.reference is None else self.reference)
        counts = self.membership != VALIDATION
        scores = dict(zip(ATTACKS, (self.confidence, calibrated, ratio), strict=True))
        who = np.broadcast_to(self.who, self.membership.shape)[counts]
        by_attack = {name: values[counts] for name, values in scores.items()}
        return Guesses(self.membership[counts] == MEMBER, by_attack, who)

    def accuracy(self) -> float:
        """Share of windows predicted right among those not trained on."""
        return float(self.correct[self.membership == NON_MEMBER].mean())


def pool_guesses(games: Sequence[Game]) -> Guesses:
    """Guesses of several people's games, one after the other."""
    members, scores, who = zip(*(game.guesses() for game in games), strict=True)
    by_attack = {name: np.concatenate([of_game[name] for of_game in scores]) for name in ATTACKS}
    return Guesses(np.concatenate(members), by_attack, np.concatenate(who))


def non_overlapping(data: ActivityData) -> np.ndarray:
    """Rows of windows that share no readings with each other: next to its twin, no window is clearly in or out."""
    if data.window_readings == 0:
        return np.arange(len(data))
    chosen: list[int] = []
    for row in np.lexsort((data.starts, data.recordings)):
        same_recording = bool(chosen) and data.recordings[row] == data.recordings[chosen[-1]]
        if not same_recording or data.starts[row] - data.starts[chosen[-1]] >= data.window_readings:
            chosen.append(int(row))
    return np.array(chosen)


def personal_game(
    data: ActivityData,
    user: int,
    shared: Any,
    n_samples: int,
    *,
    epochs: int | None = 300,
    models: int = 32,
    seed: int = 0,
) -> Game | None:
    """Personal models of one user, each trained on `n_samples` windows drawn at random; calibrated by the shared model.

    shared: a model trained without this user. epochs None stops early, by a held-out fifth of the windows.
    Returns None when too few of the user's windows that do not overlap would be left as non-members.
    """
    own = data.select(data.users == user)
    own = own.select(non_overlapping(own))
    n_validation = round(HELD_OUT_SHARE * len(own))
    if len(own) < n_samples + n_validation + MIN_NON_MEMBERS:
        return None
    cloud = Checkpoint.from_model(shared)
    rng = np.random.default_rng([seed, user, n_samples])
    membership = np.full((models, len(own)), NON_MEMBER, np.int8)
    for role in membership:
        order = rng.permutation(len(own))
        role[order[:n_samples]] = MEMBER
        if epochs is None:
            role[order[n_samples : n_samples + n_validation]] = VALIDATION
    inputs = cloud.windows(own.X)
    tasks = []
    for number, role in enumerate(membership):
        (X, y), validation = ((inputs[role == part], own.y[role == part]) for part in (MEMBER, VALIDATION))
        task_seed = (seed, user, n_samples, number)
        tasks.append(Task(cloud.weights, X, y, validation if epochs is None else None, seed=task_seed))
    trained = train_many(tasks, epochs=EPOCHS if epochs is None else epochs)
    answers = [confidence(Checkpoint(model.weights, cloud.scaler), own.X, own.y) for model in trained]
    gaps, correct = zip(*answers, strict=True)
    reference, reference_correct = confidence(cloud, own.X, own.y)
    return Game(np.stack(gaps), membership, own.users, np.stack(correct), reference, reference_correct)


def train_on_all(data: ActivityData, seed: int, *, start: Checkpoint | None = None, share: float = 1.0) -> Checkpoint:
    """The paper's shared model, by the compiled training loop, with no window held out for validation.

    start: a model to go on from, instead of random weights; its scaler stays. share: of the paper's training steps.
    """
    start = start or Checkpoint(initial_weights(data, seed), Preprocessor.fit(data.X))
    task = Task(start.weights, start.windows(data.X), data.y, seed=seed)
    return Checkpoint(train_online(task, epochs=epochs_for(len(data), share)).weights, start.scaler)


def train_on_each(
    data: ActivityData, masks: np.ndarray, train: Trainer, seed: int, progress: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """A model trained on each mask's windows: confidence in all windows, and correctness; (n_models, n_windows)."""
    bar = tqdm(masks, desc="shadow models", unit="model", leave=False, disable=not progress)
    asked = [confidence(train(data.select(mask), seed + number), data.X, data.y) for number, mask in enumerate(bar)]
    gaps, correct = zip(*asked, strict=True)
    return np.stack(gaps), np.stack(correct)


def window_game(
    data: ActivityData, train: Trainer = train_on_all, *, models: int = 32, seed: int = 0, progress: bool = True
) -> Game:
    """Shared models, each trained on all windows but a random fifth, as the paper's: was this window among them?"""
    rng = np.random.default_rng([seed, 0])
    membership = np.full((models, len(data)), MEMBER, np.int8)
    for role in membership:
        role[rng.permutation(len(data))[: round(HELD_OUT_SHARE * len(data))]] = NON_MEMBER
    gaps, correct = train_on_each(data, membership == MEMBER, train, seed, progress)
    return Game(gaps, membership, data.users, correct)


def person_games(
    data: ActivityData, train: Trainer = train_on_all, *, models: int = 32, seed: int = 0, progress: bool = True
) -> dict[str, Game]:
    """Shared models, each trained on a random half of the people: is this person a volunteer?

    Returns three games. "person": the attacker holds the windows that a volunteer gave. "person, new windows": only
    others of the same person, a fifth drawn at random and kept from every model; but they lie beside those given, or
    share readings with them. "person, new recordings": only recordings (or bouts) of which no model has a window, which
    asks whether the model knows the person. Confidence in a person is minus the mean loss over those windows.
    """
    rng = np.random.default_rng([seed, 1])
    fresh = rng.permutation(len(data)) < round(HELD_OUT_SHARE * len(data))
    given, others = _person_game(data, fresh, train, models, rng, (seed, progress))
    rng = np.random.default_rng([seed, 2])
    whole, fresh = with_new_recordings(data)
    _, new = _person_game(whole, fresh, train, models, rng, (seed, progress))
    return {"person": given, "person, new windows": others, "person, new recordings": new}


def with_new_recordings(data: ActivityData) -> tuple[ActivityData, np.ndarray]:
    """The windows of those who have recordings to spare, and which of them are in the spare ones, as a mask."""
    fresh = np.zeros(len(data), bool)
    for user in data.user_ids:
        fresh[split_user(data, int(user), data.card.unseen_split).test] = True
    both = [user for user in data.user_ids if len(np.unique(fresh[data.users == user])) == 2]
    rows = np.flatnonzero(np.isin(data.users, both))
    return data.select(rows), fresh[rows]


def _person_game(
    data: ActivityData, fresh: np.ndarray, train: Trainer, models: int, rng: np.random.Generator, options: tuple
) -> list[Game]:
    """The games by the windows given, and by the fresh ones, kept from every model. options: seed, progress."""
    ids = data.user_ids
    member = np.stack([rng.permutation(len(ids)) < len(ids) // 2 for _ in range(models)])
    masks = member[:, np.searchsorted(ids, data.users)] & ~fresh
    gaps, correct = train_on_each(data, masks, train, *options)
    membership = np.where(member, MEMBER, NON_MEMBER).astype(np.int8)
    games = []
    for rows in (~fresh, fresh):
        of_person = (ids[:, None] == data.users) & rows
        weights = of_person / of_person.sum(1, keepdims=True)
        games.append(Game(-cross_entropy(gaps) @ weights.T, membership, ids, correct @ weights.T))
    return games
