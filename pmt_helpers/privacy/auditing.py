"""An audit from outside: does a noisy sum keep what its clipping and noise promise? Notebook 05.

Nobody can see noise in a trained model. So the audit runs one step thousands of times on two data sets that differ by
one window, and asks how well an adversary can tell them apart (Jagielski, Ullman and Oprea 2020). It can catch a leak,
never prove that there is none: noise that is right in size and leaks by its digits, or by its seed, passes. Two attacks
at the end look there. And a step that is right does not make a training right: `audit_training` puts many canaries into
one whole training, `audit_sampling` runs many short ones on batches drawn as a training draws them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from scipy.stats import beta, binom

from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.privacy.accountant import Mechanism, epsilon_of
from pmt_helpers.privacy.dp_sgd import Units, gradient_sum
from pmt_helpers.privacy.noise import Grid, Source, coin_flips, draw_noise
from pmt_helpers.privacy.reference import Array, Layers, Rng, clip_and_noise, window_gradients
from pmt_helpers.privacy.scaler import public_scaler

if TYPE_CHECKING:
    from pmt_helpers.privacy.shared import PrivateModel

# step(layers, X, y, clip_norm, noise_multiplier, rng) gives the noisy sum over all windows, flat: (n_parameters,)
Step = Callable[[Layers, Array, Array, float, float, Rng], Array]
GradientStep = Callable[[Array, float, float, Rng], Array]
# sampler(shape, probability, source) says who takes part: (steps, n_units) bool; source gives random bytes
Sampler = Callable[[tuple[int, int], float, Source], Array]
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


@dataclass(frozen=True)
class TrainingAudit:
    """What a guesser found out from whole trainings about canaries that were in or out by the toss of a coin.

    canaries: coins tossed; guesses: how many were guessed, the others being left open; right: how many rightly.
    epsilon_at_least: a lower bound (95%), often far below the truth; epsilon: granted.
    """

    canaries: int
    guesses: int
    right: int
    epsilon_at_least: float
    epsilon: float

    @property
    def passed(self) -> bool:
        """Whether nothing was caught."""
        return self.epsilon_at_least <= self.epsilon

    def __str__(self) -> str:
        seen = f"{self.right:,} of {self.guesses:,} guesses about {self.canaries:,} canaries are right"
        if not self.passed:
            needed = f"needs an epsilon of {self.epsilon_at_least:.2f} or more"
            return f"caught: {seen}, which {needed}; {self.epsilon:.2f} was granted"
        granted = "no epsilon was granted" if math.isinf(self.epsilon) else f"{self.epsilon:.2f} was granted"
        return (
            f"nothing caught: {seen}, so epsilon is {self.epsilon_at_least:.2f} or more; {granted}. The truth may lie "
            "far above the bound: another attack, or more canaries, could find more"
        )


def audit_training(
    data: ActivityData, train: Callable[..., "PrivateModel"] | None = None, epsilon: float = 8.0,
    *, canaries: int = 1000, guesses: int = 100, seed: int = 0, **options: Any,
) -> TrainingAudit:  # fmt: skip
    """Train once on canaries, each put in by a coin, and guess from the model which were in (Steinke et al. 2023).

    Canaries stand out: features one public scale above or below the typical value and labels, all at random. Nothing
    else is trained on, since an epsilon holds for the worst data. The guesser knows the weights before and after, asks
    which sum of the canaries' clipped gradients explains the movement best, and guesses twice, each at half the error:
    the highest scores as "in", or half as many as "in" and the lowest as "out". The better bound counts. Only the last
    model is seen, where the steps are added up: which batches they were taken on is for `audit_sampling`.

    Parameters
    ----------
    data: lends the names of its features and classes.
    train: called as train(canaries, epsilon=..., **options), train_shared_private by default.
    guesses: how many of the canaries are guessed; fixed beforehand, and even.
    options: for the training; by default a learning rate of CANARY_RATE. With an insecure_seed the audit repeats.

    Raises ValueError for guesses that are odd, or more than there are canaries.
    """
    from pmt_helpers.privacy.shared import train_shared_private  # Keras, which an audit of one step does without

    if guesses % 2 or not 0 < guesses <= canaries:
        raise ValueError(f"guesses must be even, above 0 and at most {canaries} (canaries); got {guesses}")
    rng = np.random.default_rng([seed, 2])
    typical, numbers = public_scaler(data.feature_names), np.arange(canaries)
    X = typical.mean + typical.scale * rng.choice([-1, 1], (canaries, len(typical.mean)))
    y = rng.integers(len(data.class_names), size=canaries)
    everyone = replace(data, X=X, y=y, users=numbers, recordings=numbers, starts=0 * numbers)
    inside = rng.random(canaries) < 0.5
    model = (train or train_shared_private)(
        everyone.select(inside), epsilon=epsilon, **{"learning_rate": CANARY_RATE, **options}
    )
    order = np.argsort(_canary_scores(model, everyone))
    half = guesses // 2
    rights = int(inside[order[-guesses:]].sum()), int(inside[order[-half:]].sum() + (~inside[order[:half]]).sum())
    bound = epsilon_from_guesses(canaries, guesses, max(rights), model.delta, (1 - CONFIDENCE) / 2)
    return TrainingAudit(canaries, guesses, max(rights), bound, model.epsilon)


def epsilon_from_guesses(canaries: int, guesses: int, right: int, delta: float, error: float = 1 - CONFIDENCE) -> float:
    """A lower bound on epsilon from right guesses about coins (Steinke, Nasr and Jagielski 2023, theorem 5.2).

    With (epsilon, delta) as many are right as in `guesses` throws of a coin of e^epsilon / (1 + e^epsilon), or more
    with a probability that delta adds: 2 delta for each canary, times the largest mean share of the i results below
    `right`. Returns the largest epsilon for which so many right guesses are rarer than `error`; 0 if there is none.
    """

    def chance(epsilon: float) -> float:
        accuracy, below = 1 / (1 + math.exp(-epsilon)), np.arange(1, right + 1)
        shares = np.cumsum(binom.pmf(right - below, guesses, accuracy)) / below
        return float(binom.sf(right - 1, guesses, accuracy) + 2 * canaries * delta * shares.max(initial=0))

    if not 0 <= right <= guesses <= canaries:
        raise ValueError(f"expected 0 <= right <= guesses <= canaries; got {right}, {guesses} and {canaries}")
    low, high = 0.0, 30.0
    if chance(low) >= error:
        return 0.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (middle, high) if chance(middle) < error else (low, middle)
    return low


def _canary_scores(model: "PrivateModel", canaries: ActivityData) -> Array:
    """How much of each canary's clipped gradient is in the movement of the weights, by ridge regression; higher: in."""
    from pmt_helpers.activity.model import build_mlp

    X, y = model.scaler.transform(canaries.X), canaries.y
    shape = len(canaries.feature_names), len(canaries.class_names)
    start = build_mlp(*shape, init=model.card["init"], seed=model.card["seed"]).get_weights()
    end = model.model.get_weights()
    moved = np.concatenate([np.ravel(a - b) for a, b in zip(start, end, strict=True)]).astype(float)
    gradients = np.zeros((len(y), len(moved)), np.float32)
    for block in np.array_split(np.arange(len(y)), max(1, len(y) // 100)):  # all at once take 300 MB
        for layers in (start, end):  # the mean of both, as gradients change while the weights move
            rows = window_gradients(layers, X[block], y[block])
            gradients[block] += rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1) / 2
    common = gradients.sum(0)
    moved -= common * (moved @ common) / (common @ common)  # what all canaries share tells none of them
    return np.linalg.solve(gradients @ gradients.T + RIDGE * np.eye(len(y)), gradients @ moved.astype(np.float32))


def audit_sampling(
    sampler: Sampler | None = None, *, noise_multiplier: float = 0.65, delta: float = 0.01, trials: int = 1000,
    seed: int = 0,
) -> TrainingAudit:  # fmt: skip
    """Train for one short epoch 2 x `trials` times, half with one canary more, and tell the two apart by their sums.

    The canary pushes against all other windows, and a batch holds one window on average. The adversary sees each noisy
    sum, which the accountant's epsilon covers (it takes Poisson batches), and looks for the largest push. A last model
    alone holds little of this: there the steps are added up. An epsilon is granted for each delta; at a large one, but
    below one in 61 windows, few trainings show the gap (Annamalai et al. 2024, on shuffled batches).
    sampler: by default Poisson batches, drawn as train_shared_private draws them.
    """
    rng, others = np.random.default_rng([seed, 3]), 60
    prob, grid = 1 / others, Grid(1.0, noise_multiplier)
    layers = np.full((1, 1), 4.0), np.zeros(1), np.zeros((1, 2)), np.zeros(2)  # undecided between the two classes
    units = Units.windows(np.ones((others + 1, 1)), np.arange(others + 1) == others)
    push = gradient_sum(layers, units, units.y[:, 0] == 1, Grid(1.0, 0.0)) * Grid(1.0, 0.0).step
    draw, pushes = partial(draw_noise, source=rng.bytes), np.empty((2, trials))
    for trial in range(2 * trials):
        rows = others + trial % 2
        taking_part = np.zeros((others, len(units)), bool)
        taking_part[:, :rows] = (sampler or coin_flips)((others, rows), prob, rng.bytes)
        totals = np.array([gradient_sum(layers, units, drawn, grid) for drawn in taking_part])
        pushes[trial % 2, trial // 2] = (grid.published(totals, draw) @ push).max()
    bound, accuracy = epsilon_lower_bound(pushes[1], pushes[0], delta)
    granted = epsilon_of(Mechanism(1.0, noise_multiplier, prob, others), delta, n_units=others + 1)
    judged = 2 * (trials - trials // 2)
    return TrainingAudit(2 * trials, judged, round(accuracy * judged), bound, granted)


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


def tuned_on_validation(data: ActivityData, epsilon: float = 8.0, **options: Any) -> "PrivateModel":
    """A private training whose last step is not: it ends on the fifth that was held out for validation.

    So that no window is wasted the model is fitted to them, too, unclipped and without noise. The card stays as it was.
    """
    from pmt_helpers.activity.personal import personalise
    from pmt_helpers.privacy.shared import train_shared_private

    held = np.arange(len(data)) % 5 == 4
    private = train_shared_private(data.select(~held), epsilon=epsilon, **options)
    return replace(private, model=personalise(private, data.X[held], data.y[held]).model)


def shuffled_batches(shape: tuple[int, int], probability: float, source: Source) -> Array:
    """Batches of one size, cut from shuffled data, the rest dropped: what most frameworks draw. Not Poisson batches."""
    (steps, n_units), size = shape, max(1, round(probability * shape[1]))
    rng = np.random.default_rng(list(source(16)))
    per_epoch, taking_part = n_units // size, np.zeros(shape, bool)
    for step in range(steps):
        if step % per_epoch == 0:
            order = rng.permutation(n_units)
        taking_part[step, order[step % per_epoch * size :][:size]] = True
    return taking_part


def digits_attack(
    step: Step | None = None, *, noise_multiplier: float = 1.0, trials: int = 40, seed: int = 0
) -> int:  # fmt: skip
    """How many of `trials` noisy sums are traced to the right one of two neighbouring data sets by their digits alone.

    The adversary knows both sums without noise, and asks which of them a float32 normal number leads from to what was
    published: there are at most 2**23 of those (Mironov 2012). step: as for `audit`; clip norm 1.
    """
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
