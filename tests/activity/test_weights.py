"""Weights go into Keras and out of it unchanged, and both predict the same."""

import numpy as np
import pytest

from pmt_helpers.activity.model import build_mlp
from pmt_helpers.activity.weights import Weights


@pytest.mark.parametrize("n_features", [1, 7, 43, 44])
def test_there_and_back_again_nothing_changes(n_features: int) -> None:
    model, other = build_mlp(n_features, 5, seed=1), build_mlp(n_features, 5, seed=2)
    Weights.from_model(model).to_model(other)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_predictions_are_those_of_keras() -> None:
    model = build_mlp(43, 6)
    X = np.random.default_rng(0).normal(size=(50, 43)).astype(np.float32)
    weights = Weights.from_model(model)
    guesses = np.asarray(model(X, training=False)).argmax(1)
    np.testing.assert_array_equal(weights.predict(weights.inputs(X)), guesses)
    assert len(np.unique(guesses)) > 1


@pytest.mark.parametrize(("init", "deviation"), [("he", (2 / 43) ** 0.5), ("literal", (43 / 2) ** 0.5)])
def test_random_weights_are_as_wide_as_those_of_the_keras_network(init: str, deviation: float) -> None:
    ours = Weights.initial(43, 6, init, np.random.default_rng(0))
    keras = Weights.from_model(build_mlp(43, 6, init=init))
    assert ours.hidden[:43].std() == pytest.approx(deviation, rel=0.05)
    assert ours.hidden[:43].std() == pytest.approx(keras.hidden[:43].std(), rel=0.05)
    assert ours.output.std() == pytest.approx(keras.output.std(), rel=0.1)
    assert not ours.hidden[43:].any()
    assert not ours.bias.any()


def test_the_input_of_the_bias_is_one_and_the_padding_zero() -> None:
    weights = Weights.initial(5, 3, "he", np.random.default_rng(0))
    inputs = weights.inputs(np.full((2, 5), 7.0))
    np.testing.assert_array_equal(inputs, [[7, 7, 7, 7, 7, 1, 0, 0]] * 2)


def test_other_widths_and_gaps_are_refused() -> None:
    weights = Weights.initial(5, 3, "he", np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"takes \(n_windows, 5\) features; got \(2, 4\)"):
        weights.inputs(np.zeros((2, 4)))
    with pytest.raises(ValueError, match="1 of 2 windows hold NaN or infinity"):
        weights.inputs(np.array([[0.0] * 5, [np.nan] * 5]))
    with pytest.raises(ValueError, match="he, literal"):
        Weights.initial(5, 3, "xavier", np.random.default_rng(0))
