"""One model of many volunteers' models: by the mean, or by one that no minority drags away. Notebook 04, step 3.

Each round every volunteer trains the common model for one epoch on their own windows, and the results are averaged
weight by weight. A robust average ignores what is far from the rest: lies, and people who are different.
"""

from collections.abc import Callable

import numpy as np

from pmt_helpers.activity.online import Task, train_online
from pmt_helpers.activity.preprocessing import Preprocessor
from pmt_helpers.activity.protocol import Download
from pmt_helpers.activity.quick_shared import initial_weights, training_rows
from pmt_helpers.activity.weights import Weights
from pmt_helpers.datasets.activity_data import ActivityData

ROUNDS = 40
LEARNING_RATE = 0.01  # with 40 rounds as good as 0.001 with 400, for a tenth of the time
TRIM = 0.3  # share of the volunteers left out at either end: for as many malicious ones it is made


def trimmed_mean(values: np.ndarray, trim: float = TRIM) -> np.ndarray:
    """Mean over the first axis without the `trim` smallest and largest shares, coordinate by coordinate."""
    n_out = int(trim * len(values))
    return np.sort(values, 0)[n_out : len(values) - n_out].mean(0)


AVERAGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": lambda values: values.mean(0),
    "median": lambda values: np.median(values, 0),
    "trimmed mean": trimmed_mean,
}


def train_averaged(
    data: ActivityData,
    exclude_user: int | None = None,
    seed: int = 0,
    average: str = "median",
    *,
    rounds: int = ROUNDS,
    learning_rate: float = LEARNING_RATE,
) -> Download:
    """A shared model averaged over volunteers, who all have one vote; start, scaler and windows of train_shared.

    average: "mean", "median" or "trimmed mean", each coordinate of the weights on its own. The scaler is still that of
    the pooled windows. Raises ValueError for an unknown average or user.
    """
    if average not in AVERAGES:
        raise ValueError(f"unknown average {average!r}; choose one of {', '.join(AVERAGES)}")
    rows = training_rows(data, exclude_user, seed)
    cloud = Download(initial_weights(data, seed), Preprocessor.fit(data.X[rows]))
    owners = [(int(user), rows[data.users[rows] == user]) for user in np.unique(data.users[rows])]
    parts = [(user, cloud.windows(data.X[own]), data.y[own]) for user, own in owners]
    common = cloud.weights
    for turn in range(rounds):
        tasks = [Task(common, X, y, seed=(seed, turn, user)) for user, X, y in parts]
        trained = [train_online(task, epochs=1, learning_rate=learning_rate).weights for task in tasks]
        common = average_weights(trained, AVERAGES[average])
    return Download(common, cloud.scaler)


def average_weights(models: list[Weights], average: Callable[[np.ndarray], np.ndarray]) -> Weights:
    """Average several networks of one shape; `average` maps (n_models, ...) to (...)."""
    hidden, output, bias = (
        average(np.stack([getattr(model, layer) for model in models])).astype(np.float32)
        for layer in ("hidden", "output", "bias")
    )
    return Weights(hidden, output, bias, models[0].n_features)
