"""Exercise `grouped-validation` (notebook 01): put whole people aside, so that validation does not lie."""

import numpy as np

from pmt_helpers.teaching.exercises.base import Answer, Exercise, Hints, Mistake

SEEDS = range(8)


def _cases() -> dict[str, tuple[np.ndarray, float, int]]:
    rng = np.random.default_rng(4)
    windows = rng.integers(20, 60, 12)  # people differ in how many windows they have
    mixed = rng.permutation(np.repeat(np.arange(12) * 3 + 5, windows))
    return {
        "twelve people, a quarter": (mixed, 0.25, 0),
        "twelve people, a third": (mixed, 1 / 3, 1),
        "three people, a tenth": (np.repeat([7, 9, 30], 10), 0.1, 2),
    }


_CASES = _cases()


def grouped_split(users: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """True for the windows of the validation people: about `fraction` of all, at least one, drawn with `seed`."""
    people = np.unique(users)
    n_validation = max(1, round(fraction * len(people)))
    chosen = np.random.default_rng(seed).choice(people, n_validation, replace=False)
    return np.isin(users, chosen)


def _random_windows(users: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random(len(users)) < fraction


def _first_people(users: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    people = np.unique(users)
    return np.isin(users, people[: max(1, round(fraction * len(people)))])


def _counts(users: np.ndarray, mask: np.ndarray) -> tuple[int, int, int]:
    """People with windows in validation, on both sides, in all."""
    validation, training = set(users[mask]), set(users[~mask])
    return len(validation), len(validation & training), len(validation | training)


def _any_case(answer: Answer, wrong: "Answer") -> bool:
    return any(
        wrong(users, fraction, answer(users.copy(), fraction, seed)) for users, fraction, seed in _CASES.values()
    )


def _masks(answer: Answer) -> list[np.ndarray]:
    users, fraction, _ = _CASES["twelve people, a quarter"]
    return [np.asarray(answer(users.copy(), fraction, seed)) for seed in SEEDS]


def _not_boolean(answer: Answer) -> bool:
    return _any_case(answer, lambda users, fraction, mask: np.asarray(mask).dtype != bool)


def _leaks(answer: Answer) -> bool:
    return _any_case(answer, lambda users, fraction, mask: _counts(users, np.asarray(mask))[1] > 0)


def _inverted(answer: Answer) -> bool:
    def most(users: np.ndarray, fraction: float, mask: np.ndarray) -> bool:
        n_validation, _, n = _counts(users, np.asarray(mask))
        return n_validation < n and abs(n_validation - (1 - fraction) * n) < 1

    return all(most(u, f, answer(u.copy(), f, seed)) for u, f, seed in _CASES.values())


def _nobody(answer: Answer) -> bool:
    return _any_case(answer, lambda users, fraction, mask: not np.any(mask))


def _wrong_share(answer: Answer) -> bool:
    def wrong(users: np.ndarray, fraction: float, mask: np.ndarray) -> bool:
        n_validation, _, n = _counts(users, np.asarray(mask))
        return abs(n_validation - max(1.0, fraction * n)) >= 1

    return _any_case(answer, wrong)


def _always_first(answer: Answer) -> bool:
    users, _, _ = _CASES["twelve people, a quarter"]
    in_order = [np.unique(users), np.unique(users)[::-1], users[np.sort(np.unique(users, return_index=True)[1])]]
    masks = _masks(answer)
    return any(all(set(users[m]) == set(order[: len(set(users[m]))]) for m in masks) for order in in_order)


def _seed_ignored(answer: Answer) -> bool:
    first, *others = _masks(answer)
    return all(np.array_equal(first, other) for other in others)


def _not_repeatable(answer: Answer) -> bool:
    return any(not np.array_equal(a, b) for a, b in zip(_masks(answer), _masks(answer), strict=True))


GROUPED_VALIDATION = Exercise(
    id="grouped-validation",
    notebook="01",
    title="A validation set of people never trained on",
    signature="grouped_split(users, fraction, seed)",
    right="nobody is on both sides, the share of people is right, and the seed decides who. This split tells you what "
    "to expect for a stranger.",
    hints=Hints(
        nudge="What should be drawn at random here: windows, or people?",
        sketch="List each person once; work out how many to put aside (rounded, one at least); draw that many of them "
        "without replacement with a generator made from the seed; then mark every window that belongs to one of them.",
        pointer="The package's own version is in pmt_helpers/activity/splits.py; scikit-learn's GroupShuffleSplit "
        "does the same.",
    ),
    cases=_CASES,
    reference=grouped_split,
    judged_by_symptoms=True,
    mistakes=(
        Mistake(
            "not a mask",
            "return a boolean mask: True or False for every window, True for validation.",
            lambda users, fraction, seed: grouped_split(users, fraction, seed).astype(int),
            _not_boolean,
        ),
        Mistake(
            "nobody",
            "with few people nobody is left for validation. Put aside one person at least.",
            lambda users, fraction, seed: np.isin(
                users,
                np.random.default_rng(seed).choice(np.unique(users), int(fraction * len(np.unique(users))), False),
            ),
            _nobody,
        ),
        Mistake(
            "leak",
            "this leaks: some people have windows on both sides, so the network is tested on people that it already "
            "knows. Draw people, not windows.",
            _random_windows,
            _leaks,
        ),
        Mistake(
            "inverted",
            "the two sides are swapped: most people are in validation. True should mark the few that are put aside.",
            lambda users, fraction, seed: ~grouped_split(users, fraction, seed),
            _inverted,
        ),
        Mistake(
            "share",
            "nobody is split, but the number of people put aside is off. It should be the fraction times the number of "
            "people, rounded, and one at least.",
            lambda users, fraction, seed: grouped_split(users, fraction / 2, seed),
            _wrong_share,
        ),
        Mistake(
            "always the first",
            "it is always the same people at the head or the tail of the list. Draw them at random, in case the order "
            "of the list means something.",
            _first_people,
            _always_first,
        ),
        Mistake(
            "seed ignored",
            "different seeds put the same people aside. Make the random generator from the seed that comes in.",
            lambda users, fraction, seed: grouped_split(users, fraction, 42),
            _seed_ignored,
        ),
        Mistake(
            "not repeatable",
            "the same seed gives other people every time. Make the generator from the seed, inside of the function.",
            lambda users, fraction, seed: grouped_split(users, fraction, int(np.random.default_rng().integers(2**30))),
            _not_repeatable,
        ),
    ),
)
