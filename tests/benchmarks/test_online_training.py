"""The benchmark compares like with like: every engine that can start from our weights ends at the same ones."""

from types import ModuleType

import numpy as np
import pytest

from pmt_helpers.activity.weights import Weights


def test_every_engine_takes_the_same_steps(benchmark: ModuleType) -> None:
    rng = np.random.default_rng(0)
    problem = benchmark.Problem(
        Weights.initial(43, 6, "he", rng), rng.normal(size=(7, 43)).astype(np.float32), rng.integers(0, 6, 7)
    )
    expected = benchmark.plain_numpy(problem)(3)
    assert benchmark.largest_difference(problem.start, expected) > 1e-4
    peers = ("jax_scan", "keras_fit", "keras_fit_at_once", "keras_train_on_batch")
    for name in ("ours", *peers):
        run = getattr(benchmark, name)(problem)
        for _ in range(2):  # each turn begins at the start again
            assert benchmark.largest_difference(run(3), expected) < 1e-5, name


def test_a_step_costs_what_a_count_of_its_products_says(benchmark: ModuleType) -> None:
    """Every weight and bias is multiplied and added once to predict and once to change; those of the second layer,
    biases aside, once more to pass the error back."""
    count = 0
    for inputs, outputs, passes_back in ((43, 128, False), (128, 6, True)):
        for _ in range(outputs):
            count += 2 * 2 * (inputs + 1) + passes_back * 2 * inputs
    assert benchmark.flops_of_a_step(43, 128, 6) == count
    assert count == pytest.approx(27_000, rel=0.02)
    assert benchmark.bytes_of_a_step(43, 128, 6) == 2 * 4 * 6406
