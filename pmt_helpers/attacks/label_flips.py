"""Four ways to tell a lie about a label, from careless to worst. Notebook 04, step 1."""

import numpy as np

LABEL_KINDS = ("random", "pair", "next_likely", "least_likely")
GUIDED = ("next_likely", "least_likely")  # these ask a model what to say
# Two activities that look alike, so that a swap of them is hard to see in the data.
PAIRS = {"wisdm": ("Walking", "Upstairs"), "watch": ("ABD", "FEL")}


def flip_labels(
    y: np.ndarray,
    kind: str,
    n_classes: int,
    rng: np.random.Generator,
    *,
    pair: tuple[int, int] | None = None,
    scores: np.ndarray | None = None,
) -> np.ndarray:
    """A false label for each window; (n_windows,) int64, `y` stays as it is.

    kind: "random" (any other class), "pair" (the two classes of `pair` change places, the rest stays true),
    "next_likely" (the likeliest class that is not the true one) or "least_likely" (the one that is farthest from what
    the window looks like). scores: (n_windows, n_classes), higher is likelier, for the last two.
    Raises ValueError when what a kind needs is not given.
    """
    y = np.asarray(y, np.int64)
    if kind == "random":
        return (y + rng.integers(1, n_classes, len(y))) % n_classes
    if kind == "pair":
        if pair is None:
            raise ValueError('kind "pair" needs the two classes that change places, such as pair=(0, 2)')
        first, second = pair
        return np.where(y == first, second, np.where(y == second, first, y))
    if kind not in GUIDED:
        raise ValueError(f"unknown kind of label flip {kind!r}; choose one of {', '.join(LABEL_KINDS)}")
    if scores is None or scores.shape != (len(y), n_classes):
        found = "none" if scores is None else scores.shape
        raise ValueError(f"kind {kind!r} needs scores of shape {(len(y), n_classes)}; got {found}")
    is_true = np.arange(n_classes) == y[:, None]
    if kind == "next_likely":
        return np.where(is_true, -np.inf, scores).argmax(1)
    return np.where(is_true, np.inf, scores).argmin(1)
