"""The cloud's training as one compiled loop: Keras' network, penalty, dropout and optimizer, without its `fit`.

`fit` comes back to Python after each batch, and that takes longer than the batch. Here JAX runs many epochs at a time
through Keras' stateless functions. `keras_reference.fit_with_keras` is the same training by `fit`: the same batches and
dropout for the same seed, and tests hold the two together.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from pmt_helpers.activity.model import MONITORS, Recipe, build_mlp
from pmt_helpers.activity.weights import Windows

CHUNK = 50  # epochs of one call, after which the progress bar moves
BLOCK = 128  # rows of a full batch that are taken at a time: what lies between the layers stays in the cache
COLUMNS = ["accuracy", "loss", "val_accuracy", "val_loss"]  # Keras' order
OPTIMIZERS = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}


class State(NamedTuple):
    """What goes from epoch to epoch. fixed: state of the dropout's generator; slots: the optimizer's variables."""

    weights: list[Any]
    fixed: list[Any]
    slots: list[Any]
    best: list[Any]
    history: Any  # (CHUNK, 4): COLUMNS of the epochs of one call
    best_score: Any = np.float32(0)
    waited: Any = np.int32(0)  # epochs since the best one
    epoch: Any = np.int32(0)


def fit_compiled(
    model: keras.Model, recipe: Recipe, train: Windows, validation: Windows | None, seed: int, bar: tqdm
) -> pd.DataFrame:
    """Train `model`, which build_mlp made with the recipe's dropout, and leave the weights of the best epoch in it.

    train, validation: scaled features (n_windows, n_features) and class numbers. Without validation the last epoch is
    the best. Returns one row per epoch run: epoch (from 1), accuracy, loss, and val_accuracy, val_loss where validated.
    """
    held_out = validation or (train[0][:0], train[1][:0])
    counts = np.int32(len(train[1])), np.int32(len(held_out[1]))
    size = recipe.batch_size or BLOCK
    n_rows = size << ((len(train[1]) + len(held_out[1]) - 1) // size).bit_length()
    network = train[0].shape[1], model.output_shape[1], recipe.dropout, recipe.optimizer
    run = _compiled(*network, recipe.batch_size, n_rows)
    windows = [jnp.asarray(np.resize(array, (n_rows, *array.shape[1:]))) for array in (*train, *held_out)]
    patience = np.int32(max(1, recipe.patience))
    optimizer = OPTIMIZERS[recipe.optimizer](recipe.learning_rate)
    optimizer.build(model.trainable_variables)
    variables = model.trainable_variables, model.non_trainable_variables, optimizer.variables
    weights, fixed, slots = ([variable.value for variable in group] for group in variables)
    watched = np.int32(COLUMNS.index(recipe.monitor)), np.float32({"min": 1, "max": -1}[MONITORS[recipe.monitor]])
    rng = np.random.RandomState(seed)  # Keras shuffles with this one
    rng.permutation(counts[0])  # and draws one order to see how large a batch is
    orders = np.zeros((CHUNK, n_rows if recipe.batch_size else 0), np.int32)
    state = State(weights, fixed, slots, weights, np.zeros((CHUNK, len(COLUMNS)), np.float32))
    history = []
    while (first := int(state.epoch)) < recipe.epochs and state.waited < patience:
        if recipe.batch_size:
            orders[:, : counts[0]] = [rng.permutation(counts[0]) for _ in orders]
        until = np.int32(min(first + CHUNK, recipe.epochs))
        state = run(state, windows, counts, orders, until, patience, watched)
        history.append(np.asarray(state.history)[: int(state.epoch) - first])
        bar.update(len(history[-1]))
    for variable, value in zip(model.trainable_variables, state.best, strict=True):
        variable.assign(value)
    frame = pd.DataFrame(np.concatenate(history).astype(float), columns=COLUMNS)
    frame.insert(0, "epoch", range(1, len(frame) + 1))
    return frame if validation else frame.iloc[:, :3]


@lru_cache(maxsize=8)  # each holds compiled code; _compiled.cache_clear() lets go of them
def _compiled(
    n_features: int, n_classes: int, dropout: float, optimizer_name: str, batch_size: int | None, n_rows: int
) -> Callable[..., State]:
    """Some epochs for one shape of network and up to n_rows windows; whom they leave out makes no difference."""
    network = build_mlp(n_features, n_classes, dropout=dropout)
    logits = keras.Model(network.inputs, network.get_layer("activity").output)
    optimizer = OPTIMIZERS[optimizer_name]()
    optimizer.build(logits.trainable_variables)
    size = batch_size or BLOCK

    def loss(weights, fixed, windows, count, block, training):  # type: ignore[no-untyped-def]
        """Mean over one block, penalty included; how many it got right; its share of all `count` windows."""
        X, y = (jax.lax.dynamic_slice_in_dim(array, block * size, size) for array in windows)
        scores, fixed, penalties = logits.stateless_call(weights, fixed, X, training=training, return_losses=True)
        counts = block * size + jnp.arange(size) < count  # what follows only fills the array
        losses = keras.losses.sparse_categorical_crossentropy(y, scores, from_logits=True)
        hits, n = ((scores.argmax(1) == y) & counts).sum(), counts.sum()
        return (losses * counts).sum() / n + sum(penalties), (fixed, hits, n / count)

    loss_and_gradient = jax.value_and_grad(loss, has_aux=True)

    def epoch(state, windows, n_blocks, counts, orders, watched):  # type: ignore[no-untyped-def]
        (X, y, *held_out), (column, sign) = windows, watched
        order = orders[state.epoch % CHUNK]
        shuffled = (X[order], y[order]) if batch_size else (X, y)

        def learn(block, carry):  # type: ignore[no-untyped-def]
            weights, fixed, slots, total, sums = carry
            (mean, (fixed, hits, share)), gradient = loss_and_gradient(
                weights, fixed, shuffled, counts[0], block, training=True
            )
            if batch_size:
                weights, slots = optimizer.stateless_apply(slots, gradient, weights)
            else:
                total = [whole + share * part for whole, part in zip(total, gradient, strict=True)]
            return weights, fixed, slots, total, sums + jnp.stack([hits, share * mean])

        def validate(block, sums):  # type: ignore[no-untyped-def]
            mean, (_, hits, share) = loss(weights, fixed, held_out, counts[1], block, training=False)
            return sums + jnp.stack([hits, share * mean])

        start = (
            state.weights,
            state.fixed,
            state.slots,
            [jnp.zeros_like(layer) for layer in state.weights],
            jnp.zeros(2),
        )
        weights, fixed, slots, total, sums = jax.lax.fori_loop(0, n_blocks[0], learn, start)
        if not batch_size:
            weights, slots = optimizer.stateless_apply(slots, total, weights)
        val_sums = jax.lax.fori_loop(0, n_blocks[1], validate, jnp.zeros(2))
        row = jnp.stack([sums[0] / counts[0], sums[1], val_sums[0] / counts[1], val_sums[1]])
        score = row[column] * sign
        better = (score < state.best_score) | (state.epoch == 0) | (counts[1] == 0)
        best = [jnp.where(better, new, old) for new, old in zip(weights, state.best, strict=True)]
        history, best_score = state.history.at[state.epoch % CHUNK].set(row), jnp.where(better, score, state.best_score)
        waited = jnp.where(better, 0, state.waited + 1)
        return State(weights, fixed, slots, best, history, best_score, waited, state.epoch + 1)

    def run(state, windows, counts, orders, until, patience, watched):  # type: ignore[no-untyped-def]
        n_blocks = [-(-count // size) for count in counts]
        return jax.lax.while_loop(
            lambda state: (state.epoch < until) & (state.waited < patience),
            lambda state: epoch(state, windows, n_blocks, counts, orders, watched),
            state,
        )

    return jax.jit(run)
