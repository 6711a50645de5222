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
from pmt_helpers.activity.preprocessing import Preprocessor
from pmt_helpers.activity.protocol import Download
from pmt_helpers.activity.quick_shared import TIME, initial_weights
from pmt_helpers.attacks.membership_scores import (
    ASIDE,
    OTHER,
    TRAINED,
    answers,
    difficulty,
    each_against_the_others,
    losses,
    published,
)
from pmt_helpers.datasets.activity_data import ActivityData

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
    trained = train_many(tasks, epochs=epochs or EPOCHS)
    sure, right = zip(*(answers(Download(one.weights, cloud.scaler), own.X, own.y) for one in trained), strict=True)
    reference, before = answers(cloud, own.X, own.y)
    return Game(np.stack(sure), roles, own.users, np.stack(right), reference, before)


def train_on_all(data: ActivityData, seed: int) -> Download:
    """The paper's shared model, quickly, with no window put aside; see activity.quick_shared."""
    start = initial_weights(data, seed)
    cloud = Download(start, Preprocessor.fit(data.X))
    epochs = max(1, round(TIME / (LEARNING_RATE * len(data))))
    trained = train_online(Task(start, cloud.windows(data.X), data.y, seed=seed), epochs=epochs)
    return Download(trained.weights, cloud.scaler)


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
