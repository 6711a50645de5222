"""The paper's neural network, 43-128-6, in Keras (section III-B). Notebook 01."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pmt_helpers import __version__
from pmt_helpers.activity.evaluation import confusion_counts, scores
from pmt_helpers.activity.weights import ARRAYS, FORMAT, HIDDEN_UNITS, Preprocessor, initial_deviation, load_checkpoint
from pmt_helpers.datasets.arrays import digest, write_arrays, write_card
from pmt_helpers.datasets.doors import check_fields

if TYPE_CHECKING:
    import keras

L2_STRENGTH = 1e-5
MONITORS = {"val_loss": "min", "val_accuracy": "max"}  # what early stopping may watch, and which way is better


@dataclass(frozen=True)
class Recipe:
    """How the cloud trains a shared model; `batch_size` None means the full batch."""

    optimizer: str
    learning_rate: float
    batch_size: int | None
    epochs: int
    patience: int  # of the cloud's early stopping, in epochs; at home it is online.PATIENCE
    dropout: float
    validation: str  # "random" windows or "grouped" by user
    monitor: str = "val_loss"  # what early stopping watches, or "val_accuracy"
    refit: bool = False  # once validation has chosen the number of epochs, train that long on everybody

    def __post_init__(self) -> None:
        check_fields(self)
        for name, known in (
            ("optimizer", ("sgd", "adam")),
            ("monitor", MONITORS),
            ("validation", ("random", "grouped")),
        ):
            if getattr(self, name) not in known:
                raise ValueError(f"unknown {name} {getattr(self, name)!r}; choose one of {', '.join(known)}")


def build_mlp(
    n_features: int = 43, n_classes: int = 6,
    *, init: str = "he", dropout: float = 0.0, seed: int = 0, hidden_units: int = HIDDEN_UNITS,
) -> "keras.Model":  # fmt: skip
    """One hidden layer of 128 ReLU units and a softmax over the classes; 6,406 parameters for 43 features, 6 classes.

    Parameters
    ----------
    init: "he" draws weights with deviation sqrt(2/n) for n inputs; "literal" takes the paper's printed formula at its
        word, N(0, 1) divided by sqrt(2/n), a deviation of sqrt(n/2) (section III-A). Biases start at 0.
    dropout: share of hidden units left out in each training step; 0 builds no such layer.

    Raises ValueError for an unknown init.
    """
    import keras  # with JAX, a second or two: not before a network is made

    def dense(units: int, n_inputs: int, layer_seed: int, name: str, activation: str | None = None) -> keras.Layer:
        start = keras.initializers.RandomNormal(stddev=initial_deviation(init, n_inputs), seed=layer_seed)
        penalty = keras.regularizers.L2(L2_STRENGTH / 2)  # the paper's is half of lambda w^2, Keras' all of it
        return keras.layers.Dense(units, activation, kernel_initializer=start, kernel_regularizer=penalty, name=name)

    layers = [
        keras.Input((n_features,), name="features"),
        dense(hidden_units, n_features, seed, "hidden", activation="relu"),
        *([keras.layers.Dropout(dropout, seed=seed, name="dropout")] if dropout else []),
        dense(n_classes, hidden_units, seed + 1, "activity"),
        keras.layers.Softmax(name="probabilities"),
    ]
    return keras.Sequential(layers, name="mlp")


def best_epoch(history: pd.DataFrame, monitor: str = "val_loss") -> pd.Series:
    """The row of the epoch whose weights early stopping restored; the last one where nothing validated."""
    if monitor not in history:
        return history.iloc[-1]
    values = history[monitor]
    return history.iloc[int(values.argmin() if MONITORS[monitor] == "min" else values.argmax())]


@dataclass(frozen=True)
class ActivityModel:
    """A trained network with the scaler it needs; takes raw features, NaN for missing.

    `history` has one row per epoch (epoch, loss, accuracy, val_loss, val_accuracy); `card` says how it was trained.
    """

    model: "keras.Model"
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
        """What validation promised: accuracy on the validation windows, at the best epoch."""
        return float(best_epoch(self.history, self.card["monitor"])["val_accuracy"])

    def confusion(self, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Windows of each true class (row) given each predicted class; (n_classes, n_classes) int."""
        return confusion_counts(y, self.predict(X), len(self.class_names))


def save_model(trained: ActivityModel, path: str | Path) -> Path:
    """Write `path`.npz (weights and scaler, float32) and `path`.json (classes, features, training, digest).

    Returns the path of the .npz. Each file appears whole or not at all.
    """
    import keras

    npz = Path(path).with_suffix(".npz")
    layers = [*trained.model.get_weights(), trained.scaler.mean, trained.scaler.scale]
    arrays = dict(zip(ARRAYS, layers, strict=True))
    write_arrays(npz, arrays)
    versions = {"format": FORMAT, "pmt_helpers": __version__, "keras": keras.__version__}
    names = {"class_names": list(trained.class_names), "feature_names": list(trained.feature_names)}
    card = {**versions, **names, "training": trained.card, "digest": digest(arrays)}
    write_card(npz.with_suffix(".json"), card)
    return npz


def load_model(path: str | Path) -> ActivityModel:
    """Read a model written by save_model, without its training history. Raises DataError as load_checkpoint does."""
    checkpoint, card = load_checkpoint(path)
    features, classes = tuple(card["feature_names"]), tuple(card["class_names"])
    model = build_mlp(len(features), len(classes), hidden_units=checkpoint.weights.hidden.shape[1])
    checkpoint.weights.to_model(model)
    return ActivityModel(model, checkpoint.scaler, features, classes, card=card["training"])
