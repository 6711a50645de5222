"""What every Keras training here shares: early stopping, a progress bar, the curve as a table."""

from typing import Any

import keras
import pandas as pd
from tqdm.auto import tqdm


def compile_classifier(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> None:
    """Cross-entropy on whole-number labels, accuracy beside it."""
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])


def early_stopping(patience: int) -> keras.callbacks.Callback:
    """Stop when the validation loss has not improved for `patience` epochs, and go back to the best weights."""
    return keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True)


class ShowProgress(keras.callbacks.Callback):
    """A tqdm bar over epochs that disappears when training ends; Keras' own bar prints out of order on JAX."""

    def __init__(self, epochs: int, description: str, shown: bool = True) -> None:
        super().__init__()
        self.epochs, self.description, self.shown = epochs, description, shown

    def on_train_begin(self, logs: Any = None) -> None:
        # delay: a training that ends at once shows nothing
        self.bar = tqdm(
            total=self.epochs, desc=self.description, unit="epoch", leave=False, delay=1, disable=not self.shown
        )

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.bar.update()

    def on_train_end(self, logs: Any = None) -> None:
        self.bar.close()


def history_frame(fitted: keras.callbacks.History) -> pd.DataFrame:
    """Keras' history as a tidy table: epoch (from 1), loss, accuracy, and val_loss, val_accuracy when validated."""
    frame = pd.DataFrame(fitted.history)
    frame.insert(0, "epoch", range(1, len(frame) + 1))
    return frame


def best_epoch(history: pd.DataFrame) -> int:
    """The epoch whose weights were kept: the lowest validation loss, or the last where nothing validated."""
    if "val_loss" not in history:
        return int(history["epoch"].iloc[-1])
    return int(history.loc[history["val_loss"].idxmin(), "epoch"])
