"""The membership game: train many models on random parts of the data, then guess from each what it saw. Notebook 04.

Each model is attacked once, with the others as the attacker's shadow models. This is a strong attacker: one who holds
the very windows in question, knows how training goes, and asks only which windows, or whose, were part of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from pmt_helpers.activity.online import EPOCHS, LEARNING_RATE, Task, train_many, train_online
from pmt_helpers.activity.shared import TOTAL_STEP_LENGTH, initial_weights
from pmt_helpers.activity.weights import Checkpoint, Preprocessor
from pmt_helpers.datasets.base import ActivityData

TRAINED, OTHER, ASIDE = 1, 0, -1  # a window's role for a model; aside: it told when to stop, and counts for neither


NARROWEST = 0.01  # deviation of a bell curve: where all shadows agree it would be a needle


WORTH = 4  # the width of all windows' curves counts as so many shadows, beside those that saw this window


Sums = tuple[np.ndarray, np.ndarray, np.ndarray]


def published(model: Any) -> Checkpoint:
    """Weights and scaler of anything that has them: an ActivityModel, a private one, or a Checkpoint as it is.

    Raises TypeError for anything else.
    """
    if isinstance(model, Checkpoint):
        return model
    if hasattr(model, "model") and hasattr(model, "scaler"):
        return Checkpoint.from_model(model)
    raise TypeError(f"an attack needs a model with its weights and scaler; got {type(model).__name__}")


def answers(model: Any, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How certain the model is of each window's true class, and whether it is right; (n_windows,) float64, and bool.

    X: raw features. Certainty is log(p / (1 - p)): it orders windows as the loss does, but neither end is squeezed,
    and over models it is nearly a bell curve.
    """
    download = published(model)
    rows = np.arange(len(y))
    scores = download.weights.logits(download.windows(X)).astype(np.float64)
    own = scores[rows, y].copy()
    scores[rows, y] = -np.inf
    return own - np.logaddexp.reduce(scores, axis=1), own > scores.max(axis=1)


def losses(sure: np.ndarray) -> np.ndarray:
    """The cross-entropy that belongs to a certainty."""
    return np.logaddexp(0, -sure)


def likelihood_ratio(target: np.ndarray, shadows: np.ndarray, roles: np.ndarray) -> np.ndarray:
    """LiRA: log of how much likelier the target's certainty is if the target was trained on a window; (n_windows,).

    target: (n_windows,) certainties; shadows: (n_models, n_windows), the same of shadow models; roles: the same shape,
    TRAINED, OTHER or ASIDE. A window that no shadow was trained on, or all, gets 0: no opinion.
    Raises ValueError when that is so for every window.
    """
    return _ratio(target, *(_sums(shadows, roles == role) for role in (TRAINED, OTHER)))


def each_against_the_others(sure: np.ndarray, roles: np.ndarray) -> np.ndarray:
    """likelihood_ratio of each model in turn, the others being its shadows; (n_models, n_windows)."""
    totals = [_sums(sure, roles == role) for role in (TRAINED, OTHER)]
    ratios = []
    for own, role in zip(sure, roles, strict=True):
        own_sums = [_sums(own[None], role[None] == which) for which in (TRAINED, OTHER)]
        ratios.append(_ratio(own, *(_without(total, part) for total, part in zip(totals, own_sums, strict=True))))
    return np.stack(ratios)


def difficulty(sure: np.ndarray, roles: np.ndarray) -> np.ndarray:
    """For each model, how certain the others are that were not trained on a window, on average; (n_models, n_windows).

    Where there is none, the model's own certainty: then calibration says nothing.
    """
    unseen = roles == OTHER
    n, total = unseen.sum(0) - unseen, np.where(unseen, sure, 0).sum(0) - np.where(unseen, sure, 0)
    return np.where(n > 0, total / np.maximum(n, 1), sure)


def _sums(sure: np.ndarray, mask: np.ndarray) -> Sums:
    """How many, sum and sum of squares, for each window."""
    return mask.sum(0), np.where(mask, sure, 0).sum(0), np.where(mask, sure**2, 0).sum(0)


def _without(total: Sums, part: Sums) -> Sums:
    return total[0] - part[0], total[1] - part[1], total[2] - part[2]


def _ratio(target: np.ndarray, seen: Sums, unseen: Sums) -> np.ndarray:
    usable = (seen[0] > 0) & (unseen[0] > 0)
    if not usable.any():
        raise ValueError("LiRA needs shadow models trained with a window, and others without it: use more shadows")
    heights = []
    for n, total, squares in (seen, unseen):
        mean, free = total / np.maximum(n, 1), np.maximum(n - 1, 0)
        spread = np.where(free > 0, np.maximum(squares - n * mean**2, 0), 0)
        of_all = spread.sum() / max(free.sum(), 1)
        width = np.maximum(np.sqrt((spread + WORTH * of_all) / (free + WORTH)), NARROWEST)
        heights.append(-0.5 * ((target - mean) / width) ** 2 - np.log(width))
    return np.where(usable, heights[0] - heights[1], 0.0)


Trainer = Callable[[ActivityData, int], Any]  # windows and a seed to a model: train_shared, or a private training


ATTACKS = ("loss", "calibrated", "lira")


ASIDE_SHARE, FEWEST_OTHERS = 0.2, 10


@dataclass(frozen=True, eq=False)
class Game:
    """What many models say about the same windows, or people.

    sure: (n_models, n) certainties; roles: (n_models, n), TRAINED, OTHER or ASIDE; who: (n,), whose. reference: (n,)
    certainties of the model before personal training; without it the other models say how difficult a window is.
    right: (n_models, n), whether each model is right (for people: the share of their windows), and `before` the same
    of the reference.
    """

    sure: np.ndarray
    roles: np.ndarray
    who: np.ndarray
    right: np.ndarray
    reference: np.ndarray | None = None
    before: np.ndarray | None = None

    def attacked(self) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
        """Every guess of every attack: member (n_guesses,) bool, the attacks' scores, and whose window it is."""
        known = difficulty(self.sure, self.roles) if self.reference is None else self.reference
        ratio = each_against_the_others(self.sure, self.roles)
        counts = self.roles != ASIDE
        scores = dict(zip(ATTACKS, (self.sure, self.sure - known, ratio), strict=True))
        whose = np.broadcast_to(self.who, self.roles.shape)[counts]
        return self.roles[counts] == TRAINED, {name: each[counts] for name, each in scores.items()}, whose

    def accuracy(self) -> float:
        """Share of windows predicted right among those not trained on."""
        return float(self.right[self.roles == OTHER].mean())


def pooled(games: Sequence[Game]) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Game.attacked of several people's games, one after the other: member, scores, whose; what roc.strengths takes."""
    members, scores, whose = zip(*(game.attacked() for game in games), strict=True)
    of_attack = {name: np.concatenate([each[name] for each in scores]) for name in ATTACKS}
    return np.concatenate(members), of_attack, np.concatenate(whose)


def apart(data: ActivityData) -> np.ndarray:
    """Rows of windows that share no readings with each other: next to its twin, no window is clearly in or out."""
    if data.window_readings == 0:
        return np.arange(len(data))
    order = np.lexsort((data.starts, data.recordings))
    chosen: list[int] = []
    for row in order:
        last = chosen[-1] if chosen else None
        if (
            last is None
            or data.recordings[row] != data.recordings[last]
            or data.starts[row] - data.starts[last] >= data.window_readings
        ):
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

    shared: a model trained without this user. epochs None stops early, by a fifth of the windows, put aside.
    None when the user has too few windows (after overlapping ones are left out) for others to remain.
    """
    own = data.select(data.users == user)
    own = own.select(apart(own))
    n_aside = round(ASIDE_SHARE * len(own))
    if len(own) < n_samples + n_aside + FEWEST_OTHERS:
        return None
    cloud = published(shared)
    rng = np.random.default_rng([seed, user, n_samples])
    roles = np.full((models, len(own)), OTHER, np.int8)
    for role in roles:
        order = rng.permutation(len(own))
        role[order[:n_samples]] = TRAINED
        if epochs is None:
            role[order[n_samples : n_samples + n_aside]] = ASIDE
    inputs = cloud.windows(own.X)
    tasks = [
        Task(
            cloud.weights,
            inputs[role == TRAINED],
            own.y[role == TRAINED],
            (inputs[role == ASIDE], own.y[role == ASIDE]) if epochs is None else None,
            seed=(seed, user, n_samples, number),
        )
        for number, role in enumerate(roles)
    ]
    trained = train_many(tasks, epochs=EPOCHS if epochs is None else epochs)
    sure, right = zip(*(answers(Checkpoint(one.weights, cloud.scaler), own.X, own.y) for one in trained), strict=True)
    reference, before = answers(cloud, own.X, own.y)
    return Game(np.stack(sure), roles, own.users, np.stack(right), reference, before)


def train_on_all(data: ActivityData, seed: int) -> Checkpoint:
    """The paper's shared model, quickly, with no window put aside; see shared.train_shared_fast."""
    start = initial_weights(data, seed)
    cloud = Checkpoint(start, Preprocessor.fit(data.X))
    epochs = max(1, round(TOTAL_STEP_LENGTH / (LEARNING_RATE * len(data))))
    trained = train_online(Task(start, cloud.windows(data.X), data.y, seed=seed), epochs=epochs)
    return Checkpoint(trained.weights, cloud.scaler)


def window_game(
    data: ActivityData, train: Trainer = train_on_all, *, models: int = 32, seed: int = 0, progress: bool = True
) -> Game:
    """Shared models, each trained on all windows but a random fifth, as the paper's: was this window among them?"""
    rng = np.random.default_rng([seed, 0])
    roles = np.full((models, len(data)), TRAINED, np.int8)
    for role in roles:
        role[rng.permutation(len(data))[: round(ASIDE_SHARE * len(data))]] = OTHER
    return Game(*_train_each(data, roles == TRAINED, train, seed, progress, roles))


def person_games(
    data: ActivityData, train: Trainer = train_on_all, *, models: int = 32, seed: int = 0, progress: bool = True
) -> dict[str, Game]:
    """Shared models, each trained on a random half of the people: is this person a volunteer?

    A fifth of everybody's windows is kept from every model. Returns two games: "person", where the attacker holds
    the windows that a volunteer gave, and "person, new windows", where only others of the same person. A person's
    certainty is minus the mean loss over those windows.
    """
    rng = np.random.default_rng([seed, 1])
    fresh = rng.permutation(len(data)) < round(ASIDE_SHARE * len(data))
    ids = data.user_ids
    member = np.stack([rng.permutation(len(ids)) < len(ids) // 2 for _ in range(models)])
    number = np.searchsorted(ids, data.users)
    sure, roles, _, right = _train_each(data, member[:, number] & ~fresh, train, seed, progress, member)
    games = {}
    for name, rows in (("person", ~fresh), ("person, new windows", fresh)):
        of_person = (np.arange(len(ids))[:, None] == number) & rows
        per_window = of_person / of_person.sum(1, keepdims=True)
        games[name] = Game(-losses(sure) @ per_window.T, roles.astype(np.int8), ids, right @ per_window.T)
    return games


def _train_each(
    data: ActivityData, masks: np.ndarray, train: Trainer, seed: int, progress: bool, roles: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Train a model on each mask's windows: its certainty of all windows, the roles, whose, and whether it is right."""
    bar = tqdm(masks, desc="shared models", unit="model", leave=False, disable=not progress)
    found = [answers(train(data.select(mask), seed + number), data.X, data.y) for number, mask in enumerate(bar)]
    sure, right = zip(*found, strict=True)
    return np.stack(sure), roles, data.users, np.stack(right)
