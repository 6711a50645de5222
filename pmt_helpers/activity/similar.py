"""Models chosen at home by their loss on one's own windows: those of similar people, the better of two. Notebook 07.

The paper's future work is that similar people help each other. Here the cloud publishes models of volunteers, everybody
downloads all of them and chooses at home: nothing is sent. A device needs NumPy and the training loop for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pmt_helpers.activity.online import EPOCHS, Seed, Task, train_online
from pmt_helpers.activity.weights import Checkpoint, Weights, Windows

if TYPE_CHECKING:
    from pmt_helpers.activity.model import ActivityModel
    from pmt_helpers.datasets.base import ActivityData

STOP_SHARE, DONOR_EPOCHS = 0.25, 300  # of a donor's windows, for early stopping; and the longest training


def mean_loss(model: Any, X: np.ndarray, y: np.ndarray) -> float:
    """Mean cross-entropy of a model on raw windows. Raises ValueError for labels that it does not know."""
    logits, y = Checkpoint.from_model(model).logits(X).astype(np.float64), np.asarray(y)
    if len(y) != len(logits) or not np.isin(y, range(logits.shape[1])).all():
        raise ValueError(f"y must be {len(logits)} classes from 0 to {logits.shape[1] - 1}; got {np.unique(y)}")
    logits -= logits.max(axis=1, keepdims=True)
    return float((np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(y)), y]).mean())


def keep_better(
    old: "ActivityModel | Checkpoint", new: "ActivityModel | Checkpoint", X_validation: np.ndarray,
    y_validation: np.ndarray,
) -> Any:  # fmt: skip
    """The one of two models with the lower loss on one's own validation windows; the old one when they are equal.

    A new model whose loss is no number is never taken. Each model has the scaler that it was trained with; neither was
    trained on these raw windows. Raises ValueError for windows that do not fit the models.
    """
    loss_of_old, loss_of_new = (mean_loss(model, X_validation, y_validation) for model in (old, new))
    return new if loss_of_new < loss_of_old else old


def choose_donors(pool: Sequence[Any], X: np.ndarray, y: np.ndarray, n_donors: int) -> list[int]:
    """Which models of the pool have the lowest loss on one's own windows: their places in the pool, the best first.

    X, y: (n_windows, n_features) raw features and (n_windows,) class numbers, for training and validation: never those
    of a test. Raises ValueError for more donors than the pool has, TypeError for a pool of anything but models.
    """
    if not 1 <= n_donors <= len(pool):
        raise ValueError(f"n_donors must be 1 to {len(pool)}, as many as there are models; got {n_donors}")
    losses = [mean_loss(model, X, y) for model in _checkpoints("pool", pool)]
    return [int(place) for place in np.argsort(losses, kind="stable")[:n_donors]]


def average_models(models: Sequence[Any]) -> Checkpoint:
    """The model whose every weight is the mean of theirs: a start for `personalise`.

    It is a good one only when all were retrained from one shared model. Raises ValueError for models of other shapes or
    with another scaler.
    """
    checkpoints = _checkpoints("models", models)
    if len({(*(layer.shape for layer in _layers(model)), model.scaler.mean.tobytes()) for model in checkpoints}) != 1:
        raise ValueError("models must have one shape and one scaler: average those retrained from one shared model")
    hidden, output, bias = (
        np.asarray(np.mean(same_layer, axis=0, dtype=np.float64), np.float32)
        for same_layer in zip(*map(_layers, checkpoints), strict=True)
    )
    return replace(checkpoints[0], weights=Weights(hidden, output, bias, checkpoints[0].weights.n_features))


def retrain(
    start: Checkpoint, train: Windows, stop: Windows | None = None, seed: Seed = 0, epochs: int = EPOCHS
) -> Checkpoint:
    """What `personalise` does, for a checkpoint: trained on raw windows until the loss on those of `stop` rises."""
    validation = None if stop is None else (start.windows(stop[0]), stop[1])
    task = Task(start.weights, start.windows(train[0]), train[1], validation, seed)
    return replace(start, weights=train_online(task, epochs=epochs).weights)


def train_donors(data: "ActivityData", shared: "ActivityModel | Checkpoint", seed: int = 0) -> dict[int, Checkpoint]:
    """Each person's model, retrained from the shared one on that person's windows; a quarter says when to stop."""
    start, donors = Checkpoint.from_model(shared), {}
    for user, own in data.by_user().items():
        stops = stop_windows(len(own), user, seed)
        stop = (own.X[stops], own.y[stops]) if stops.any() else None
        donors[user] = retrain(start, (own.X[~stops], own.y[~stops]), stop, (seed, user), DONOR_EPOCHS)
    return donors


def stop_windows(n_windows: int, user: int, seed: int) -> np.ndarray:
    """Which of a donor's windows only say when to stop; (n_windows,) bool."""
    return np.random.default_rng([seed, user, n_windows]).permutation(n_windows) < int(STOP_SHARE * n_windows)


def donor_pool(
    donors: Mapping[int, Any], data: "ActivityData", *, size: int = 16, together: int = 3, seed: int = 0
) -> list[Checkpoint]:
    """What the cloud publishes: averages of the models of similar donors, which tell less than a single one.

    Parameters
    ----------
    donors: models by user, as train_donors makes them from `data`.
    size: averages, each of a donor drawn at random and the models with the lowest loss on that donor's windows; no more
        than there are donors.
    together: models in each. Raises ValueError for more than there are donors.
    """
    users, models = list(donors), dict(zip(donors, _checkpoints("donors", list(donors.values())), strict=True))
    if together > len(models):
        raise ValueError(f"together must be at most {len(models)}, the number of donors; got {together}")
    drawn = np.random.default_rng(seed).permutation(len(users))[:size]
    return [average_around(users[place], models, data, together) for place in drawn]


def average_around(user: int, donors: Mapping[int, Checkpoint], data: "ActivityData", together: int = 3) -> Checkpoint:
    """The average of a donor's model and of those with the lowest loss on that donor's windows."""
    own, users = data.users == user, list(donors)
    nearest = choose_donors(list(donors.values()), data.X[own], data.y[own], len(users))
    members = [user, *(users[place] for place in nearest if users[place] != user)]
    return average_models([donors[member] for member in members[:together]])


def _layers(checkpoint: Checkpoint) -> tuple[np.ndarray, ...]:
    return checkpoint.weights.hidden, checkpoint.weights.output, checkpoint.weights.bias


def _checkpoints(name: str, models: Sequence[Any]) -> list[Checkpoint]:
    try:
        return [Checkpoint.from_model(model) for model in models]
    except (TypeError, AttributeError) as error:
        raise TypeError(f"{name} must be trained models: {error}") from None
