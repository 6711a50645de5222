"""Models chosen at home by their loss on one's own windows: those of similar people, the better of two. Notebook 07.

The paper's future work is to let similar people help each other. Here the cloud publishes a pool of volunteers' models,
everybody downloads all of it, and the choice is made at home: nothing about it is sent. NumPy and the training loop are
enough for this, so that a device can do it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pmt_helpers.activity.online import EPOCHS, Seed, Task, train_online
from pmt_helpers.activity.weights import Checkpoint, Weights, Windows

if TYPE_CHECKING:
    from pmt_helpers.datasets.base import ActivityData

HELD_OUT_SHARE = 0.25  # of a donor's windows, for early stopping
DONOR_EPOCHS = 300
POOL, TOGETHER = 16, 3  # models that are published, and the donors in each


def mean_loss(model: Any, X: np.ndarray, y: np.ndarray) -> float:
    """Mean cross-entropy of a model on raw windows. Raises ValueError for labels that it does not know."""
    y = np.asarray(y)
    logits = Checkpoint.from_model(model).logits(X).astype(np.float64)
    if len(y) != len(logits) or not len(y) or y.min() < 0 or y.max() >= logits.shape[1]:
        known = f"classes 0 to {logits.shape[1] - 1}, one for each of {len(logits)} windows, at least one"
        raise ValueError(f"y must be {known}; got {len(y)} labels{f' up to {y.max()}' if len(y) else ''}")
    logits -= logits.max(axis=1, keepdims=True)
    return float((np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(y)), y]).mean())


def keep_better(old: Any, new: Any, X_validation: np.ndarray, y_validation: np.ndarray) -> Any:
    """The one of two models with the lower loss on one's own validation windows; the old one when they are equal.

    A new model whose loss is no number is never taken.

    Parameters
    ----------
    old, new: models (or checkpoints), each with the scaler it was trained with.
    X_validation, y_validation: (n_windows, n_features) raw features, (n_windows,) class numbers, that neither was
        trained on.

    Raises ValueError for windows that do not fit the models.
    """
    losses = [mean_loss(model, X_validation, y_validation) for model in (old, new)]
    return new if losses[1] < losses[0] else old


def choose_donors(pool: Sequence[Any], X: np.ndarray, y: np.ndarray, n_donors: int) -> list[int]:
    """Which models of the pool have the lowest loss on one's own windows: their places in the pool, the best first.

    Parameters
    ----------
    pool: models of other people (or checkpoints), all of which were downloaded.
    X, y: (n_windows, n_features) raw features, (n_windows,) class numbers. Training and validation windows, never those
        of a test.

    Raises ValueError for more donors than the pool has, TypeError for a pool of anything but models.
    """
    models = _checkpoints("pool", pool)
    if not 1 <= n_donors <= len(models):
        raise ValueError(f"n_donors must be 1 to {len(models)}, as many as the pool has models; got {n_donors}")
    losses = [mean_loss(model, X, y) for model in models]
    return [int(place) for place in np.argsort(losses, kind="stable")[:n_donors]]


def average_models(models: Sequence[Any]) -> Checkpoint:
    """The model whose every weight is the mean of theirs: a start for personal training (see `personalise`).

    A mean of weights is a good model only when all were retrained from one shared model.
    Raises ValueError for models of other shapes or with another scaler.
    """
    first, *others = checkpoints = _checkpoints("models", models)
    for other in others:
        if [layer.shape for layer in _arrays(other.weights)] != [layer.shape for layer in _arrays(first.weights)]:
            raise ValueError("models have weights of different shapes: only copies of one network have an average")
        if not all(map(np.array_equal, _arrays(other.scaler), _arrays(first.scaler))):
            raise ValueError("models have different scalers: average those that were retrained from one shared model")
    hidden, output, bias = (
        np.asarray(np.mean(same_layer, axis=0, dtype=np.float64), np.float32)
        for same_layer in zip(*(_arrays(model.weights) for model in checkpoints), strict=True)
    )
    return replace(first, weights=Weights(hidden, output, bias, first.weights.n_features), rehearsal=None)


def donor_pool(
    data: "ActivityData", shared: Any, exclude_user: int | None = None,
    *, size: int = POOL, together: int = TOGETHER, seed: int = 0,
) -> list[Checkpoint]:  # fmt: skip
    """What the cloud publishes for similar people: averages of volunteers' models, all retrained from `shared`.

    Each is the average of a volunteer drawn at random and of the most similar others, chosen by their loss on that
    volunteer's windows: a single person's model would tell more about its windows.

    Parameters
    ----------
    exclude_user: the person the pool is for, who is no donor.
    size: models in the pool, at most as many as there are volunteers.
    together: volunteers in each average.

    Raises ValueError when there are fewer volunteers than `together`.
    """
    volunteers = data.select(data.rows_without(exclude_user))
    return pool_of(train_donors(volunteers, shared, seed), volunteers, size, together, seed)


def train_donors(data: "ActivityData", shared: Any, seed: int = 0) -> dict[int, Checkpoint]:
    """Each person's model, retrained from the shared one on that person's windows; a quarter of them says when to stop.

    The same seed leaves out the windows of `held_out`.
    """
    start, donors = Checkpoint.from_model(shared), {}
    for user, own in data.by_user().items():
        stops = held_out(len(own), user, seed)
        stop = (own.X[stops], own.y[stops]) if stops.any() else None
        donors[user] = retrain(start, (own.X[~stops], own.y[~stops]), stop, (seed, user), DONOR_EPOCHS)
    return donors


def retrain(start: Checkpoint, train: Windows, stop: Windows | None, seed: Seed, epochs: int = EPOCHS) -> Checkpoint:
    """What `personalise` does, for a checkpoint: trained on raw windows until those of `stop` get no better."""
    validation = None if stop is None else (start.windows(stop[0]), stop[1])
    task = Task(start.weights, start.windows(train[0]), train[1], validation, seed)
    return replace(start, weights=train_online(task, epochs=epochs).weights)


def held_out(n_windows: int, user: int, seed: int) -> np.ndarray:
    """Which of a donor's windows only say when to stop; (n_windows,) bool."""
    order = np.random.default_rng([seed, user, n_windows]).permutation(n_windows)
    return order < int(HELD_OUT_SHARE * n_windows)


def pool_of(
    donors: Mapping[int, Checkpoint], data: "ActivityData", size: int, together: int, seed: int
) -> list[Checkpoint]:
    """The averages of `donor_pool`, from the donors' models and windows."""
    users, models = list(donors), list(donors.values())
    if together > len(models):
        raise ValueError(f"together must be at most {len(models)}, the number of volunteers; got {together}")
    pool = []
    for user in np.random.default_rng(seed).permutation(users)[:size]:
        own = data.users == user
        nearest = [users[place] for place in choose_donors(models, data.X[own], data.y[own], len(models))]
        members = [user, *(other for other in nearest if other != user)][:together]
        pool.append(average_models([donors[int(member)] for member in members]))
    return pool


def _arrays(part: Any) -> list[np.ndarray]:
    """The arrays of weights or of a scaler."""
    return [array for array in vars(part).values() if isinstance(array, np.ndarray)]


def _checkpoints(name: str, models: Sequence[Any]) -> list[Checkpoint]:
    if not len(models):
        raise ValueError(f"{name} is empty; expected one model or more")
    try:
        return [Checkpoint.from_model(model) for model in models]
    except (TypeError, AttributeError) as error:
        raise TypeError(f"{name} must be models with weights and scaler: {error}") from None
