"""Was this window, or this person, part of the training? An attack on one model that got out. Notebook 04, step 4.

What the attacker has: the model, the windows in question, and (for the stronger attacks) the means to train models of
the same kind. `membership_games` measures the same attacks on many models, for their strength on average.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from pmt_helpers.activity.model import best_epoch
from pmt_helpers.activity.online import Task, train_many
from pmt_helpers.activity.shared import train_shared_fast
from pmt_helpers.activity.weights import Checkpoint, Windows
from pmt_helpers.attacks.membership_game import (
    OTHER,
    TRAINED,
    Trainer,
    answers,
    likelihood_ratio,
    losses,
    personal_game,
    pooled,
    published,
    train_on_all,
)
from pmt_helpers.attacks.roc import strengths
from pmt_helpers.datasets.base import ActivityData

EPOCHS_AT_HOME = 300  # of `personalise`, where the model does not say


@dataclass(frozen=True, eq=False)
class Membership:
    """How well one model gives away what it was trained on.

    table: a row an attack: level ("window" or "person"), attack, auc, tpr (share of members found at 1% false alarms),
    each with its interval (_low, _high). roc: level, attack, fpr, tpr, for log axes. scores: a row a window or person:
    level, member, and the score of each attack, higher for "was in".
    """

    table: pd.DataFrame
    roc: pd.DataFrame
    scores: pd.DataFrame


def membership_inference(
    model: Any,
    members: Windows,
    others: Windows,
    *,
    reference: Any = None,
    shadows: int = 0,
    epochs: int | None = None,
    seed: int = 0,
) -> Membership:
    """Attack a personal model: which windows of this person was it trained on?

    members, others: (X, y) that it was and was not trained on, raw features; of one person, or the attack learns who
    instead of what. By loss always; with `reference`, the shared model it began with, also calibrated; with `shadows`
    also LiRA: so many models trained at home from the reference, each on as many of the windows, drawn at random.
    epochs: of the shadows; default: as many as the model's card and history tell.
    Intervals resample windows. Raises ValueError for shadows without a reference, and for no members or no others.
    """
    if shadows and reference is None:
        raise ValueError("shadow models begin with the shared model: give it as reference=")
    X, y, member = _together(members, others)
    sure, _ = answers(model, X, y)
    scores = {"loss": sure}
    if reference is not None:
        scores["calibrated"] = sure - answers(reference, X, y)[0]
    if shadows:
        epochs = _epochs_of(model) if epochs is None else epochs
        shadow_sure, roles = _shadows_at_home(reference, X, y, int(member.sum()), shadows, epochs, seed)
        scores["lira"] = likelihood_ratio(sure, shadow_sure, roles)
    return _measured([("window", member, scores, np.arange(len(y)))], seed)


def attack_personal(
    data: ActivityData,
    users: Sequence[int] | None = None,
    *,
    shared: Mapping[int, Any] | None = None,
    n_samples: int = 60,
    epochs: int | None = 300,
    models: int = 16,
    seed: int = 0,
) -> Membership:
    """Attack personal models of several people, many of each person, and take all guesses together.

    Each of a person's models is trained on `n_samples` windows drawn at random; see membership_games.personal_game.
    shared: by user, models trained without that user; default: the paper's, trained quickly. epochs None stops early.
    Intervals resample people. Raises ValueError when nobody has enough windows.
    """
    ids = [int(user) for user in (data.user_ids if users is None else users)]
    games = []
    for user in tqdm(ids, desc="personal models", unit="person", leave=False):
        cloud = train_shared_fast(data, user, seed) if shared is None else shared[user]
        game = personal_game(data, user, cloud, n_samples, epochs=epochs, models=models, seed=seed)
        games += [] if game is None else [game]
    if not games:
        raise ValueError(f"none of these people has enough windows to train on {n_samples} and leave others")
    member, scores, whose = pooled(games)
    return _measured([("window", member, scores, whose)], seed)


def attack_shared(
    shared: Any,
    members: ActivityData,
    others: ActivityData,
    *,
    shadows: int = 16,
    train: Trainer = train_on_all,
    seed: int = 0,
) -> Membership:
    """Attack a shared model, however it was trained: an ActivityModel, a private one, or a Checkpoint.

    members, others: the windows that it was and was not trained on. Where no person is in both, the attack also asks
    who is a volunteer (level "person"), by the mean loss over a person's windows. train(data, seed) makes the shadow
    models, each on a random half of the people (or of the windows); for a private model give its own training.
    Calibrated by the shadows without the window. shadows=0 leaves the attack by loss alone.
    Intervals resample people. Raises ValueError for no members or no others.
    """
    X, y, member = _together((members.X, members.y), (others.X, others.y))
    users = np.concatenate([members.users, others.users])
    by_person = not np.isin(members.user_ids, others.user_ids).any()
    sure, _ = answers(shared, X, y)
    shadow_sure, roles = np.empty((0, len(y))), np.empty((0, len(y)), np.int8)
    if shadows:
        drawn_from = users if by_person else np.arange(len(y))
        shadow_sure, roles = _shadows_in_cloud(_joined(members, others), drawn_from, shadows, train, seed)
    levels = [("window", member, _all_scores(sure, shadow_sure, roles), users)]
    if by_person:
        ids, first = np.unique(users, return_index=True)
        share = (ids[:, None] == users) / np.bincount(np.searchsorted(ids, users))[:, None]
        of_person = _all_scores(-losses(sure) @ share.T, -losses(shadow_sure) @ share.T, roles[:, first])
        levels.append(("person", member[first], of_person, ids))
    return _measured(levels, seed)


def _together(members: Windows, others: Windows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if len(members[1]) == 0 or len(others[1]) == 0:
        raise ValueError(
            f"need windows that the model was trained on and others; got {len(members[1])} and {len(others[1])}"
        )
    X, y = (np.concatenate(both) for both in zip(members, others, strict=True))
    return X, y, np.arange(len(y)) < len(members[1])


def _joined(members: ActivityData, others: ActivityData) -> ActivityData:
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(members, name), getattr(others, name)])
        for name in ("X", "y", "users", "recordings", "starts")
    }
    return replace(members, **arrays)


def _all_scores(sure: np.ndarray, shadows: np.ndarray, roles: np.ndarray) -> dict[str, np.ndarray]:
    scores = {"loss": sure}
    if len(shadows):
        unseen = roles == OTHER
        n = unseen.sum(0)
        known = np.where(n > 0, np.where(unseen, shadows, 0).sum(0) / np.maximum(n, 1), sure)
        scores |= {"calibrated": sure - known, "lira": likelihood_ratio(sure, shadows, roles)}
    return scores


def _measured(levels: Sequence[tuple[str, np.ndarray, dict[str, np.ndarray], np.ndarray]], seed: int) -> Membership:
    tables: tuple[list[pd.DataFrame], ...] = [], [], []
    for level, member, scores, who in levels:
        table, roc = strengths(member, scores, who, seed)
        for kept, frame in zip(tables, (table, roc, pd.DataFrame({"member": member, **scores})), strict=True):
            frame.insert(0, "level", level)
            kept.append(frame)
    return Membership(*(pd.concat(kept, ignore_index=True) for kept in tables))


def _epochs_of(model: Any) -> int:
    """How long the model was trained: what the shadows have to copy."""
    history = getattr(model, "history", None)
    if history is not None and len(history):
        return int(best_epoch(history, model.card.get("monitor", "val_loss"))["epoch"])
    return EPOCHS_AT_HOME


def _shadows_at_home(
    reference: Any, X: np.ndarray, y: np.ndarray, n_samples: int, shadows: int, epochs: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    cloud = published(reference)
    rng = np.random.default_rng([seed, len(y)])
    chosen = np.stack([rng.permutation(len(y)) < n_samples for _ in range(shadows)])
    inputs = cloud.windows(X)
    tasks = [Task(cloud.weights, inputs[mask], y[mask], seed=(seed, i)) for i, mask in enumerate(chosen)]
    bar = tqdm(train_many(tasks, epochs=epochs), total=shadows, desc="shadow models", unit="model", leave=False)
    sure = [answers(Checkpoint(one.weights, cloud.scaler), X, y)[0] for one in bar]
    return np.stack(sure), np.where(chosen, TRAINED, OTHER)


def _shadows_in_cloud(
    data: ActivityData, drawn_from: np.ndarray, shadows: int, train: Trainer, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Certainties and roles; half of the people (or windows) of `drawn_from` are in each shadow's training."""
    rng = np.random.default_rng([seed, len(data)])
    ids, number = np.unique(drawn_from, return_inverse=True)
    chosen = np.stack([(rng.permutation(len(ids)) < len(ids) // 2)[number] for _ in range(shadows)])
    bar = tqdm(chosen, desc="shadow models", unit="model", leave=False)
    sure = [answers(train(data.select(mask), seed + i), data.X, data.y)[0] for i, mask in enumerate(bar)]
    return np.stack(sure), np.where(chosen, TRAINED, OTHER)
