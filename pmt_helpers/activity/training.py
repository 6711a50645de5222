"""What every Keras training here shares: early stopping, a progress bar, the curve as a table."""

from typing import Any

import keras
import pandas as pd
from tqdm.auto import tqdm

_MODES = {"val_loss": "min", "val_accuracy": "max"}


def trainable_view(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> keras.Model:
    """The same network (the same weights) up to the scores before the softmax, compiled: fitting it trains `model`.

    Keras clips probabilities at 1e-7, where the gradient ends: a network that starts very wrong, as with the literal
    init, would never learn. Cross-entropy on scores has no such edge.
    """
    view = keras.Model(model.inputs, model.get_layer("activity").output, name="scores")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    view.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
    return view


def early_stopping(patience: int, monitor: str = "val_loss") -> keras.callbacks.Callback:
    """Stop when `monitor` has not improved for `patience` epochs, and go back to the best weights."""
    return keras.callbacks.EarlyStopping(monitor, mode=_MODES[monitor], patience=patience, restore_best_weights=True)


class ShowProgress(keras.callbacks.Callback):
    """A tqdm bar over epochs that disappears when training ends; Keras' own bar prints out of order on JAX."""

    def __init__(self, epochs: int, description: str, shown: bool = True) -> None:
        super().__init__()
        self.epochs, self.description, self.shown = epochs, description, shown

    def on_train_begin(self, logs: Any = None) -> None:
        self.bar = tqdm(total=self.epochs, desc=self.description, unit="epoch", leave=False, disable=not self.shown)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.bar.update()

    def on_train_end(self, logs: Any = None) -> None:
        self.bar.total = self.bar.n  # stopping early is no failure: a bar that is not full would stay, in red
        self.bar.close()


def history_frame(fitted: keras.callbacks.History) -> pd.DataFrame:
    """Keras' history as a tidy table: epoch (from 1), loss, accuracy, and val_loss, val_accuracy when validated."""
    frame = pd.DataFrame(fitted.history)
    frame.insert(0, "epoch", range(1, len(frame) + 1))
    return frame


def kept_epoch(history: pd.DataFrame, monitor: str = "val_loss") -> pd.Series:
    """The row of the epoch whose weights early stopping kept; the last one where nothing validated."""
    if monitor not in history:
        return history.iloc[-1]
    values = history[monitor]
    return history.iloc[int(values.argmin() if _MODES[monitor] == "min" else values.argmax())]
