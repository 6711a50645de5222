"""The benchmark compares like with like: every engine takes the same steps from the same start."""

from types import ModuleType

import numpy as np


def test_every_engine_ends_at_the_same_weights(benchmark: ModuleType) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 43)).astype(np.float32), rng.integers(0, 6, 40).astype(np.int32)
    problem = benchmark.Problem((X, y), (X[:9], y[:9]), 6)
    engines, _ = benchmark.installed(benchmark.ENGINES, lambda make: make(problem))
    assert set(engines) >= {"ours, compiled", "keras.fit", "scikit-learn MLPClassifier"}
    start = problem.network().get_weights()
    expected = engines.pop("keras.fit")(5)
    assert np.abs(expected[0] - start[0]).max() > 1e-3
    for name, run in engines.items():
        for _ in range(2):  # each turn begins at the start again
            for layer, right in zip(run(5), expected, strict=True):
                np.testing.assert_allclose(layer, right, atol=1e-6, err_msg=name)
