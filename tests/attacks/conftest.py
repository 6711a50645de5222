"""What several attacks are tried on: the watch, and a shared model that has never seen person 3."""

import numpy as np
import pytest

from pmt_helpers.activity import build_mlp
from pmt_helpers.activity.model import ActivityModel
from pmt_helpers.activity.shared import train_shared_fast
from pmt_helpers.activity.weights import Checkpoint
from pmt_helpers.attacks.membership_game import non_overlapping
from pmt_helpers.datasets import ActivityData, load_activity, load_documents
from pmt_helpers.topics import GibbsLDA


@pytest.fixture(scope="session")
def watch() -> ActivityData:
    return load_activity("watch")


@pytest.fixture(scope="session")
def shared(watch: ActivityData) -> Checkpoint:
    return train_shared_fast(watch, 3, seed=0)


@pytest.fixture(scope="session")
def keras_shared(watch: ActivityData, shared: Checkpoint) -> ActivityModel:
    """The same model as Keras has it."""
    model = build_mlp(len(watch.feature_names), len(watch.class_names))
    shared.weights.to_model(model)
    return ActivityModel(model, shared.scaler, watch.feature_names, watch.class_names)


@pytest.fixture(scope="session")
def apart(watch: ActivityData) -> ActivityData:
    """One person's windows, none of which shares readings with another, in random order."""
    mine = watch.select(watch.users == 3)
    return mine.select(np.random.default_rng(0).permutation(non_overlapping(mine)))


@pytest.fixture(scope="session")
def news():
    """A hundred private documents, and topics of them."""
    counts = load_documents("news").counts[:100]
    return counts, GibbsLDA(seed=1).fit(counts, 10).phi_
