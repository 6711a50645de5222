"""The paper's neural network, 43-128-6, in Keras (section III-B). Notebook 01, step 3."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from sklearn.preprocessing import StandardScaler

from pmt_helpers import __version__
from pmt_helpers.activity.evaluation import confusion_counts, scores
from pmt_helpers.datasets.arrays import check_digest, digest, read_arrays, read_card, write_arrays, write_card
from pmt_helpers.datasets.errors import DataError


@dataclass(frozen=True)
class Preprocessor:
    """Brings each feature to mean 0 and deviation 1 and puts the mean where a value is missing.

    `mean` and `scale` are (n_features,) float32; they travel with the shared model, so they are part of what it tells
    about the volunteers.
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, X: np.ndarray) -> "Preprocessor":
        """Learn from (n_windows, n_features); NaN is ignored. Raises ValueError for a feature that is never there."""
        if len(X) == 0:
            raise ValueError("cannot learn a scale from zero windows")
        never = np.isnan(X).all(axis=0)
        if never.any():
            raise ValueError(f"feature columns {np.flatnonzero(never).tolist()} hold no value at all")
        scaler = StandardScaler().fit(np.asarray(X, np.float64))
        return cls(scaler.mean_.astype(np.float32), scaler.scale_.astype(np.float32))

    def transform(self, X: np.ndarray) -> np.ndarray:
        """(n_windows, n_features) to the same, float32, without NaN. Raises ValueError for another width, infinity."""
        X = np.asarray(X, np.float32)
        if X.ndim != 2 or X.shape[1] != len(self.mean):
            raise ValueError(f"this model takes (n_windows, {len(self.mean)}) features; got {X.shape}")
        if np.isinf(X).any():
            raise ValueError(f"{np.isinf(X).any(axis=1).sum()} of {len(X)} windows hold infinity; drop them first")
        return np.nan_to_num((X - self.mean) / self.scale, nan=0.0)


HIDDEN_UNITS = 128


L2_STRENGTH = 1e-5


INITS = ("he", "literal")


def build_mlp(
    n_features: int = 43,
    n_classes: int = 6,
    *,
    init: str = "he",
    dropout: float = 0.0,
    seed: int = 0,
) -> keras.Model:
    """One hidden layer of 128 ReLU units and a softmax over the classes; 6,406 parameters for 43 features, 6 classes.

    init: "he" draws weights with deviation sqrt(2/n) for n inputs; "literal" takes the paper's printed formula at its
    word, N(0, 1) divided by sqrt(2/n), a deviation of sqrt(n/2) (section III-A). Biases start at 0.
    Raises ValueError for an unknown init.
    """
    # the paper's penalty is half of lambda w^2, Keras' L2 is all of it
    penalty = keras.regularizers.L2(L2_STRENGTH / 2)
    layers: list[keras.Layer] = [
        keras.Input((n_features,), name="features"),
        keras.layers.Dense(
            HIDDEN_UNITS,
            activation="relu",
            kernel_initializer=_initializer(init, n_features, seed),
            kernel_regularizer=penalty,
            name="hidden",
        ),
    ]
    if dropout:
        layers.append(keras.layers.Dropout(dropout, seed=seed, name="dropout"))
    layers.append(
        keras.layers.Dense(
            n_classes,
            kernel_initializer=_initializer(init, HIDDEN_UNITS, seed + 1),
            kernel_regularizer=penalty,
            name="activity",
        )
    )
    layers.append(keras.layers.Softmax(name="probabilities"))
    return keras.Sequential(layers, name="mlp")


def initial_deviation(init: str, n_inputs: int) -> float:
    """Standard deviation of a layer's initial weights, for its number of inputs. Raises ValueError for the init."""
    if init not in INITS:
        raise ValueError(f"unknown init {init!r}; choose one of {', '.join(INITS)}")
    return math.sqrt(2 / n_inputs) if init == "he" else math.sqrt(n_inputs / 2)


def _initializer(init: str, n_inputs: int, seed: int) -> keras.initializers.Initializer:
    return keras.initializers.RandomNormal(stddev=initial_deviation(init, n_inputs), seed=seed)


_MODES = {"val_loss": "min", "val_accuracy": "max"}


def kept_epoch(history: pd.DataFrame, monitor: str = "val_loss") -> pd.Series:
    """The row of the epoch whose weights early stopping kept; the last one where nothing validated."""
    if monitor not in history:
        return history.iloc[-1]
    values = history[monitor]
    return history.iloc[int(values.argmin() if _MODES[monitor] == "min" else values.argmax())]


@dataclass(frozen=True)
class ActivityModel:
    """A trained network with the scaler it needs; takes raw features, NaN for missing.

    `history` has a row an epoch (epoch, loss, accuracy, val_loss, val_accuracy); `card` says how it was trained.
    """

    model: keras.Model
    scaler: Preprocessor
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    history: pd.DataFrame = field(default_factory=pd.DataFrame)
    card: dict[str, Any] = field(default_factory=dict)

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """(n_windows, n_features) raw features to (n_windows, n_classes) probabilities, float32."""
        return np.asarray(self.model(self.scaler.transform(X), training=False))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The likeliest class of each window; (n_windows,) int."""
        return self.predict_proba(X).argmax(1)

    def accuracy(self, X: np.ndarray, y: np.ndarray) -> float:
        """Share of windows predicted right."""
        return self.scores(X, y)["accuracy"]

    def scores(self, X: np.ndarray, y: np.ndarray) -> dict[str, float]:
        """Accuracy, macro recall and macro F1."""
        return scores(y, self.predict(X))

    @property
    def val_accuracy(self) -> float:
        """What validation promised: accuracy on the validation windows, at the epoch that was kept."""
        return float(kept_epoch(self.history, self.card["monitor"])["val_accuracy"])

    def confusion(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Windows of each true class (row) given each predicted class; (n_classes, n_classes) int."""
        return confusion_counts(y, self.predict(X), len(self.class_names))


FORMAT = "pmt-activity-model/1"


WEIGHTS = ("hidden_kernel", "hidden_bias", "activity_kernel", "activity_bias")


SCALER = ("scaler_mean", "scaler_scale")


def save_model(trained: ActivityModel, path: str | Path) -> Path:
    """Write `path`.npz (weights and scaler, float32) and `path`.json (classes, features, training, digest).

    Returns the path of the .npz. Each file appears whole or not at all.
    """
    npz = Path(path).with_suffix(".npz")
    arrays = dict(zip(WEIGHTS, trained.model.get_weights(), strict=True))
    arrays |= {"scaler_mean": trained.scaler.mean, "scaler_scale": trained.scaler.scale}
    write_arrays(npz, arrays)
    card = {
        "format": FORMAT,
        "pmt_helpers": __version__,
        "keras": keras.__version__,
        "class_names": list(trained.class_names),
        "feature_names": list(trained.feature_names),
        "training": trained.card,
        "digest": digest(arrays),
    }
    write_card(npz.with_suffix(".json"), card)
    return npz


def load_model(path: str | Path) -> ActivityModel:
    """Read a model written by save_model; without the training history, which does not travel.

    Raises DataError when a file is missing or damaged, when weights and card do not belong together, or when the
    shapes are not those of the network.
    """
    npz = Path(path).with_suffix(".npz")
    card = read_card(npz.with_suffix(".json"), FORMAT, {"class_names", "feature_names", "training", "digest"})
    arrays = read_arrays(npz, (*WEIGHTS, *SCALER), "a model's weights")
    check_digest(npz, arrays, card["digest"])
    n_features, n_classes = len(card["feature_names"]), len(card["class_names"])
    model = build_mlp(n_features, n_classes)
    expected = [tuple(w.shape) for w in model.get_weights()] + [(n_features,)] * 2
    shapes = [arrays[name].shape for name in (*WEIGHTS, *SCALER)]
    if shapes != expected:
        raise DataError(
            file=npz,
            expected=f"arrays of shapes {expected} for {n_features} features and {n_classes} classes",
            found=str(shapes),
            remedy="train and save the model again; this file is of another network",
        )
    model.set_weights([arrays[name] for name in WEIGHTS])
    scaler = Preprocessor(arrays["scaler_mean"], arrays["scaler_scale"])
    return ActivityModel(model, scaler, tuple(card["feature_names"]), tuple(card["class_names"]), card=card["training"])
