"""The rounds on which red and blue team are scored, and the rules that both keep. Notebook 04, red team."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pmt_helpers.activity.protocol import Download
from pmt_helpers.attacks.poisoning import scores_of
from pmt_helpers.datasets.activity_data import ActivityData

HIDDEN = 20_180_412  # not the seeds that the notebook shows
STRANGERS = 5  # one person in so many is left out of a round, to be tested on


class Misuse(Exception):
    """A submitted function does not keep the rules; the text says which one, and what to do."""


@dataclass(frozen=True, eq=False)
class Round:
    """Volunteers who train, strangers whom the shared model does not know, and the seed of everything else."""

    volunteers: ActivityData
    strangers: ActivityData
    seed: int

    def accuracy(self, model: Download) -> float:
        """Mean over the strangers of the share of their windows that a shared model gets right."""
        right = scores_of(model, self.strangers.X).argmax(1) == self.strangers.y
        return float(np.mean([right[self.strangers.users == user].mean() for user in self.strangers.user_ids]))


def hidden_rounds(data: ActivityData, n_rounds: int) -> list[Round]:
    """Always the same rounds for a data set; everybody has been a stranger before anybody is again.

    Raises ValueError when there are too few people for that.
    """
    n_out = len(data.user_ids) // STRANGERS
    if n_out == 0:
        raise ValueError(f"a hidden round needs {STRANGERS} people or more; {data.card.name} has {data.summary}")
    rng = np.random.default_rng(HIDDEN)
    queue: list[int] = []
    rounds = []
    for _ in range(n_rounds):
        while len(queue) < n_out:
            queue += [int(user) for user in rng.permutation(data.user_ids) if user not in queue]
        out, queue = queue[:n_out], queue[n_out:]
        strangers = np.isin(data.users, out)
        rounds.append(Round(data.select(~strangers), data.select(strangers), int(rng.integers(2**31))))
    return rounds


def call(function: Callable[..., Any], arrays: Mapping[str, np.ndarray], *more: Any) -> Any:
    """Call with copies of named arrays. Raises Misuse when it fails, returns nothing or has changed an array."""
    given = {name: np.array(array) for name, array in arrays.items()}
    try:
        result = function(*given.values(), *more)
    except Exception as error:
        raise Misuse(f"your function stopped with {type(error).__name__}: {error}") from error
    for name, array in arrays.items():
        if given[name].shape != array.shape or not np.array_equal(given[name], array, equal_nan=True):
            raise Misuse(f"your function changed {name} in place; leave it as it is, and work on a copy: {name}.copy()")
    if result is None:
        raise Misuse("your function returned nothing; does it end with return?")
    return result


def check_length(returned: Any, n_windows: int, what: str) -> np.ndarray:
    """As an array with one value a window, otherwise raises Misuse."""
    try:
        values = np.asarray(returned)
    except ValueError as error:
        raise Misuse(f"return an array with one {what} a window; this is none: {error}") from error
    if values.shape != (n_windows,):
        raise Misuse(f"return one {what} a window, shape ({n_windows},); this returned shape {values.shape}")
    return values
