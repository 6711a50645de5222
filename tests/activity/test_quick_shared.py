"""The quick shared model is the paper's one in all but the size of its steps: Keras' own results hold it."""

from dataclasses import replace

import numpy as np
import pytest

from pmt_helpers.activity import train_shared
from pmt_helpers.activity.shared import train_shared_fast, training_rows
from pmt_helpers.attacks import poison_volunteers
from pmt_helpers.datasets import ActivityData
from pmt_helpers.experiments.activity import PAPER, rows_of_setting, stored_base_models


def test_it_is_as_good_as_keras_on_every_stranger(watch: ActivityData) -> None:
    keras = rows_of_setting(stored_base_models("watch"), PAPER).set_index("user")["accuracy"]
    gaps = []
    for user in watch.user_ids:
        mine = watch.users == user
        quick = train_shared_fast(watch, int(user)).predict(watch.X[mine])
        gaps.append((quick == watch.y[mine]).mean() - keras[user])
    assert abs(np.mean(gaps)) < 0.02
    assert np.abs(gaps).max() < 0.08


def test_it_follows_keras_on_poisoned_labels_too(watch: ActivityData) -> None:
    poisoned = poison_volunteers(watch, 3, 0.5, "least_likely")
    X = watch.X[watch.users == 3]
    keras = train_shared(poisoned, 3, progress=False)
    quick = train_shared_fast(poisoned, 3)
    np.testing.assert_array_equal(quick.scaler.mean, keras.scaler.mean)
    assert (quick.predict(X) == keras.predict(X)).mean() > 0.9


def test_windows_left_out_are_not_seen(watch: ActivityData) -> None:
    keep = watch.users <= 4
    among_four = train_shared_fast(watch, 3, keep=keep)
    X = np.array(watch.X)
    X[~keep] = 0
    elsewhere = train_shared_fast(replace(watch, X=X), 3, keep=keep)
    np.testing.assert_array_equal(among_four.weights.hidden, elsewhere.weights.hidden)
    assert not np.isin(training_rows(watch, 3, 0), np.flatnonzero(watch.users == 3)).any()


def test_a_stranger_and_an_empty_training_set_are_named(watch: ActivityData) -> None:
    with pytest.raises(ValueError, match="no user 99"):
        train_shared_fast(watch, 99)
    with pytest.raises(ValueError, match="no window is left"):
        train_shared_fast(watch, 3, keep=np.zeros(len(watch), bool))
