"""Was this window, or this person, part of the training? An attack on one model that got out. Notebook 04, step 4.

What the attacker has: the model, the windows in question, and (for the stronger attacks) the means to train models of
the same kind. `membership_game` measures the same attacks on many models, for their strength on average.
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
    MEMBER,
    NON_MEMBER,
    Guesses,
    Trainer,
    calibration,
    confidence,
    cross_entropy,
    likelihood_ratio,
    person_weights,
    personal_game,
    pool_guesses,
    train_on_all,
    train_on_each,
)
from pmt_helpers.attacks.roc import compare_attacks
from pmt_helpers.datasets.base import ActivityData

PERSONAL_EPOCHS = 300  # of `personalise`, where the model does not say


@dataclass(frozen=True, eq=False)
class Membership:
    """How well one model gives away what it was trained on.

    table: one row per attack: level ("window" or "person"), attack, auc, tpr (share of members found at 1% false
    alarms), each with its interval (_low, _high). roc: level, attack, fpr, tpr, for log axes. scores: one row per
    window or person: level, member, and the score of each attack, higher for "was in".
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

    Always by loss; with `reference` also calibrated; with `shadows` also LiRA. Intervals resample windows.

    Parameters
    ----------
    members, others : (X, y) that the model was and was not trained on, raw features, of one person
    reference : the shared model that it began with
    shadows : number of models trained at home from the reference, each on len(members) windows drawn at random
    epochs : of the shadows; default: as many as the model's history tells

    Raises
    ------
    ValueError for shadows without a reference, and for no members or no others.
    """
    if shadows and reference is None:
        raise ValueError("shadow models begin with the shared model: give it as reference=")
    X, y, member = _together(members, others)
    gap, _ = confidence(model, X, y)
    scores = {"loss": gap}
    if reference is not None:
        scores["calibrated"] = gap - confidence(reference, X, y)[0]
    if shadows:
        epochs = _epochs_of(model) if epochs is None else epochs
        scores["lira"] = likelihood_ratio(gap, *_personal_shadows(reference, X, y, member.sum(), shadows, epochs, seed))
    return _measure({"window": Guesses(member, scores, np.arange(len(y)))}, seed)


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

    Each of a person's models is trained on `n_samples` windows drawn at random; see membership_game.personal_game.
    shared: by user, models trained without that user; default: the paper's, trained fast. epochs None stops early.
    Intervals resample people. Raises ValueError when nobody has enough windows.
    """
    ids = [int(user) for user in (data.user_ids if users is None else users)]
    games = []
    for user in tqdm(ids, desc="personal models", unit="person", leave=False):
        cloud = train_shared_fast(data, user, seed) if shared is None else shared[user]
        games.append(personal_game(data, user, cloud, n_samples, epochs=epochs, models=models, seed=seed))
    played = [game for game in games if game is not None]
    if not played:
        raise ValueError(f"none of these people has enough windows to train on {n_samples} and leave others")
    return _measure({"window": pool_guesses(played)}, seed)


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

    Where no person is in both `members` and `others`, the attack also asks who is a volunteer (level "person"), by the
    mean loss over a person's windows. Intervals resample people.

    Parameters
    ----------
    members, others : the windows that the model was and was not trained on
    shadows : number of models, each trained on a random half of the people (or of the windows); 0: by loss alone
    train : train(data, seed) makes the shadows; for a private model give its own training

    Raises
    ------
    ValueError for no members or no others.
    """
    X, y, member = _together((members.X, members.y), (others.X, others.y))
    users = np.concatenate([members.users, others.users])
    by_person = not np.isin(members.user_ids, others.user_ids).any()
    gap, _ = confidence(shared, X, y)
    shadow_gaps, membership = np.empty((0, len(y))), np.empty((0, len(y)), np.int8)
    if shadows:
        rng = np.random.default_rng([seed, len(y)])
        ids, number = np.unique(users if by_person else np.arange(len(y)), return_inverse=True)
        masks = np.stack([(rng.permutation(len(ids)) < len(ids) // 2)[number] for _ in range(shadows)])
        shadow_gaps, _ = train_on_each(_join(members, others), masks, train, seed)
        membership = np.where(masks, MEMBER, NON_MEMBER)
    levels = {"window": Guesses(member, _attack_scores(gap, shadow_gaps, membership), users)}
    if by_person:
        ids, first = np.unique(users, return_index=True)
        target, of_shadows = (-cross_entropy(gaps) @ person_weights(users).T for gaps in (gap, shadow_gaps))
        levels["person"] = Guesses(member[first], _attack_scores(target, of_shadows, membership[:, first]), ids)
    return _measure(levels, seed)


def _together(members: Windows, others: Windows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """X and y of both, and which rows are members."""
    if len(members[1]) == 0 or len(others[1]) == 0:
        raise ValueError(
            f"need windows that the model was trained on and others; got {len(members[1])} and {len(others[1])}"
        )
    X, y = (np.concatenate(both) for both in zip(members, others, strict=True))
    return X, y, np.arange(len(y)) < len(members[1])


def _join(members: ActivityData, others: ActivityData) -> ActivityData:
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(members, name), getattr(others, name)])
        for name in ("X", "y", "users", "recordings", "starts")
    }
    return replace(members, **arrays)


def _attack_scores(target: np.ndarray, shadows: np.ndarray, membership: np.ndarray) -> dict[str, np.ndarray]:
    if not len(shadows):
        return {"loss": target}
    calibrated = target - calibration(target, shadows, membership)
    return {"loss": target, "calibrated": calibrated, "lira": likelihood_ratio(target, shadows, membership)}


def _measure(levels: Mapping[str, Guesses], seed: int) -> Membership:
    tables: dict[str, list[pd.DataFrame]] = {"table": [], "roc": [], "scores": []}
    for level, guesses in levels.items():
        table, roc = compare_attacks(*guesses, seed)
        scores = pd.DataFrame({"member": guesses.member, **guesses.scores})
        for frames, frame in zip(tables.values(), (table, roc, scores), strict=True):
            frame.insert(0, "level", level)
            frames.append(frame)
    return Membership(**{name: pd.concat(frames, ignore_index=True) for name, frames in tables.items()})


def _epochs_of(model: Any) -> int:
    """How long the model was trained: what the shadows have to copy."""
    history = getattr(model, "history", None)
    if history is not None and len(history):
        return int(best_epoch(history, model.card.get("monitor", "val_loss"))["epoch"])
    return PERSONAL_EPOCHS


def _personal_shadows(
    reference: Any, X: np.ndarray, y: np.ndarray, n_samples: int, shadows: int, epochs: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Confidence and membership of models retrained from the reference; (n_models, n_windows) each."""
    cloud = Checkpoint.from_model(reference)
    rng = np.random.default_rng([seed, len(y)])
    chosen = np.stack([rng.permutation(len(y)) < n_samples for _ in range(shadows)])
    inputs = cloud.windows(X)
    tasks = [Task(cloud.weights, inputs[mask], y[mask], seed=(seed, i)) for i, mask in enumerate(chosen)]
    bar = tqdm(train_many(tasks, epochs=epochs), total=shadows, desc="shadow models", unit="model", leave=False)
    gaps = [confidence(Checkpoint(model.weights, cloud.scaler), X, y)[0] for model in bar]
    return np.stack(gaps), np.where(chosen, MEMBER, NON_MEMBER)
