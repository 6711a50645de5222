"""How to tell what is wrong with a split by people (exercise `grouped-validation`, notebook 01).

Right answers may draw any people, so a mask is judged by who is on which side of it.
"""

import numpy as np

from pmt_helpers.teaching.exercises.base import Answer

Array = np.ndarray

SEEDS = range(8)


def _cases() -> dict[str, tuple[Array, float, int]]:
    rng = np.random.default_rng(4)
    n_windows = rng.integers(20, 60, 12)  # people differ in how many windows they have
    mixed = rng.permutation(np.repeat(np.arange(12) * 3 + 5, n_windows))
    return {
        "twelve people, a quarter": (mixed, 0.25, 0),
        "twelve people, a third": (mixed, 1 / 3, 1),
        "three people, a tenth": (np.repeat([7, 9, 30], 10), 0.1, 2),
    }


CASES = _cases()
_USERS, _FRACTION, _ = CASES["twelve people, a quarter"]


def not_boolean(answer: Answer) -> bool:
    return any(mask.dtype != bool for *_, mask in _splits(answer))


def nobody(answer: Answer) -> bool:
    return not all(mask.any() for *_, mask in _splits(answer))


def leaks(answer: Answer) -> bool:
    return any(np.isin(users[mask], users[~mask]).any() for users, _, mask in _splits(answer))


def inverted(answer: Answer) -> bool:
    return all(
        held_out < n and abs(held_out - (1 - fraction) * n) < 1 for held_out, n, fraction in _numbers_of_people(answer)
    )


def wrong_share(answer: Answer) -> bool:
    return any(abs(held_out - max(1.0, fraction * n)) >= 1 for held_out, n, fraction in _numbers_of_people(answer))


def always_first(answer: Answer) -> bool:
    """Whether the people are always the first or last by number, or the first to appear."""
    ids, first_window = np.unique(_USERS, return_index=True)
    orders = [ids, ids[::-1], _USERS[np.sort(first_window)]]
    chosen = [set(_USERS[mask]) for mask in _masks(answer)]
    return any(all(people == set(order[: len(people)]) for people in chosen) for order in orders)


def seed_ignored(answer: Answer) -> bool:
    first, *others = _masks(answer)
    return all(np.array_equal(first, other) for other in others)


def not_repeatable(answer: Answer) -> bool:
    return not all(map(np.array_equal, _masks(answer), _masks(answer)))


def _splits(answer: Answer) -> list[tuple[Array, float, Array]]:
    """Users, fraction and the answer's mask of each case."""
    return [
        (users, fraction, np.asarray(answer(users.copy(), fraction, seed))) for users, fraction, seed in CASES.values()
    ]


def _numbers_of_people(answer: Answer) -> list[tuple[int, int, float]]:
    """Of each case: people in validation, people in all, and the fraction asked for."""
    return [(len(np.unique(users[mask])), len(np.unique(users)), fraction) for users, fraction, mask in _splits(answer)]


def _masks(answer: Answer) -> list[Array]:
    """The answer's masks for the same users and different seeds."""
    return [np.asarray(answer(_USERS.copy(), _FRACTION, seed)) for seed in SEEDS]
