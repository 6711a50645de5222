"""A shared model in a tenth of a second, for experiments that need hundreds of them. Notebook 04.

The paper's recipe takes 1,000 full-batch steps of rate 0.05: it follows the gradient for a "time" of 50. Many steps of
one window and rate 0.001 follow the same gradient as far, through the compiled loop for training at home. Start, scaler
and the windows put aside are those of `train_shared`, which stays the reference: tests hold the two together.
"""

import numpy as np

from pmt_helpers.activity.model import build_mlp
from pmt_helpers.activity.online import LEARNING_RATE, Task, train_online
from pmt_helpers.activity.preprocessing import Preprocessor
from pmt_helpers.activity.protocol import Download
from pmt_helpers.activity.shared import RECIPES, ActivityModel
from pmt_helpers.activity.splits import random_validation
from pmt_helpers.activity.weights import Weights
from pmt_helpers.datasets.activity_data import ActivityData

TIME = RECIPES["paper"].learning_rate * RECIPES["paper"].epochs  # early stopping ends none of these trainings


def train_shared_quickly(
    data: ActivityData, exclude_user: int | None = None, seed: int = 0, *, keep: np.ndarray | None = None
) -> Download:
    """Weights and scaler as train_shared(data, exclude_user, seed, "paper") would give them, nearly.

    keep: (n_windows,) bool, windows to train on, for a defence that leaves some out; the scaler is fitted on the same.
    Raises ValueError when no window is left, and for an unknown user.
    """
    rows = training_rows(data, exclude_user, seed)
    if keep is not None:
        rows = rows[np.asarray(keep, bool)[rows]]
    if len(rows) == 0:
        raise ValueError("no window is left to train the shared model on")
    start = initial_weights(data, seed)
    cloud = Download(start, Preprocessor.fit(data.X[rows]))
    epochs = max(1, round(TIME / (LEARNING_RATE * len(rows))))
    trained = train_online(Task(start, cloud.windows(data.X[rows]), data.y[rows], seed=seed), epochs=epochs)
    return Download(trained.weights, cloud.scaler)


def training_rows(data: ActivityData, exclude_user: int | None, seed: int) -> np.ndarray:
    """The rows of `data` that train_shared trains on: other people's, less the random fifth that validates."""
    if exclude_user is not None and exclude_user not in data.user_ids:
        raise ValueError(f"no user {exclude_user} in {data.card.name}; users are {', '.join(map(str, data.user_ids))}")
    rows = np.arange(len(data)) if exclude_user is None else np.flatnonzero(data.users != exclude_user)
    return rows[~random_validation(len(rows), 0.2, seed)]


def initial_weights(data: ActivityData, seed: int) -> Weights:
    """The random start that train_shared takes for this seed."""
    return Weights.of(build_mlp(len(data.feature_names), len(data.class_names), seed=seed))


def download_of(shared: ActivityModel) -> Download:
    """What a device gets when `shared` is published: copies of its weights, and its scaler."""
    return Download(Weights.of(shared.model), shared.scaler)
