"""Compile the loops of Numba and JAX once, into caches that every later process reads; the set-up runs this.

A notebook that compiles them itself is ten seconds slower, and holds 100 MB of compiler that a kernel on Binder needs.
"""

import numpy as np

from pmt_helpers.activity import train_shared
from pmt_helpers.activity.online import Task, train_online
from pmt_helpers.activity.weights import HIDDEN_UNITS, Weights
from pmt_helpers.datasets import load_activity
from pmt_helpers.privacy import train_shared_private
from pmt_helpers.topics import GibbsLDA, held_out_bits


def main() -> None:
    n_features, n_classes = 3, 2
    sizes = (n_features, HIDDEN_UNITS), (HIDDEN_UNITS,), (HIDDEN_UNITS, n_classes), (n_classes,)
    start = Weights.from_layers(*(np.zeros(size, np.float32) for size in sizes))
    windows = start.inputs(np.zeros((2, n_features))), np.array([0, 1])
    train_online(Task(start, *windows, validation=windows), epochs=1)
    watch = load_activity("watch")
    train_shared(watch, exclude_user=1, epochs=1, progress=False)
    train_shared_private(watch, exclude_user=5, epsilon=8)
    counts = np.full((2, 3), 2)
    held_out_bits(GibbsLDA(n_topics=2, seed=0).fit(counts, iterations=1).phi_, counts)


if __name__ == "__main__":
    main()
