"""The network's weights as plain arrays, laid out for training at home without Keras. Notebook 02, step 2."""

from dataclasses import dataclass

import keras
import numpy as np

from pmt_helpers.activity.model import HIDDEN_UNITS, Preprocessor, initial_deviation

ROWS_AT_ONCE = 4  # the training loop takes the inputs four at a time, so their number is rounded up to that


@dataclass(frozen=True, eq=False)
class Weights:
    """All that a network has learnt, float32.

    hidden: (n_inputs, 128), a row an input: the features, then one for the bias (its input is always 1), then rows
    of zeros up to a multiple of four. output: (n_classes, 128). bias: (n_classes,), of the output layer.
    """

    hidden: np.ndarray
    output: np.ndarray
    bias: np.ndarray
    n_features: int

    @classmethod
    def of(cls, model: keras.Model) -> "Weights":
        """A copy of the weights of a Keras network made by build_mlp."""
        hidden_kernel, hidden_bias, output_kernel, output_bias = model.get_weights()
        return cls._laid_out(hidden_kernel, hidden_bias, output_kernel, output_bias)

    @classmethod
    def initial(cls, n_features: int, n_classes: int, init: str, rng: np.random.Generator) -> "Weights":
        """Random weights to start from, as build_mlp draws them: normal, biases 0. Raises ValueError for the init."""
        hidden = rng.normal(0, initial_deviation(init, n_features), (n_features, HIDDEN_UNITS))
        output = rng.normal(0, initial_deviation(init, HIDDEN_UNITS), (HIDDEN_UNITS, n_classes))
        return cls._laid_out(hidden, np.zeros(HIDDEN_UNITS), output, np.zeros(n_classes))

    @classmethod
    def _laid_out(
        cls, hidden_kernel: np.ndarray, hidden_bias: np.ndarray, output: np.ndarray, bias: np.ndarray
    ) -> "Weights":
        n_features = len(hidden_kernel)
        hidden = np.zeros((_rounded_up(n_features + 1), hidden_kernel.shape[1]), np.float32)
        hidden[:n_features], hidden[n_features] = hidden_kernel, hidden_bias
        return cls(hidden, np.ascontiguousarray(output.T, np.float32), np.asarray(bias, np.float32), n_features)

    def put_into(self, model: keras.Model) -> None:
        """Set the weights of a Keras network of the same shape."""
        n = self.n_features
        model.set_weights([self.hidden[:n], self.hidden[n], self.output.T, self.bias])

    def copy(self) -> "Weights":
        """Arrays of its own, which training may change."""
        return Weights(self.hidden.copy(), self.output.copy(), self.bias.copy(), self.n_features)

    def inputs(self, X: np.ndarray) -> np.ndarray:
        """Scaled features (n_windows, n_features) as the rows that `hidden` multiplies: 1 for the bias, then zeros.

        Raises ValueError for another number of features, and for NaN or infinity.
        """
        X = np.asarray(X, np.float32)
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise ValueError(f"this network takes (n_windows, {self.n_features}) features; got {X.shape}")
        bad = ~np.isfinite(X).all(axis=1)
        if bad.any():
            raise ValueError(f"{bad.sum()} of {len(X)} windows hold NaN or infinity; scale or drop them first")
        inputs = np.zeros((len(X), len(self.hidden)), np.float32)
        inputs[:, : self.n_features], inputs[:, self.n_features] = X, 1
        return inputs

    def scores(self, inputs: np.ndarray) -> np.ndarray:
        """What the softmax would take, higher is likelier; (n_windows, n_classes) float32."""
        return np.maximum(inputs @ self.hidden, 0) @ self.output.T + self.bias

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """The likeliest class of each row of `inputs`; (n_windows,) int."""
        return self.scores(inputs).argmax(1)


def _rounded_up(n_rows: int) -> int:
    return -(-n_rows // ROWS_AT_ONCE) * ROWS_AT_ONCE


Windows = tuple[np.ndarray, np.ndarray]  # X (n_windows, n_features), y (n_windows,)


@dataclass(frozen=True, eq=False)
class Download:
    """What a device gets from the cloud: the shared weights, their scaler, and windows to rehearse if a cure needs any.

    rehearsal: raw windows of volunteers, as forgetting.rehearsal_windows draws them.
    """

    weights: Weights
    scaler: Preprocessor
    rehearsal: Windows | None = None

    def windows(self, X: np.ndarray) -> np.ndarray:
        """Raw features as the network's inputs."""
        return self.weights.inputs(self.scaler.transform(X))

    def logits(self, X: np.ndarray) -> np.ndarray:
        """What the softmax takes for each raw window; (n_windows, n_classes) float32."""
        return self.weights.scores(self.windows(X))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The likeliest class of each raw window; (n_windows,) int."""
        return self.logits(X).argmax(1)

    def rehearsed(self, per_class: int) -> Windows | None:
        """The first windows of each class, as the network's inputs, and their labels; None for zero."""
        if per_class == 0:
            return None
        if self.rehearsal is None or np.bincount(self.rehearsal[1]).min() < per_class:
            raise ValueError(f"a cure rehearses {per_class} windows of each class, which the download does not hold")
        X, y = self.rehearsal
        rows = np.concatenate([np.flatnonzero(y == label)[:per_class] for label in np.unique(y)])
        return self.windows(X[rows]), y[rows]
