"""Exercise `clip-and-noise` (notebook 04): the one step of DP-SGD that its guarantee rests on (Abadi et al. 2016)."""

from collections.abc import Callable

import numpy as np

from pmt_helpers.teaching.exercises.base import Answer, Exercise, Hints, Mistake

Array = np.ndarray


def private_mean(gradients: Array, clip: float, noise_multiplier: float, expected_batch: float, noise: Array) -> Array:
    """The noisy mean gradient, (d,): each example's is scaled to a norm of at most `clip` before it is added.

    gradients: (n, d), those drawn for this step, maybe none; noise: (d,) standard normal draws.
    """
    return _noisy(_clipped(gradients, clip).sum(axis=0), clip, noise_multiplier, noise) / expected_batch


def _clipped(gradients: Array, clip: float) -> Array:
    return _shrunk(gradients, np.linalg.norm(gradients, axis=1, keepdims=True), clip)


def _shrunk(gradients: Array, norms: Array, clip: float) -> Array:
    return gradients / np.maximum(norms / clip, 1.0)


def _noisy(total: Array, clip: float, noise_multiplier: float, noise: Array) -> Array:
    """The accountant's noise: its standard deviation is noise_multiplier times what one example can add, `clip`."""
    return total + noise_multiplier * clip * noise


def _sum_clipped(g: Array, clip: float, multiplier: float, batch: float, noise: Array) -> Array:
    total = _clipped(g.sum(axis=0, keepdims=True), clip)[0]
    return _noisy(total, clip, multiplier, noise) / batch


def _mean_clipped(g: Array, clip: float, multiplier: float, batch: float, noise: Array) -> Array:
    return _clipped(g.mean(axis=0, keepdims=True), clip)[0] + multiplier * clip * noise / batch


def _mean_clipped_noise_whole(g: Array, clip: float, multiplier: float, batch: float, noise: Array) -> Array:
    return _noisy(_clipped(g.mean(axis=0, keepdims=True), clip)[0], clip, multiplier, noise)


def _values_clipped(g: Array, clip: float, multiplier: float, batch: float, noise: Array) -> Array:
    return _noisy(np.clip(g, -clip, clip).sum(axis=0), clip, multiplier, noise) / batch


def _scaled_up(g: Array, clip: float, multiplier: float, batch: float, noise: Array) -> Array:
    unit = g / np.linalg.norm(g, axis=1, keepdims=True)
    return _noisy((clip * unit).sum(axis=0), clip, multiplier, noise) / batch


def _by_size(size: Callable[[Array], Array]) -> Answer:
    """Clipped by another size than the Euclidean length of an example's gradient."""

    def answer(g: Array, clip: float, multiplier: float, batch: float, noise: Array) -> Array:
        return _noisy(_shrunk(g, size(g), clip).sum(axis=0), clip, multiplier, noise) / batch

    return answer


def _not_clipped(g: Array, clip: float, multiplier: float, batch: float, noise: Array) -> Array:
    return _noisy(g.sum(axis=0), clip, multiplier, noise) / batch


def _thrown_out(g: Array, clip: float, multiplier: float, batch: float, noise: Array) -> Array:
    kept = g[np.linalg.norm(g, axis=1) <= clip]
    return _noisy(kept.sum(axis=0), clip, multiplier, noise) / batch


def _noise_without_clip(g: Array, clip: float, multiplier: float, batch: float, noise: Array) -> Array:
    return (_clipped(g, clip).sum(axis=0) + multiplier * noise) / batch


def _noise_without_multiplier(g: Array, clip: float, multiplier: float, batch: float, noise: Array) -> Array:
    return private_mean(g, clip, 1.0, batch, noise)


def _no_noise(g: Array, clip: float, multiplier: float, batch: float, noise: Array) -> Array:
    return private_mean(g, clip, 0.0, batch, noise)


def _noise_for_each(g: Array, clip: float, multiplier: float, batch: float, noise: Array) -> Array:
    return private_mean(g, clip, len(g) * multiplier, batch, noise)


def _noise_on_mean(g: Array, clip: float, multiplier: float, batch: float, noise: Array) -> Array:
    return private_mean(g, clip, batch * multiplier, batch, noise)


def _by_number(g: Array, clip: float, multiplier: float, batch: float, noise: Array) -> Array:
    return private_mean(g, clip, multiplier, len(g), noise)


def _sum(g: Array, clip: float, multiplier: float, batch: float, noise: Array) -> Array:
    return private_mean(g, clip, multiplier, 1.0, noise)


def _cases() -> dict[str, tuple[Array, float, float, float, Array]]:
    """Long and short gradients; as many as expected, more, fewer and none: each is drawn for itself."""
    rng = np.random.default_rng(41)

    def batch(n: int, d: int, length: float) -> Array:
        return rng.normal(size=(n, d)) * length * rng.uniform(0.2, 2.0, (n, 1)) / np.sqrt(d)

    hand = np.array([[3.0, -4.0, 0.0], [0.3, 0.4, 0.0], [0.0, 1.2, -1.6]])
    with_zero = batch(4, 3, 2.0)
    with_zero[1] = 0.0
    return {
        "three gradients by hand": (hand, 1.5, 0.8, 4.0, np.array([1.0, -0.5, 0.25])),
        "more than expected": (batch(9, 5, 2.0), 1.2, 1.1, 7.0, rng.normal(size=5)),
        "few of many weights": (batch(5, 40, 0.9), 0.7, 0.6, 6.5, rng.normal(size=40)),
        "one gradient is zero": (with_zero, 0.5, 2.0, 5.0, rng.normal(size=3)),
        "nobody drawn": (np.zeros((0, 3)), 2.0, 1.5, 4.0, rng.normal(size=3)),
    }


_BY_BATCH = (
    "this clips what the batch adds up to, not each example. One huge gradient then still turns the whole step "
    "its way: clip every row before you add."
)
_NORM = (
    "the rows are scaled, but not by their Euclidean length. Square the values of a row, add them up, take the square "
    "root: that is the length which the noise is made for."
)

CLIP_AND_NOISE = Exercise(
    id="clip-and-noise",
    notebook="04",
    title="Clip, add, blur",
    signature="private_mean(gradients, clip, noise_multiplier, expected_batch, noise)",
    right="your step agrees with ours. Whoever is added or left out moves the sum by at most clip, and the noise is "
    "noise_multiplier times that: all that the accountant asks.",
    hints=Hints(
        nudge="The accountant takes one thing for granted: by how much one example, however odd, can move the sum. "
        "What sees to that, and which of the five arguments may depend on who was drawn?",
        sketch="Take the Euclidean length of each row. A row longer than clip is divided by its length over clip, a "
        "shorter one stays as it is. Add the rows up. Add the noise once, times noise_multiplier times clip: so its "
        "standard deviation is noise_multiplier times the most that one row can add. At last divide by "
        "expected_batch: how many were drawn is itself about the people.",
        pointer="clip_and_noise in pmt_helpers/privacy/reference.py does all but the division, and draws its own noise.",
    ),
    cases=_cases(),
    reference=private_mean,
    mistakes=(
        Mistake("clipped by batch", _BY_BATCH, _sum_clipped),
        Mistake("mean clipped", _BY_BATCH, _mean_clipped),
        Mistake("mean clipped, noise on top", _BY_BATCH, _mean_clipped_noise_whole),
        Mistake(
            "not clipped",
            "no row is clipped, so one example can move the sum as far as it likes, and no noise covers that. Scale "
            "rows that are longer than clip.",
            _not_clipped,
        ),
        Mistake(
            "values clipped",
            "this clips each value. A row of many values within the limit is still far longer than clip: clip its "
            "length, by scaling the whole row, which keeps its direction as well.",
            _values_clipped,
        ),
        Mistake(
            "scaled up",
            "every row now has the length clip, the short ones too. A small gradient says that little is to be learnt: "
            "only shrink, never stretch.",
            _scaled_up,
        ),
        Mistake(
            "thrown out",
            "rows longer than clip are left out. That is private, but what is odd is never learnt: scale them to the "
            "length clip instead.",
            _thrown_out,
        ),
        Mistake("sum of absolute values", _NORM, _by_size(lambda g: np.abs(g).sum(axis=1, keepdims=True))),
        Mistake("no square root", _NORM, _by_size(lambda g: (g**2).sum(axis=1, keepdims=True))),
        Mistake(
            "columns",
            "this clips columns: a weight over all examples. What must be bounded is what one example says about all "
            "weights, a row: norms are over axis 1.",
            _by_size(lambda g: np.sqrt((g**2).sum(axis=0, keepdims=True))),
        ),
        Mistake(
            "noise left out",
            "there is no noise. Clipping bounds what one example can do; without noise it still shows, exactly.",
            _no_noise,
        ),
        Mistake(
            "noise without clip",
            "the noise does not grow with clip. One example can add a vector as long as clip: the noise is "
            "noise_multiplier times clip.",
            _noise_without_clip,
        ),
        Mistake(
            "noise_multiplier not used",
            "noise_multiplier does nothing. It says how many times larger the noise is than what one example can add, "
            "and epsilon is computed from it.",
            _noise_without_multiplier,
        ),
        Mistake(
            "noise for each",
            "every example gets noise of its own, so the sum has far more than the guarantee asks for, and none when "
            "nobody is drawn. Add it once, to the sum.",
            _noise_for_each,
        ),
        Mistake(
            "noise not divided",
            "the noise is added after the division, so it is as many times too large as the batch. Add it to the sum, "
            "then divide.",
            _noise_on_mean,
        ),
        Mistake(
            "actual number",
            "this divides by how many were drawn. That number depends on the people, so it tells of them, and is zero "
            "when nobody is drawn: divide by expected_batch.",
            _by_number,
        ),
        Mistake("sum", "this is the noisy sum. Divide it by expected_batch.", _sum),
    ),
)
