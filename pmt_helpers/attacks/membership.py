"""Was this window part of the training? An attack on one personal model that got out. Notebook 05.

What the attacker has: the model, the windows in question, and (for the stronger attacks) the means to train models of
the same kind. `membership_game` measures the same attacks on many models, for their strength on average.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from pmt_helpers.activity.model import best_epoch
from pmt_helpers.activity.online import Task, train_many
from pmt_helpers.activity.weights import Checkpoint, Windows
from pmt_helpers.attacks.membership_game import MEMBER, NON_MEMBER, confidence, likelihood_ratio
from pmt_helpers.attacks.roc import compare_attacks

PERSONAL_EPOCHS = 300  # of `personalise`, where the model does not say
BLIND_AUC = 0.7  # by chance alone, fifty draws of 40 windows and 40 others stayed below
FEWEST = 10  # of members, and of others, for a forest to learn from


@dataclass(frozen=True, eq=False)
class Membership:
    """How well one model gives away what it was trained on; level is always "window".

    table: one row per attack: level, attack, auc, tpr (share of members found at 1% false alarms), each with its
    interval (_low, _high). roc: level, attack, fpr, tpr, for log axes. scores: one row per window: level, member, and
    the score of each attack, higher for "was in". blind_auc: of telling members from others without any model.
    """

    table: pd.DataFrame
    roc: pd.DataFrame
    scores: pd.DataFrame
    blind_auc: float


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

    Always by loss; with `reference` also calibrated; with `shadows` also LiRA. Intervals resample windows. Warns when
    members and others differ by themselves, as training and test windows of a split by time do: then an attack that
    never looked at the model would succeed, too. Raises ValueError for shadows without a reference, and for no members
    or no others.

    Parameters
    ----------
    members, others : (X, y) that the model was and was not trained on, raw features, of one person
    reference : the shared model that it began with
    shadows : number of models trained at home from the reference, each on len(members) windows drawn at random
    epochs : of the shadows; default: as many as the model's history tells
    """
    if shadows == 1:
        raise ValueError("shadows must be 0, or 2 and more: one model has no spread; got 1")
    if shadows and reference is None:
        raise ValueError("shadow models begin with the shared model: give it as reference=")
    if len(members[1]) == 0 or len(others[1]) == 0:
        got = f"{len(members[1])} and {len(others[1])}"
        raise ValueError(f"need windows that the model was trained on and others; got {got}")
    weights = Checkpoint.from_model(model).weights
    for name, (windows, labels) in (("members", members), ("others", others)):
        if (
            np.shape(windows) != (len(labels), weights.n_features)
            or not np.isin(labels, range(len(weights.bias))).all()
        ):
            wanted = f"(n, {weights.n_features}) features and a class of the model for each"
            raise ValueError(f"{name} must be {wanted}; got {np.shape(windows)}, classes {np.unique(labels)}")
    X, y = (np.concatenate(both) for both in zip(members, others, strict=True))
    member = np.arange(len(y)) < len(members[1])
    if (blind := blind_auc(X, y, member, seed)) > BLIND_AUC:
        warnings.warn(
            f"members and others can be distinguished without any model (AUC {blind:.2f} from the windows alone). This "
            "says nothing about the model: draw both at random from the same windows",
            stacklevel=2,
        )
    gap, _ = confidence(model, X, y)
    scores = {"loss": gap}
    if reference is not None:
        scores["calibrated"] = gap - confidence(reference, X, y)[0]
    if shadows:
        epochs = _epochs_of(model) if epochs is None else epochs
        scores["lira"] = likelihood_ratio(gap, *_personal_shadows(reference, X, y, member.sum(), shadows, epochs, seed))
    table, roc = compare_attacks(member, scores, np.arange(len(y)), seed)
    tables = table, roc, pd.DataFrame({"member": member, **scores})
    for frame in tables:
        frame.insert(0, "level", "window")
    return Membership(*tables, blind)


def blind_auc(X: np.ndarray, y: np.ndarray, member: np.ndarray, seed: int = 0) -> float:
    """Cross-validated AUC of a random forest that sees windows and labels, and no model; NaN for too few of either."""
    from sklearn.ensemble import RandomForestClassifier  # slow to load
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    if min(member.sum(), (~member).sum()) < FEWEST:
        return float("nan")
    forest = RandomForestClassifier(min_samples_leaf=2, random_state=seed)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    guesses = cross_val_predict(forest, np.column_stack([X, y]), member, cv=folds, method="predict_proba")[:, 1]
    return float(roc_auc_score(member, guesses))


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
