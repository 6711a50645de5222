"""The cloud's full-batch training: ours beside keras.fit, PyTorch and scikit-learn, on the same steps. `make bench`."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from parts.turns import first_line, in_turns, installed
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from pmt_helpers.activity.keras_reference import fit_with_keras
from pmt_helpers.activity.model import L2_STRENGTH, build_mlp
from pmt_helpers.activity.shared import RECIPES
from pmt_helpers.activity.shared_loop import fit_compiled
from pmt_helpers.activity.splits import random_validation
from pmt_helpers.activity.weights import Preprocessor, Windows
from pmt_helpers.datasets import load_activity

USER, EPOCHS, ROUNDS = 5, 300, 5
RATE = RECIPES["paper"].learning_rate
OURS = "ours, compiled"
Engine = Callable[[int], list[np.ndarray]]  # trains from the start for that many epochs, and returns the four layers


class Problem(NamedTuple):
    """What every engine trains on, and looks at after each epoch."""

    train: Windows
    validation: Windows
    n_classes: int

    def network(self) -> Any:
        """The start, the same each time."""
        return build_mlp(self.train[0].shape[1], self.n_classes)


def keras_fit(problem: Problem, fit: Callable[..., Any] = fit_with_keras, *more: Any) -> Engine:
    def run(epochs: int) -> list[np.ndarray]:
        model = problem.network()
        recipe = replace(RECIPES["paper"], epochs=epochs, patience=epochs)
        fit(model, recipe, problem.train, problem.validation, 0, *more)
        return [np.asarray(layer) for layer in model.get_weights()]

    return run


def ours(problem: Problem) -> Engine:
    return keras_fit(problem, fit_compiled, tqdm(disable=True))


def torch_eager(problem: Problem) -> Engine:
    import torch

    torch.set_num_threads(1)
    X, y, X_val, y_val = (torch.tensor(part) for part in (*problem.train, *problem.validation))
    y, y_val = y.long(), y_val.long()
    loss = torch.nn.CrossEntropyLoss()

    def run(epochs: int) -> list[np.ndarray]:
        start = [torch.tensor(layer) for layer in problem.network().get_weights()]
        hidden, output = (torch.nn.Linear(*kernel.shape) for kernel in start[::2])
        layers = [hidden.weight, hidden.bias, output.weight, output.bias]
        model = torch.nn.Sequential(hidden, torch.nn.ReLU(), output)
        with torch.no_grad():
            for layer, value in zip(layers, start, strict=True):
                layer.copy_(value.T if value.ndim == 2 else value)
        groups = [{"params": layers[::2], "weight_decay": L2_STRENGTH}, {"params": layers[1::2]}]
        optimizer = torch.optim.SGD(groups, RATE)
        for _ in range(epochs):
            optimizer.zero_grad()
            loss(model(X), y).backward()
            optimizer.step()
            with torch.no_grad():
                scores = model(X_val)
                loss(scores, y_val), (scores.argmax(1) == y_val).sum()
        return [layer.detach().numpy().T for layer in layers]

    return run


def scikit_learn(problem: Problem) -> Engine:
    from sklearn.neural_network import MLPClassifier

    X, y = problem.train

    def run(epochs: int) -> list[np.ndarray]:
        hidden, hidden_bias, output, output_bias = problem.network().get_weights()
        settings: dict[str, Any] = {"solver": "sgd", "momentum": 0, "learning_rate_init": RATE, "shuffle": False}
        model = MLPClassifier(hidden.shape[1:], batch_size=len(y), alpha=L2_STRENGTH * len(y), **settings)
        model.partial_fit(X, y, classes=np.arange(problem.n_classes))  # makes the layers
        starts = zip((*model.coefs_, *model.intercepts_), (hidden, output, hidden_bias, output_bias), strict=True)
        for layer, start in starts:
            layer[:] = start
        for _ in range(epochs):
            model.partial_fit(X, y)
            model.predict_proba(problem.validation[0])
        return [model.coefs_[0], model.intercepts_[0], model.coefs_[1], model.intercepts_[1]]

    return run


ENGINES: dict[str, Callable[[Problem], Engine]] = {
    OURS: ours,
    "keras.fit": keras_fit,
    "torch, eager": torch_eager,
    "scikit-learn MLPClassifier": scikit_learn,
}


def real_problem() -> Problem:
    """The watch data without one person, split as train_shared splits it."""
    data = load_activity("watch")
    others = data.select(data.rows_without(USER))
    held_out = random_validation(len(others))
    X, y = Preprocessor.fit(others.X[~held_out]).transform(others.X), others.y.astype(np.int32)
    return Problem((X[~held_out], y[~held_out]), (X[held_out], y[held_out]), len(data.class_names))


def main() -> None:
    """Print seconds for EPOCHS epochs, the median of the ratios of each round, and how far the weights are apart."""
    problem = real_problem()
    engines, absent = installed(ENGINES, lambda make: make(problem))
    with threadpool_limits(1):  # on two threads NumPy's small products take longer
        weights = {name: run(20) for name, run in engines.items()}  # compiles
        rounds = in_turns({name: partial(run, EPOCHS) for name, run in engines.items()}, ROUNDS)
    print(first_line("numpy", "keras", "jax", "scikit-learn", "torch"))
    print(f"{len(problem.train[1])} windows in one batch, {EPOCHS} epochs, each validated; the best of {ROUNDS} rounds")
    print(f"{'engine':<28}{'seconds':>9}{'CPU s':>8}{'ours is x':>11}{'x by CPU':>10}   apart after 20 epochs")
    for name, clocks in rounds.items():
        pairs = list(zip(clocks, rounds[OURS], strict=True))
        wall, cpu = (np.median([getattr(a, of) / getattr(b, of) for a, b in pairs]) for of in ("wall", "cpu"))
        apart = max(float(np.abs(a - b).max()) for a, b in zip(weights[name], weights[OURS], strict=True))
        best = min(clock.wall for clock in clocks), min(clock.cpu for clock in clocks)
        print(f"{name:<28}{best[0]:>9.2f}{best[1]:>8.2f}{wall:>11.1f}{cpu:>10.1f}   {apart:.1e}")
    for line in absent:
        print(line)


if __name__ == "__main__":
    main()
