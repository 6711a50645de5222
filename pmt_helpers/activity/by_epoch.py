"""What each epoch of training at home does to the windows one cares about. Notebook 02, step 3."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from pmt_helpers.activity.online import EPOCHS, Task, train_many
from pmt_helpers.activity.person import Person
from pmt_helpers.activity.shared import ActivityModel
from pmt_helpers.activity.weights import Weights

MARKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def accuracy_by_epoch(
    shared: ActivityModel, person: Person, sizes: Sequence[int], marks: Sequence[int] = MARKS, seed: int = 0
) -> pd.DataFrame:
    """Test accuracy of the three models after some epochs, for several numbers of training samples.

    The test windows are only looked at: nothing stops or is chosen by them. Returns epoch, model, n_samples, accuracy
    and loss (the test windows' cross-entropy), a row for each of `marks`, sizes and models.
    """
    start = Weights.of(shared.model)
    X_test, y_test = person.test
    watched = start.inputs(shared.scaler.transform(X_test)), y_test
    init = shared.card.get("init", "he")
    scratch = Weights.initial(start.n_features, len(start.bias), init, np.random.default_rng([seed, 1]))
    rows = []
    for model, weights in (("local", scratch), ("personal", start)):
        tasks = []
        for size in sizes:
            X, y = person.train(size)
            tasks.append(Task(weights, start.inputs(shared.scaler.transform(X)), y, watched, seed))
        # patience as long as the training: the watched windows stop nothing
        for size, trained in zip(sizes, train_many(tasks, epochs=max(marks), patience=EPOCHS), strict=True):
            history = trained.history_frame().set_index("epoch").loc[list(marks), ["val_accuracy", "val_loss"]]
            found = history.set_axis(["accuracy", "loss"], axis=1).reset_index()
            rows.append(found.assign(model=model, n_samples=size))
    unchanged = shared.accuracy(X_test, y_test)
    flat = [{"epoch": e, "model": "shared", "n_samples": size, "accuracy": unchanged} for e in marks for size in sizes]
    return pd.concat([pd.DataFrame(flat), *rows], ignore_index=True)
