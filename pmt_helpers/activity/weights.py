"""The network's weights as plain arrays: what a device receives and trains on, without Keras. Notebook 02.

This module and `online` import neither Keras nor JAX: a small device that only retrains needs NumPy and Numba.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pmt_helpers.datasets.arrays import check_digest, read_arrays, read_card
from pmt_helpers.datasets.errors import DataError

if TYPE_CHECKING:
    import keras

HIDDEN_UNITS = 128
INITS = ("he", "literal")
INPUT_BLOCK = 4  # the training loop takes the inputs four at a time, so their number is rounded up to that

Windows = tuple[np.ndarray, np.ndarray]  # X (n_windows, n_features), y (n_windows,)


def initial_deviation(init: str, n_inputs: int) -> float:
    """Standard deviation of a layer's initial weights, for its number of inputs. Raises ValueError for the init."""
    if init not in INITS:
        raise ValueError(f"unknown init {init!r}; choose one of {', '.join(INITS)}")
    return math.sqrt(2 / n_inputs) if init == "he" else math.sqrt(n_inputs / 2)


@dataclass(frozen=True, eq=False)
class Weights:
    """All that a network has learnt, float32.

    hidden: (n_inputs, n_hidden), one row per input: the features, then one for the bias (its input is always 1), then
    rows of zeros up to a multiple of four. output: (n_classes, n_hidden). bias: (n_classes,), of the output layer.
    """

    hidden: np.ndarray
    output: np.ndarray
    bias: np.ndarray
    n_features: int

    @classmethod
    def from_layers(
        cls, hidden_kernel: np.ndarray, hidden_bias: np.ndarray, output_kernel: np.ndarray, output_bias: np.ndarray
    ) -> "Weights":
        """A copy of the four arrays of a Keras network with one hidden layer: its kernel and bias, the output's."""
        n_features, n_hidden = hidden_kernel.shape
        n_inputs = -(-(n_features + 1) // INPUT_BLOCK) * INPUT_BLOCK
        hidden = np.zeros((n_inputs, n_hidden), np.float32)
        hidden[:n_features], hidden[n_features] = hidden_kernel, hidden_bias
        return cls(
            hidden, np.ascontiguousarray(output_kernel.T, np.float32), np.asarray(output_bias, np.float32), n_features
        )

    @classmethod
    def from_model(cls, model: "keras.Model") -> "Weights":
        """A copy of the weights of a Keras network made by build_mlp."""
        return cls.from_layers(*model.get_weights())

    @classmethod
    def initial(
        cls, n_features: int, n_classes: int, init: str, rng: np.random.Generator, n_hidden: int = HIDDEN_UNITS
    ) -> "Weights":
        """Random weights to start from, as build_mlp draws them: normal, biases 0. Raises ValueError for the init."""
        hidden = rng.normal(0, initial_deviation(init, n_features), (n_features, n_hidden))
        output = rng.normal(0, initial_deviation(init, n_hidden), (n_hidden, n_classes))
        return cls.from_layers(hidden, np.zeros(n_hidden), output, np.zeros(n_classes))

    def to_model(self, model: "keras.Model") -> None:
        """Set the weights of a Keras network of the same shape."""
        n = self.n_features
        model.set_weights([self.hidden[:n], self.hidden[n], self.output.T, self.bias])

    def with_units(self, n_hidden: int) -> "Weights":
        """A copy with so many hidden units: the last ones are cut off, or some are added that no training reaches.

        An added unit has no weight in or out, so its gradient is zero.
        """
        hidden, output = self.hidden[:, :n_hidden], self.output[:, :n_hidden]
        if more := n_hidden - hidden.shape[1]:
            hidden, output = (np.pad(layer, ((0, 0), (0, more))) for layer in (hidden, output))
        hidden, output, bias = (np.array(layer, np.float32, order="C") for layer in (hidden, output, self.bias))
        return Weights(hidden, output, bias, self.n_features)

    def inputs(self, X: np.ndarray) -> np.ndarray:
        """Scaled features (n_windows, n_features) as the rows that `hidden` multiplies: 1 for the bias, then zeros.

        Raises ValueError for another number of features, and for NaN or infinity.
        """
        X = np.asarray(X, np.float32)
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise ValueError(f"X must be (n_windows, {self.n_features}) features for this network; got {X.shape}")
        finite = np.isfinite(X).all(axis=1)
        if not finite.all():
            raise ValueError(f"{(~finite).sum()} of {len(X)} windows hold NaN or infinity; scale or drop them first")
        inputs = np.zeros((len(X), len(self.hidden)), np.float32)
        inputs[:, : self.n_features], inputs[:, self.n_features] = X, 1
        return inputs

    def logits(self, inputs: np.ndarray) -> np.ndarray:
        """The network's output before the softmax; (n_windows, n_classes) float32."""
        return np.maximum(inputs @ self.hidden, 0) @ self.output.T + self.bias

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """The likeliest class of each row of `inputs`; (n_windows,) int."""
        return self.logits(inputs).argmax(1)


@dataclass(frozen=True)
class Preprocessor:
    """Scales each feature to mean 0 and deviation 1 and puts the mean where a value is missing.

    `mean` and `scale` are (n_features,) float32; they travel with the shared model, so they are part of what it tells
    about the volunteers.
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, X: np.ndarray) -> "Preprocessor":
        """Learn from (n_windows, n_features); NaN is ignored. Raises ValueError for a feature without any value."""
        from sklearn.preprocessing import StandardScaler  # 70 MB that a device which only retrains can do without

        if len(X) == 0:
            raise ValueError("cannot learn a scale from zero windows")
        missing = np.isnan(X).all(axis=0)
        if missing.any():
            raise ValueError(f"feature columns {np.flatnonzero(missing).tolist()} hold no value at all")
        scaler = StandardScaler().fit(np.asarray(X, np.float64))
        return cls(scaler.mean_.astype(np.float32), scaler.scale_.astype(np.float32))

    def transform(self, X: np.ndarray) -> np.ndarray:
        """(n_windows, n_features) to the same, float32, without NaN. Raises ValueError for another width, infinity."""
        X = np.asarray(X, np.float32)
        if X.ndim != 2 or X.shape[1] != len(self.mean):
            raise ValueError(f"X must be (n_windows, {len(self.mean)}) features for this model; got {X.shape}")
        if np.isinf(X).any():
            raise ValueError(f"{np.isinf(X).any(axis=1).sum()} of {len(X)} windows hold infinity; drop them first")
        return np.nan_to_num((X - self.mean) / self.scale, nan=0.0)


class ScaledModel(Protocol):
    """What of a model.ActivityModel a checkpoint copies."""

    @property
    def model(self) -> "keras.Model": ...
    @property
    def scaler(self) -> Preprocessor: ...


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What a device receives from the cloud: the shared weights, their scaler, and windows for rehearsal, if any.

    rehearsal: raw windows of volunteers, as mitigation.rehearsal_windows draws them.
    """

    weights: Weights
    scaler: Preprocessor
    rehearsal: Windows | None = None

    @classmethod
    def from_model(cls, model: "ScaledModel | Checkpoint") -> "Checkpoint":
        """Copies of a trained model's weights, and its scaler; a checkpoint as it is. Raises TypeError for others."""
        if isinstance(model, Checkpoint):
            return model
        if not (hasattr(model, "model") and hasattr(model, "scaler")):
            raise TypeError(f"expected a model with its weights and scaler; got {type(model).__name__}")
        return cls(Weights.from_model(model.model), model.scaler)

    def arrays(self) -> dict[str, np.ndarray]:
        """Weights and scaler under the names of ARRAYS, as files and releases hold them."""
        w, n = self.weights, self.weights.n_features
        layers = w.hidden[:n], w.hidden[n], w.output.T, w.bias, self.scaler.mean, self.scaler.scale
        return dict(zip(ARRAYS, layers, strict=True))

    def windows(self, X: np.ndarray) -> np.ndarray:
        """Raw features as the network's inputs."""
        return self.weights.inputs(self.scaler.transform(X))

    def logits(self, X: np.ndarray) -> np.ndarray:
        """The network's output before the softmax for raw windows; (n_windows, n_classes) float32."""
        return self.weights.logits(self.windows(X))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The likeliest class of each raw window; (n_windows,) int."""
        return self.logits(X).argmax(1)

    def rehearsal_batch(self, per_class: int) -> Windows | None:
        """The first windows of each class, as the network's inputs, and their labels; None for zero."""
        if per_class == 0:
            return None
        if self.rehearsal is None or np.bincount(self.rehearsal[1]).min() < per_class:
            raise ValueError(f"it rehearses {per_class} windows of each class, which the checkpoint does not hold")
        X, y = self.rehearsal
        rows = np.concatenate([np.flatnonzero(y == label)[:per_class] for label in np.unique(y)])
        return self.windows(X[rows]), y[rows]


FORMAT = "pmt-activity-model/1"
MOST_NAMES = 10_000  # of features or of classes
ARRAYS = ("hidden_kernel", "hidden_bias", "activity_kernel", "activity_bias", "scaler_mean", "scaler_scale")


def load_checkpoint(path: str | Path) -> tuple[Checkpoint, dict[str, Any]]:
    """Weights and scaler of a model written by model.save_model, and its card.

    Raises DataError for missing or damaged files, weights and card of two models, shapes of another network, names that
    come twice, and numbers that are not finite. The digest in the card proves that the two belong together, not whose
    they are: who can write one file can write both.
    """
    npz = Path(path).with_suffix(".npz")
    card = read_card(npz.with_suffix(".json"), FORMAT, {"class_names", "feature_names", "training", "digest"})
    arrays = read_arrays(npz, ARRAYS, "a model's weights")
    check_digest(npz, arrays, card["digest"])
    return checkpoint_of(arrays, card, npz), card


def checkpoint_of(arrays: Mapping[str, np.ndarray], card: Mapping[str, Any], npz: Path) -> Checkpoint:
    """Arrays that somebody else wrote, as a checkpoint. Raises DataError, naming `npz`, as load_checkpoint does."""
    names = [_names(card, key, npz.with_suffix(".json")) for key in ("feature_names", "class_names")]
    n_features, n_classes = map(len, names)
    n_hidden = arrays["hidden_bias"].size
    layers = [(n_features, n_hidden), (n_hidden,), (n_hidden, n_classes), (n_classes,)]
    shapes, expected = [arrays[name].shape for name in ARRAYS], [*layers, (n_features,), (n_features,)]
    remedy = "train and save the model again; this file is of another network"
    if shapes != expected:
        stated = f"arrays of shapes {expected} for {n_features} features and {n_classes} classes"
        raise DataError(file=npz, expected=stated, found=str(shapes)[:200], remedy=remedy)
    for name in ARRAYS:
        array = arrays[name]
        valid = array.dtype.kind == "f" and np.abs(array).max() <= np.finfo(np.float32).max
        if not valid or (name == "scaler_scale" and array.min() <= 0):
            above = " above 0" if name == "scaler_scale" else ""
            stated, found = f"{name} of finite decimal numbers{above}", f"others, of type {array.dtype}"
            raise DataError(file=npz, expected=stated, found=found, remedy="train and save the model again")
    *weights, mean, scale = (arrays[name] for name in ARRAYS)
    return Checkpoint(Weights.from_layers(*weights), Preprocessor(mean, scale))


def _names(card: Mapping[str, Any], key: str, file: Path) -> list[str]:
    """The names of features or classes, no two the same. Raises DataError."""
    names = card[key]
    if isinstance(names, list) and 0 < len(names) <= MOST_NAMES and all(isinstance(name, str) for name in names):
        if len(set(names)) == len(names):
            return names
        found = f"{len(names) - len(set(names))} repeated"
    else:
        found = f"{len(names):,} entries" if isinstance(names, list) else type(names).__name__
    expected = f"{key}: a list of 1 to {MOST_NAMES:,} names, all different"
    raise DataError(file=file, expected=expected, found=found, remedy="train and save the model again")
