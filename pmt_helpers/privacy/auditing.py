"""An audit from outside: does a noisy sum keep what its clip and noise promise? Notebook 04, break it.

Nobody can see noise in a trained model. So the audit runs one step thousands of times on two data sets that differ by
one window, and asks how well a spy can tell them apart (Jagielski, Ullman and Oprea 2020). It can catch a leak, never
prove that there is none.
"""

from collections.abc import Callable
from dataclasses import dataclass

import jax
import numpy as np
from scipy.stats import beta

from pmt_helpers.privacy.accountant import Mechanism, epsilon_of
from pmt_helpers.privacy.dp_sgd import Units, noisy_sum
from pmt_helpers.privacy.reference import Layers, window_gradients

# step(layers, X, y, clip, noise_multiplier, rng) gives the noisy sum over all windows, flat: (n_parameters,)
Step = Callable[[Layers, np.ndarray, np.ndarray, float, float, np.random.Generator], np.ndarray]
GradientStep = Callable[[np.ndarray, float, float, np.random.Generator], np.ndarray]
SLACK = 1e-3  # of the clip, for single precision
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Audit:
    """What one step was seen to do, beside what it promises.

    sensitivity: the furthest that one more window moved the sum without noise, at most `clip` if clipping works.
    noise: measured standard deviation of a coordinate, in clips; promised: the noise multiplier.
    epsilon_at_least: a lower bound (95%) on the epsilon of one step, from how well the two data sets can be told
    apart; epsilon: what the accountant grants. adversary_accuracy: of a spy who sees one noisy sum, on even odds.
    """

    sensitivity: float
    clip: float
    noise: float
    promised: float
    epsilon_at_least: float
    epsilon: float
    adversary_accuracy: float
    trials: int

    @property
    def problems(self) -> tuple[str, ...]:
        """What does not hold, in sentences; empty when nothing was caught."""
        found = []
        if not self.sensitivity <= self.clip * (1 + SLACK):
            found.append(f"one window moves the sum by {self.sensitivity:.3g}, more than the clip {self.clip:g}")
        allowed = 5 / np.sqrt(2 * self.trials)  # five standard errors of a deviation
        if not abs(self.noise / self.promised - 1) <= allowed:
            found.append(f"the noise has deviation {self.noise:.3g} clips, not {self.promised:g}")
        if not self.epsilon_at_least <= self.epsilon:
            found.append(
                f"two neighbours are told apart as only an epsilon of {self.epsilon_at_least:.2f} or more allows; "
                f"{self.epsilon:.2f} was promised"
            )
        return tuple(found)

    @property
    def passed(self) -> bool:
        """Whether nothing was caught."""
        return not self.problems

    def __str__(self) -> str:
        if self.problems:
            return "caught: " + "; ".join(self.problems)
        return (
            f"nothing caught in {self.trials:,} runs: one window moves the sum by {self.sensitivity:.3g} (clip "
            f"{self.clip:g}), epsilon is at least {self.epsilon_at_least:.2f} (granted {self.epsilon:.2f})"
        )


def audit(
    step: Step | None = None,
    *,
    clip: float = 1.0,
    noise_multiplier: float = 1.0,
    delta: float = 1e-5,
    trials: int = 2000,
    seed: int = 0,
) -> Audit:
    """Run a noisy sum `trials` times on each of two neighbouring data sets, and look for what gives one window away.

    step: our own compiled one by default; `on_gradients` makes one of a function on per-window gradients. Everybody
    takes part (no sampling), on a network small enough to be done in a second or two.
    """
    step = step or compiled_step
    promise = epsilon_of(Mechanism(clip, noise_multiplier, 1.0, 1), delta)
    rng = np.random.default_rng([seed, 0])
    layers, X, y, canaries = _neighbours(rng)

    silent = {row: step(layers, *_with(X, y, canaries[row]), clip, 0.0, rng) for row in range(len(canaries))}
    without = step(layers, X, y, clip, 0.0, rng)
    moves = {row: float(np.linalg.norm(total - without)) for row, total in silent.items()}
    worst = max(moves, key=lambda row: moves[row])
    away = (silent[worst] - without) / max(moves[worst], 1e-12)

    ahead, noises = {}, []
    for inside, windows in ((False, (X, y)), (True, _with(X, y, canaries[worst]))):
        sums = np.array([step(layers, *windows, clip, noise_multiplier, rng) for _ in range(trials)])
        ahead[inside] = (sums - without) @ away
        noises.append(sums.std(0).mean() / clip)
    lower, accuracy = epsilon_lower_bound(ahead[True], ahead[False], delta)
    return Audit(moves[worst], clip, float(np.mean(noises)), noise_multiplier, lower, promise, accuracy, trials)


def epsilon_lower_bound(inside: np.ndarray, outside: np.ndarray, delta: float) -> tuple[float, float]:
    """A lower bound (95%) on epsilon, and a spy's accuracy, from a score of runs with and without a unit.

    Thresholds are chosen on the first half of the runs and judged on the second. A differentially private step has
    log((true positives - delta) / false positives) at most epsilon, at every threshold and from both sides.
    """
    half = len(inside) // 2
    found, accuracy = 0.0, 0.5
    for sign in (1, -1):
        learn_in, learn_out = np.sort(sign * inside[:half]), np.sort(sign * outside[:half])
        values = np.unique(np.concatenate([learn_in, learn_out]))
        thresholds = (values[:-1] + values[1:]) / 2 if len(values) > 1 else values
        caught = half - np.searchsorted(learn_in, thresholds, side="right")
        alarms = half - np.searchsorted(learn_out, thresholds, side="right")
        bounds = _bound(caught, alarms, half, delta)
        chosen = thresholds[int(np.argmax(bounds))]
        rest_in, rest_out = sign * inside[half:] > chosen, sign * outside[half:] > chosen
        bound = float(_bound(rest_in.sum(), rest_out.sum(), len(rest_in), delta))
        found = max(found, bound)
        even = thresholds[int(np.argmax(caught - alarms))]
        accuracy = max(
            accuracy, float(((sign * inside[half:] > even).mean() + (sign * outside[half:] <= even).mean()) / 2)
        )
    return found, accuracy


def _bound(caught: np.ndarray, alarms: np.ndarray, n: int, delta: float) -> np.ndarray:
    """Clopper and Pearson: the least true and the most false positives that the counts allow."""
    miss = (1 - CONFIDENCE) / 4  # two rates, from either side
    caught, alarms = np.asarray(caught, float), np.asarray(alarms, float)
    least = np.where(caught > 0, beta.ppf(miss, np.maximum(caught, 0.5), n - caught + 1), 0.0)
    most = np.where(alarms < n, beta.ppf(1 - miss, alarms + 1, np.maximum(n - alarms, 0.5)), 1.0)
    return np.log(np.maximum(least - delta, 1e-12) / most)


def on_gradients(function: GradientStep) -> Step:
    """A step for `audit` from a function like plain.clip_and_noise: (gradients, clip, noise_multiplier, rng)."""

    def step(
        layers: Layers, X: np.ndarray, y: np.ndarray, clip: float, noise_multiplier: float, rng: np.random.Generator
    ) -> np.ndarray:
        return np.asarray(function(window_gradients(layers, X, y), clip, noise_multiplier, rng))

    return step


def compiled_step(
    layers: Layers, X: np.ndarray, y: np.ndarray, clip: float, noise_multiplier: float, rng: np.random.Generator
) -> np.ndarray:
    """The step that train_shared_private takes, as one flat array."""
    units = Units.windows(X, y)
    total = noisy_sum(
        tuple(np.asarray(layer, np.float32) for layer in layers),  # type: ignore[arg-type]
        (units.X, units.y, units.weights),  # type: ignore[arg-type]
        np.ones(len(units), np.float32),  # type: ignore[arg-type]
        np.float32(clip),  # type: ignore[arg-type]
        np.float32(noise_multiplier),  # type: ignore[arg-type]
        jax.random.key(int(rng.integers(2**31))),
        by_window=True,
    )
    return np.concatenate([np.asarray(part, np.float64).ravel() for part in total])


def _neighbours(rng: np.random.Generator) -> tuple[Layers, np.ndarray, np.ndarray, list[tuple[np.ndarray, int]]]:
    """A small network, twenty windows, and windows of which each is one more: ordinary, huge, and against the rest."""
    n_features, n_hidden, n_classes = 5, 8, 3
    kernel, output = rng.normal(0, 0.6, (n_features, n_hidden)), rng.normal(0, 0.5, (n_hidden, n_classes))
    layers = kernel, np.full(n_hidden, 0.1), output, np.zeros(n_classes)
    X = rng.normal(0.5, 1, (20, n_features)).astype(np.float32)
    y = np.zeros(20, np.int64)
    canaries = [(X[0], 0), (X[0], 1), (X[0], 2)]
    canaries += [(np.float32(100) * X[row], label) for row in range(5) for label in range(n_classes)]
    return layers, X, y, canaries


def _with(X: np.ndarray, y: np.ndarray, canary: tuple[np.ndarray, int]) -> tuple[np.ndarray, np.ndarray]:
    return np.vstack([X, canary[0][None]]), np.append(y, canary[1])
