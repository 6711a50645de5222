"""An audit from outside: does a noisy sum keep what its clipping and noise promise? Notebook 05.

Nobody can see noise in a trained model. So the audit runs one step thousands of times on two data sets that differ by
one window, and asks how well an adversary can tell them apart (Jagielski, Ullman and Oprea 2020). It can catch a leak,
never prove that there is none: noise that is right in size and leaks by its digits, or by its seed, passes. Two attacks
at the end look there. A step that is right does not make a training right: see `training_audits`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from scipy.stats import beta

from pmt_helpers.privacy.accountant import Mechanism, epsilon_of
from pmt_helpers.privacy.dp_sgd import Units, gradient_sum
from pmt_helpers.privacy.noise import Grid, draw_noise
from pmt_helpers.privacy.reference import Array, Layers, Rng, clip_and_noise, window_gradients

if TYPE_CHECKING:
    pass

# step(layers, X, y, clip_norm, noise_multiplier, rng) gives the noisy sum over all windows, flat: (n_parameters,)
Step = Callable[[Layers, Array, Array, float, float, Rng], Array]
GradientStep = Callable[[Array, float, float, Rng], Array]
Data = TypeVar("Data")
SLACK = 1e-9  # of the clip norm, for steps that round
CONFIDENCE = 0.95
CANARY_RATE = 0.01  # learning rate of an audited training: gradients then hardly change, and no epsilon counts it
RIDGE = 0.5  # in squared norms of a clipped gradient, chosen on other canaries than those of any test


@dataclass(frozen=True)
class Audit:
    """What one step was seen to do, beside what it promises.

    sensitivity: the furthest that one more window moved the sum without noise, at most clip_norm if clipping works.
    measured_noise: standard deviation of a coordinate, in clip norms; promised: noise_multiplier.
    epsilon_at_least: a lower bound (95%) on the epsilon of one step, see `epsilon_lower_bound`; promised: epsilon.
    adversary_accuracy: of an adversary who sees one noisy sum, on even odds.
    """

    sensitivity: float
    clip_norm: float
    measured_noise: float
    noise_multiplier: float
    epsilon_at_least: float
    epsilon: float
    adversary_accuracy: float
    trials: int

    @property
    def problems(self) -> tuple[str, ...]:
        """What does not hold, in sentences; empty when nothing was caught."""
        problems = []
        if not self.sensitivity <= self.clip_norm * (1 + SLACK):
            moved = f"one window moves the sum by {self.sensitivity:.3g}"
            problems.append(f"{moved}, more than the clip {self.clip_norm:g}")
        allowed = 5 / np.sqrt(2 * self.trials)  # five standard errors of a deviation
        if not abs(self.measured_noise / self.noise_multiplier - 1) <= allowed:
            problems.append(
                f"the noise has standard deviation {self.measured_noise:.3g} clips, not {self.noise_multiplier:g}"
            )
        if not self.epsilon_at_least <= self.epsilon:
            problems.append(
                f"two neighbours can be distinguished, which needs an epsilon of {self.epsilon_at_least:.2f} or more; "
                f"{self.epsilon:.2f} was promised"
            )
        return tuple(problems)

    @property
    def passed(self) -> bool:
        """Whether nothing was caught."""
        return not self.problems

    def __str__(self) -> str:
        """The verdict; without epsilon_at_least, which jumps with the last bit of the noise where nothing is wrong."""
        if self.problems:
            return "caught: " + "; ".join(self.problems)
        return (
            f"nothing caught in {self.trials:,} runs: one window moves the sum by {self.sensitivity:.3g} (clip "
            f"{self.clip_norm:g}), and two neighbours are distinguished no better than an epsilon of "
            f"{self.epsilon:.2f} allows"
        )


def audit(
    step: Step | None = None,
    *, clip_norm: float = 1.0, noise_multiplier: float = 1.0, delta: float = 1e-5, trials: int = 2000, seed: int = 0,
) -> Audit:  # fmt: skip
    """Run a noisy sum `trials` times on each of two neighbouring data sets, and look for what gives one window away.

    step: our own compiled one by default; `on_gradients` makes one of a function on per-window gradients. Everybody
    takes part (no sampling), on a network small enough to be done in a second or two.
    """
    step = step or compiled_step
    rng = np.random.default_rng([seed, 0])
    layers, X, y, canaries = _neighbours(rng)
    epsilon = epsilon_of(Mechanism(clip_norm, noise_multiplier, 1.0, 1), delta, n_units=len(y) + 1)

    with_canary = [(np.vstack([X, window[None]]), np.append(y, label)) for window, label in canaries]
    silent = [step(layers, *windows, clip_norm, 0.0, rng) for windows in with_canary]
    without = step(layers, X, y, clip_norm, 0.0, rng)
    moves = [float(np.linalg.norm(total - without)) for total in silent]
    worst = int(np.argmax(moves))
    direction = (silent[worst] - without) / max(moves[worst], 1e-12)

    scores, deviations = [], []
    for windows in ((X, y), with_canary[worst]):
        sums = np.array([step(layers, *windows, clip_norm, noise_multiplier, rng) for _ in range(trials)])
        scores.append((sums - without) @ direction)
        deviations.append(sums.std(0).mean() / clip_norm)
    outside, inside = scores
    lower, accuracy = epsilon_lower_bound(inside, outside, delta)
    measured_noise = float(np.mean(deviations))
    return Audit(moves[worst], clip_norm, measured_noise, noise_multiplier, lower, epsilon, accuracy, trials)


def epsilon_lower_bound(inside: np.ndarray, outside: np.ndarray, delta: float) -> tuple[float, float]:
    """A lower bound (95%) on epsilon, and an adversary's accuracy, from a score of runs with and without a unit.

    A differentially private step has log((true positives - delta) / false positives) at most epsilon, at every
    threshold and from both sides. Thresholds are chosen on the first half of the runs and judged on the second. The
    bound is the larger of the two sides, which its confidence level allows for; the side on which the adversary's
    accuracy is taken is chosen on the first half, too, so that the accuracy is not biased upwards.
    """
    half = len(inside) // 2
    bound, accuracy, best_advantage = 0.0, 0.5, -1
    for sign in (1, -1):
        learn_in, learn_out = np.sort(sign * inside[:half]), np.sort(sign * outside[:half])
        values = np.unique(np.concatenate([learn_in, learn_out]))
        thresholds = (values[:-1] + values[1:]) / 2 if len(values) > 1 else values
        hits = half - np.searchsorted(learn_in, thresholds, side="right")
        false_alarms = half - np.searchsorted(learn_out, thresholds, side="right")
        judge_in, judge_out = sign * inside[half:], sign * outside[half:]
        chosen = thresholds[int(np.argmax(_log_ratio(hits, false_alarms, half, delta)))]
        judged = _log_ratio((judge_in > chosen).sum(), (judge_out > chosen).sum(), len(judge_in), delta)
        bound = max(bound, float(judged))
        advantages = hits - false_alarms
        if advantages.max() > best_advantage:
            best_advantage = int(advantages.max())
            even = thresholds[int(np.argmax(advantages))]
            accuracy = float(((judge_in > even).mean() + (judge_out <= even).mean()) / 2)
    return bound, accuracy


def _log_ratio(hits: np.ndarray, false_alarms: np.ndarray, n: int, delta: float) -> np.ndarray:
    """log((TPR - delta) / FPR) for the least TPR and the most FPR that the counts allow (Clopper and Pearson)."""
    miss = (1 - CONFIDENCE) / 4  # two rates, from either side
    hits, false_alarms = np.asarray(hits, float), np.asarray(false_alarms, float)
    least = np.where(hits > 0, beta.ppf(miss, np.maximum(hits, 0.5), n - hits + 1), 0.0)
    most = np.where(false_alarms < n, beta.ppf(1 - miss, false_alarms + 1, np.maximum(n - false_alarms, 0.5)), 1.0)
    return np.log(np.maximum(least - delta, 1e-12) / most)


def on_gradients(function: GradientStep) -> Step:
    """A step for `audit` from a function that takes what reference.clip_and_noise takes."""

    def step(layers: Layers, X: Array, y: Array, clip_norm: float, noise_multiplier: float, rng: Rng) -> Array:
        return np.asarray(function(window_gradients(layers, X, y), clip_norm, noise_multiplier, rng))

    return step


def compiled_step(layers: Layers, X: Array, y: Array, clip_norm: float, noise_multiplier: float, rng: Rng) -> Array:
    """The step that train_shared_private takes; its noise is made of the bytes of `rng`, so that an audit repeats."""
    grid = Grid(clip_norm, clip_norm * noise_multiplier)
    total = gradient_sum(layers, Units.windows(X, y), np.ones(len(y), bool), grid)
    return grid.published(total, partial(draw_noise, source=rng.bytes))


def _neighbours(rng: Rng) -> tuple[Layers, Array, Array, list[tuple[Array, int]]]:
    """A small network, twenty windows, and canaries, one of which is added: ordinary, huge, and against the rest."""
    n_features, n_hidden, n_classes = 5, 8, 3
    kernel, output = rng.normal(0, 0.6, (n_features, n_hidden)), rng.normal(0, 0.5, (n_hidden, n_classes))
    layers = kernel, np.full(n_hidden, 0.1), output, np.zeros(n_classes)
    X = rng.normal(0.5, 1, (20, n_features)).astype(np.float32)
    y = np.zeros(20, np.int64)
    canaries = [(X[0], 0), (X[0], 1), (X[0], 2)]
    canaries += [(np.float32(100) * X[row], label) for row in range(5) for label in range(n_classes)]
    return layers, X, y, canaries


def single_precision_noise(gradients: Array, clip_norm: float, noise_multiplier: float, rng: Rng) -> Array:
    """The step as most frameworks take it: right in size, and passed by `audit`, but in 32-bit floating point."""
    import jax

    total = clip_and_noise(gradients, clip_norm, 0.0, rng).astype(np.float32)
    noise = np.asarray(jax.random.normal(jax.random.key(int(rng.integers(2**31))), total.shape))
    return total + np.float32(noise_multiplier * clip_norm) * noise


def digits_attack(
    step: Step | None = None, *, noise_multiplier: float = 1.0, trials: int = 40, seed: int = 0
) -> int:  # fmt: skip
    """How many of `trials` noisy sums are traced to the right one of two neighbouring data sets by their digits alone.

    The adversary knows both sums without noise, and asks which of them a float32 normal number leads from to what was
    published: there are at most 2**23 of those (Mironov 2012). step: as for `audit`; clip norm 1.
    """
    if not noise_multiplier > 0:
        raise ValueError(f"noise_multiplier must be above 0, or there are no digits to attack; got {noise_multiplier}")
    step = step or compiled_step
    rng = np.random.default_rng([seed, 1])
    layers, X, y, canaries = _neighbours(rng)
    data_sets = (X, y), (np.vstack([X, canaries[-1][0][None]]), np.append(y, canaries[-1][1]))
    sums = [step(layers, *data, 1.0, 0.0, rng).astype(np.float32) for data in data_sets]
    normals, right = _float32_normals(), 0
    for truth in rng.integers(2, size=trials):
        published = step(layers, *data_sets[truth], 1.0, noise_multiplier, rng).astype(np.float32)
        shares = [_reachable(published, total, np.float32(noise_multiplier), normals).mean() for total in sums]
        right += int(np.argmax(shares) == truth)
    return right


def _reachable(published: Array, total: Array, scale: np.float32, normals: Array) -> Array:
    """Whether total + scale * z is what was published, for one of the `normals` z around it."""
    nearest = np.searchsorted(normals, ((published.astype(float) - total) / scale).astype(np.float32))
    around = normals[np.clip(nearest[:, None] + np.arange(-4, 5), 0, len(normals) - 1)]
    return (total[:, None] + scale * around == published[:, None]).any(1)


def _float32_normals() -> Array:
    """All values that jax.random.normal can have: it turns 23 random bits into a uniform, and that into a normal."""
    import jax

    lowest, one = np.nextafter(np.float32(-1), np.float32(0)), np.float32(1)
    normals = np.empty(2**23, np.float32)
    for bits in np.split(np.arange(2**23, dtype=np.uint32), 64):  # in blocks, which need less memory
        uniform = (bits | one.view(np.uint32)).view(np.float32) - one
        inverse = np.asarray(jax.lax.erf_inv(np.maximum(lowest, uniform * 2 + lowest)))
        normals[bits] = np.sqrt(np.float32(2)) * inverse
    normals.sort()
    return normals


def replay_attack(release: Callable[[Data], Array], candidates: Sequence[Data], published: Array) -> int:
    """Which of the candidates was behind what was published, to somebody who can release each of them again.

    With a seed that is known the right one gives the very same numbers; with secret noise the nearest says little.
    """
    return int(np.argmin([np.linalg.norm(release(data) - published) for data in candidates]))
