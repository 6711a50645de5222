"""The paper's neural network, 43-128-6, in Keras (section III-B). Notebook 01, step 3."""

import math

import keras

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
