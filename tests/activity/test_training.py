"""What learners see while a network trains, and which weights stay."""

import numpy as np
import pandas as pd
import pytest

from pmt_helpers.activity.model import best_epoch, build_mlp
from pmt_helpers.activity.shared import ShowProgress, history_frame, logits_model


def test_stopping_early_fills_the_bar_so_that_it_goes_away() -> None:
    bar = ShowProgress(epochs=300, description="training")
    bar.on_train_begin()
    for epoch in range(7):
        bar.on_epoch_end(epoch)
    bar.on_train_end()
    assert bar.bar.n == bar.bar.total == 7


def test_fitting_the_view_trains_the_network_itself() -> None:
    import keras

    model = build_mlp(4, 3)
    before = [w.copy() for w in model.get_weights()]
    X, y = np.random.default_rng(0).normal(size=(20, 4)).astype("float32"), np.arange(20, dtype=np.int32) % 3
    fitted = logits_model(model, keras.optimizers.SGD(0.1)).fit(X, y, epochs=2, verbose=0)
    assert all(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert history_frame(fitted)["epoch"].tolist() == [1, 2]


@pytest.mark.parametrize(("monitor", "epoch"), [("val_loss", 2), ("val_accuracy", 3)])
def test_the_epoch_kept_is_the_first_best_of_what_was_watched(monitor: str, epoch: int) -> None:
    history = pd.DataFrame(
        {"epoch": [1, 2, 3, 4], "val_loss": [0.5, 0.3, 0.4, 0.3], "val_accuracy": [0.1, 0.6, 0.8, 0.8]}
    )
    assert best_epoch(history, monitor)["epoch"] == epoch


def test_without_validation_the_last_epoch_is_kept() -> None:
    assert best_epoch(pd.DataFrame({"epoch": [1, 2], "loss": [1.0, 2.0]}))["epoch"] == 2
