"""The network is the paper's: size, start, penalty."""

import keras
import numpy as np
import pytest

from pmt_helpers.activity.model import L2_STRENGTH, build_mlp


def test_it_has_the_papers_6406_parameters() -> None:
    assert build_mlp(43, 6).count_params() == 43 * 128 + 128 + 128 * 6 + 6 == 6406


@pytest.mark.parametrize(
    ("init", "deviation"), [("he", lambda n: (2 / n) ** 0.5), ("literal", lambda n: (n / 2) ** 0.5)]
)
def test_weights_start_as_wide_as_the_formula_says(init: str, deviation) -> None:
    hidden, bias, output, _ = build_mlp(43, 6, init=init).get_weights()
    assert hidden.std() == pytest.approx(deviation(43), rel=0.05)
    assert output.std() == pytest.approx(deviation(128), rel=0.1)
    assert (bias == 0).all()


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    first, again, other = (build_mlp(seed=seed).get_weights()[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_the_penalty_is_half_of_keras_l2_as_in_the_paper() -> None:
    model = build_mlp()
    squares = sum(float((w**2).sum()) for w in (model.get_weights()[0], model.get_weights()[2]))
    assert float(sum(model.losses)) == pytest.approx(L2_STRENGTH / 2 * squares, rel=1e-5)


def test_predictions_are_probabilities() -> None:
    p = np.asarray(build_mlp(43, 7, dropout=0.4)(np.random.default_rng(0).normal(size=(5, 43)), training=False))
    assert p.shape == (5, 7)
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-5)


def test_an_unknown_start_is_refused() -> None:
    with pytest.raises(ValueError, match="he, literal"):
        build_mlp(init="glorot")


def test_keras_runs_on_jax() -> None:
    assert keras.backend.backend() == "jax"
