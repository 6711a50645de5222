"""Audits of whole trainings: a step that is right does not make a training right. Notebook 05.

`audit_training` puts many canaries into one training, `audit_sampling` runs many short ones on batches drawn as a
training draws them. The two leaks at the end pass every audit of one step.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import binom

from pmt_helpers.datasets.base import ActivityData
from pmt_helpers.privacy.accountant import Mechanism, epsilon_of
from pmt_helpers.privacy.auditing import CONFIDENCE, epsilon_lower_bound
from pmt_helpers.privacy.dp_sgd import Units, gradient_sum
from pmt_helpers.privacy.noise import Grid, Source, coin_flips, draw_noise
from pmt_helpers.privacy.reference import Array, window_gradients
from pmt_helpers.privacy.scaler import public_scaler

if TYPE_CHECKING:
    from pmt_helpers.privacy.shared import PrivateModel

# sampler(shape, probability, source) says who takes part: (steps, n_units) bool; source gives random bytes
Sampler = Callable[[tuple[int, int], float, Source], Array]
CANARY_RATE = 0.01  # learning rate of an audited training: gradients then hardly change, and no epsilon counts it
RIDGE = 0.5  # in squared norms of a clipped gradient, chosen on other canaries than those of any test


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
    shape, end = (len(canaries.feature_names), len(canaries.class_names)), model.model.get_weights()
    options = {"init": model.card["init"], "seed": model.card["seed"], "hidden_units": len(end[1])}
    start = build_mlp(*shape, **options).get_weights()
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
