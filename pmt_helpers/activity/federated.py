"""Federated averaging: volunteers train the shared model at home and send weights, never windows. Notebook 07.

Beyond one machine, Flower (flwr) takes over, and its parts map on these. A `ClientApp` on each device is the body of
the loop over volunteers: it receives the common weights, trains, and replies with `Federation.uploads`. A `Strategy` in
the `ServerApp` is the loop over rounds: `configure_train` (once `configure_fit`) chooses who takes part,
and `aggregate_train` (once `aggregate_fit`) is the argument `aggregate`. Its FedAvg is weighted_mean, the `proximal_mu`
of its FedProx is `proximal`, FedMedian and FedTrimmedAvg are in attacks/defences.py, SecAgg+ is what masking.py does.
It adds what one process lacks: messages, time-outs, devices that come and go. It is not required here, since it does
not fit the locked versions and reports on its use by default.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pmt_helpers.activity.online import Task, train_online
from pmt_helpers.activity.shared import initial_weights, training_rows
from pmt_helpers.activity.weights import Checkpoint, Preprocessor, Weights
from pmt_helpers.datasets.base import ActivityData

ROUNDS = 40
LOCAL_EPOCHS = 5
LEARNING_RATE = 0.01  # one epoch, 40 rounds: as good as 0.001 with 400, in a tenth of the time

# Values (n_volunteers, ...) of one layer and the volunteers' numbers of windows (n_volunteers,) -> one layer
Aggregate = Callable[[np.ndarray, np.ndarray], np.ndarray]


def weighted_mean(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Mean over the first axis, where each volunteer counts as much as their windows (McMahan et al. 2017)."""
    return np.average(values, axis=0, weights=sizes)


@dataclass(frozen=True, eq=False)
class Federation:
    """Where a federation stands after a number of rounds.

    model: what a new person downloads. uploads: the arrays that each volunteer sent in this round, by user. at_home:
    each volunteer's own weights after it. bytes_up: what one volunteer has sent in all rounds.
    """

    model: Checkpoint
    uploads: Mapping[int, tuple[np.ndarray, ...]]
    at_home: Mapping[int, Weights]
    bytes_up: int


def federated_rounds(
    data: ActivityData, exclude_user: int | None = None, seed: int = 0, *, rounds: int = ROUNDS,
    local_epochs: int = LOCAL_EPOCHS, learning_rate: float = LEARNING_RATE, proximal: float = 0.0,
    personal_output: bool = False, aggregate: Aggregate = weighted_mean,
) -> Iterator[Federation]:  # fmt: skip
    """train_federated, round by round."""
    rows = training_rows(data, exclude_user, seed)
    cloud = Checkpoint(initial_weights(data, seed), Preprocessor.fit(data.X[rows]))
    volunteers = {int(user): rows[data.users[rows] == user] for user in np.unique(data.users[rows])}
    parts = {user: (cloud.windows(data.X[own]), data.y[own]) for user, own in volunteers.items()}
    sizes = np.array([len(own) for own in volunteers.values()])
    layers = ("hidden",) if personal_output else ("hidden", "output", "bias")
    common, at_home, bytes_up = cloud.weights, dict.fromkeys(parts, cloud.weights), 0
    for number in range(rounds):
        downloaded: dict[str, Any] = {layer: getattr(common, layer) for layer in layers}
        for user, (X, y) in parts.items():
            task = Task(replace(at_home[user], **downloaded), X, y, seed=(seed, number, user))
            trained = train_online(task, epochs=local_epochs, learning_rate=learning_rate, l2_sp=proximal)
            at_home[user] = trained.weights
        uploads = {user: tuple(getattr(own, layer) for layer in layers) for user, own in at_home.items()}
        stacks = (np.stack(values) for values in zip(*uploads.values(), strict=True))
        averages = [np.asarray(aggregate(stack, sizes), np.float32) for stack in stacks]
        common = replace(common, **dict[str, Any](zip(layers, averages, strict=True)))
        bytes_up += max(sum(array.nbytes for array in arrays) for arrays in uploads.values())
        yield Federation(replace(cloud, weights=common), uploads, dict(at_home), bytes_up)


def train_federated(
    data: ActivityData, exclude_user: int | None = None, seed: int = 0, *, rounds: int = ROUNDS,
    local_epochs: int = LOCAL_EPOCHS, learning_rate: float = LEARNING_RATE, proximal: float = 0.0,
    personal_output: bool = False, aggregate: Aggregate = weighted_mean,
) -> Federation:  # fmt: skip
    """A shared model whose volunteers train at home and send their weights, which are averaged in each round.

    Start, windows and scaler are those of train_shared. The scaler is that of the pooled windows: for it each
    volunteer would send the sums of features and of their squares once, which `bytes_up` does not count.

    Parameters
    ----------
    rounds: of training at home and averaging.
    local_epochs: passes of each volunteer over their own windows in a round, one window per step.
    proximal: FedProx (Li et al. 2020), strength of the pull towards the round's weights; applied once per epoch.
    personal_output: FedPer (Arivazhagan et al. 2019), only the hidden layer is sent and averaged. Each volunteer keeps
        an output layer of their own, and a new person downloads the untrained one, to train at home.
    aggregate: values (n_volunteers, ...) of one layer and numbers of windows (n_volunteers,) to one layer.

    Raises ValueError for an unknown user or settings that nothing can be learnt with, FloatingPointError when training
    diverges.
    """
    if rounds < 1:
        raise ValueError(f"rounds must be at least 1; got {rounds}")
    after = federated_rounds(
        data, exclude_user, seed, rounds=rounds, local_epochs=local_epochs, learning_rate=learning_rate,
        proximal=proximal, personal_output=personal_output, aggregate=aggregate,
    )  # fmt: skip
    return deque(after, maxlen=1).pop()
