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


def test_the_table_has_the_median_of_the_ratios_of_each_round(
    benchmark: ModuleType, capsys: pytest.CaptureFixture
) -> None:
    rounds = {benchmark.OURS: (30, 10, 20), "limit": (60, 30, 40), "slow": (3, 2, 10)}
    rates = {name: [benchmark.Rate(float(steps), 1.0) for steps in each] for name, each in rounds.items()}
    benchmark.print_rates(rates, {})
    rows = [line.rsplit(maxsplit=4) for line in capsys.readouterr().out.splitlines()[1:]]
    assert [(row[0], row[1], row[3]) for row in rows] == [
        ("limit", "60", "0.50"),
        (benchmark.OURS, "30", "1.00"),
        ("slow", "10", "5.00"),
    ]


def test_limits_take_turns_with_the_engines(benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, order = np.random.default_rng(0), []
    problem = benchmark.Problem(Weights.initial(3, 2, "he", rng), rng.normal(size=(4, 3)), rng.integers(0, 2, 4))
    monkeypatch.setattr(benchmark, "ENGINES", {"engine": (lambda _: order.append, 7)})
    limit = benchmark.Limit(lambda: order.append("limit"), 10.0)
    rates, _, absent = benchmark.measured(problem, {"limit": (limit, 2.0)})
    assert order == [20, *[7, "limit"] * benchmark.ROUNDS]
    assert {name: len(rounds) for name, rounds in rates.items()} == dict.fromkeys(("engine", "limit"), benchmark.ROUNDS)
    assert absent == []
