"""Training at home, one window a step: ours beside its peers, and beside what the processor could do. `make bench`.

One run, the same network, windows and order for every engine; steps are counted per second of processor time. What the
processor could do takes turns with the engines.
"""

import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any, NamedTuple

import numba
import numpy as np
from parts.turns import Clock, first_line, in_turns, installed
from threadpoolctl import threadpool_limits

from pmt_helpers.activity import Person, train_shared
from pmt_helpers.activity.keras_reference import logits_model
from pmt_helpers.activity.model import L2_STRENGTH, build_mlp
from pmt_helpers.activity.online import LEARNING_RATE, Task, train_many, train_online
from pmt_helpers.activity.weights import Weights
from pmt_helpers.datasets import load_activity

N_WINDOWS, EPOCHS, ROUNDS = 50, 1000, 3
Engine = Callable[[int], Weights | None]  # trains for that many epochs, from the start


@dataclass(frozen=True)
class Problem:
    """What every engine trains: the start, scaled features, class numbers."""

    start: Weights
    X: np.ndarray
    y: np.ndarray


class Rate(NamedTuple):
    """Steps a second of processor time, all threads together, and how many cores were busy with them."""

    steps: float
    cores: float


def flops_of_a_step(n_features: int, n_hidden: int, n_classes: int) -> int:
    """Multiplications and additions of one step: forward, backward, update; biases count as inputs of 1."""
    first, second = (n_features + 1) * n_hidden, (n_hidden + 1) * n_classes
    forward, update = 2 * (first + second), 2 * (first + second)
    return forward + update + 2 * n_hidden * n_classes  # the gradient at the hidden units


def bytes_of_a_step(n_features: int, n_hidden: int, n_classes: int) -> int:
    """Weights read and written once each, float32."""
    return 2 * 4 * ((n_features + 1) * n_hidden + (n_hidden + 1) * n_classes)


def ours(problem: Problem) -> Engine:
    task = Task(problem.start, problem.start.inputs(problem.X), problem.y)
    return lambda epochs: train_online(task, epochs=epochs, shuffle=False).weights


def plain_numpy(problem: Problem) -> Engine:
    task = Task(problem.start, problem.start.inputs(problem.X), problem.y)
    return lambda epochs: train_online(task, epochs=epochs, shuffle=False, reference=True).weights


def keras_fit(problem: Problem, at_once: int = 1) -> Engine:
    """As keras_reference.keras_trainer. at_once: steps per call of JAX."""
    model, logits = _keras(problem)
    logits.compile(logits.optimizer, logits.loss, metrics=["accuracy"], steps_per_execution=at_once)
    X, y = np.asarray(problem.X, np.float32), problem.y.astype(np.int32)

    def run(epochs: int) -> Weights:
        problem.start.to_model(model)
        logits.fit(X, y, batch_size=1, epochs=epochs, shuffle=False, verbose=0)
        return Weights.from_model(model)

    return run


def keras_fit_at_once(problem: Problem) -> Engine:
    return keras_fit(problem, at_once=len(problem.y))


def _keras(problem: Problem) -> tuple[Any, Any]:
    """The network, and its logits model, which is fitted."""
    import keras  # after pmt_helpers, which chooses its backend

    model = build_mlp(problem.start.n_features, len(problem.start.bias))
    return model, logits_model(model, keras.optimizers.SGD(LEARNING_RATE))


def keras_train_on_batch(problem: Problem) -> Engine:
    model, logits = _keras(problem)
    X, y = np.asarray(problem.X, np.float32), problem.y.astype(np.int32)

    def run(epochs: int) -> Weights:
        problem.start.to_model(model)
        for _ in range(epochs):
            for place in range(len(y)):
                logits.train_on_batch(X[place : place + 1], y[place : place + 1])
        return Weights.from_model(model)

    return run


def jax_scan(problem: Problem) -> Engine:
    """A whole training in one compiled loop, through Keras' stateless_call: its fastest way on JAX."""
    import jax
    import jax.numpy as jnp

    model, logits = _keras(problem)
    problem.start.to_model(model)
    fixed = [variable.value for variable in logits.non_trainable_variables]
    X, y = jnp.asarray(problem.X, jnp.float32), jnp.asarray(problem.y, jnp.int32)

    def loss(weights: list, x: Any, label: Any) -> Any:
        values, _ = logits.stateless_call(weights, fixed, x[None])
        return -jax.nn.log_softmax(values[0])[label]

    def step(weights: list, window: Any) -> Any:
        slopes = jax.grad(loss)(weights, *window)
        return [w - LEARNING_RATE * slope for w, slope in zip(weights, slopes, strict=True)], None

    @jax.jit
    def train(weights: list, epochs: int) -> list:
        return jax.lax.fori_loop(0, epochs, lambda _, w: jax.lax.scan(step, w, (X, y))[0], weights)

    first = [variable.value for variable in logits.trainable_variables]

    def run(epochs: int) -> Weights:
        trained = [np.asarray(w) for w in train(first, epochs)]
        model.set_weights(trained)
        return Weights.from_model(model)

    return run


def scikit_learn(problem: Problem) -> Engine:
    from sklearn.neural_network import MLPClassifier

    n_hidden = problem.start.hidden.shape[1]
    classes = np.arange(len(problem.start.bias))

    def run(epochs: int) -> None:
        model = MLPClassifier(
            (n_hidden,), solver="sgd", batch_size=1, learning_rate_init=LEARNING_RATE, momentum=0, alpha=L2_STRENGTH
        )
        for _ in range(epochs):
            for place in range(len(problem.y)):
                model.partial_fit(problem.X[place : place + 1], problem.y[place : place + 1], classes=classes)

    return run


def torch_eager(problem: Problem) -> Engine:
    import torch

    torch.set_num_threads(1)
    n_features, n_hidden, n_classes = problem.start.n_features, problem.start.hidden.shape[1], len(problem.start.bias)
    X, y = torch.tensor(problem.X), torch.tensor(problem.y)

    def run(epochs: int) -> None:
        model = torch.nn.Sequential(
            torch.nn.Linear(n_features, n_hidden), torch.nn.ReLU(), torch.nn.Linear(n_hidden, n_classes)
        )
        optimizer, loss = torch.optim.SGD(model.parameters(), LEARNING_RATE), torch.nn.CrossEntropyLoss()
        for _ in range(epochs):
            for place in range(len(y)):
                optimizer.zero_grad()
                loss(model(X[place : place + 1]), y[place : place + 1]).backward()
                optimizer.step()

    return run


OURS, JAX, N_MODELS = "ours, compiled", "JAX scan, stateless_call", 64
# name: engine, epochs of one turn (so that a turn takes about a second)
ENGINES: dict[str, tuple[Callable[[Problem], Engine], int]] = {
    OURS: (ours, 20_000),
    "ours, plain NumPy": (plain_numpy, 200),
    JAX: (jax_scan, 4_000),
    "keras fit, an epoch a call": (keras_fit_at_once, 120),
    "keras fit, batch 1": (keras_fit, 60),
    "keras train_on_batch": (keras_train_on_batch, 15),
    "scikit-learn partial_fit": (scikit_learn, 10),
    "torch, eager": (torch_eager, 60),
}


class Limit(NamedTuple):
    """What a core can do at most: a turn, and how many operations or bytes it is."""

    turn: Callable[[], None]
    amount: float


class Measured(NamedTuple):
    """Rates of each engine and limit, one a round; weights after 20 epochs; what is not installed."""

    rates: dict[str, list[Rate]]
    weights: dict[str, Weights]
    absent: list[str]


def measured(problem: Problem, limits: Mapping[str, tuple[Limit, float]]) -> Measured:
    """Limits, each with its cost of a step, take turns with the engines, about as long for each: a limit caught in a
    lucky instant would be none.
    """
    engines, absent = installed(ENGINES, lambda engine: (engine[0](problem), engine[1]))
    weights = {}
    for name, (run, _) in engines.items():
        if (after := run(20)) is not None:  # compiles, and gives the weights to compare
            weights[name] = after
    turns: dict[str, Callable[[], Any]] = {name: partial(run, epochs) for name, (run, epochs) in engines.items()}
    steps = {name: float(epochs * N_WINDOWS) for name, (_, epochs) in engines.items()}
    for name, (limit, cost) in limits.items():
        turns[name], steps[name] = limit.turn, limit.amount / cost
    clocks = in_turns(turns, ROUNDS)
    return Measured({name: [rate_of(steps[name], one) for one in clocks[name]] for name in turns}, weights, absent)


def rate_of(steps: float, clock: Clock) -> Rate:
    return Rate(steps / clock.cpu, clock.cpu / clock.wall)


def largest_difference(a: Weights, b: Weights) -> float:
    return max(float(np.abs(x - y).max()) for x, y in ((a.hidden, b.hidden), (a.output, b.output), (a.bias, b.bias)))


def matrix_product(times: int = 40) -> Limit:
    """FLOP of large matrix products in float32, which come as near to a core's peak as software does."""
    a = np.random.default_rng(0).normal(size=(1024, 1024)).astype(np.float32)

    def turn() -> None:
        for _ in range(times):
            a @ a

    return Limit(turn, times * 2 * 1024**3)


@numba.njit(cache=True)
def _read_and_write(a: np.ndarray, times: int) -> None:
    for _ in range(times):
        for i in range(a.size):
            a[i] += np.float32(1)


def cache_traffic(n_bytes: int, times: int = 2_000_000) -> Limit:
    """Bytes of reading and writing an array as large as the weights, which fits the first cache."""
    size, line = n_bytes // 8, 64  # half of a step's bytes are read, half written
    buffer = np.zeros(4 * size + line, np.uint8)
    first = -buffer.ctypes.data % line  # an array that begins amid a cache line is slower
    a = buffer[first : first + 4 * size].view(np.float32)
    _read_and_write(a, 1)
    return Limit(lambda: _read_and_write(a, times), times * a.nbytes * 2)


class Scaling(NamedTuple):
    """How many times sooner two threads train many models than one, on how many cores, and whether to the same bits."""

    speedup: float
    cores: float
    same: bool


def scaling(problem: Problem) -> Scaling:
    inputs = problem.start.inputs(problem.X)
    tasks = [Task(problem.start, inputs, problem.y, seed=seed) for seed in range(N_MODELS)]
    best, weights = {}, {}
    for _ in range(ROUNDS):
        for threads in (1, 2):
            with Clock() as clock:
                weights[threads] = [one.weights for one in train_many(tasks, epochs=400, threads=threads)]
            best[threads] = min(best.get(threads, (np.inf, 0.0)), (clock.wall, clock.cpu / clock.wall))
    same = all(largest_difference(a, b) == 0 for a, b in zip(weights[1], weights[2], strict=True))
    return Scaling(best[1][0] / best[2][0], best[2][1], same)


FRESH = """
import sys
import time
started = time.perf_counter()
import numpy as np
from pmt_helpers.activity.online import Task, train_online
from pmt_helpers.activity.weights import Weights
imported = time.perf_counter()
n_features, n_classes, n_windows, epochs = map(int, sys.argv[1:])
rng = np.random.default_rng(0)
start = Weights.initial(n_features, n_classes, "he", rng)
task = Task(start, start.inputs(rng.normal(size=(n_windows, n_features))), rng.integers(0, n_classes, n_windows))
begun = time.perf_counter()
train_online(task, epochs=epochs)
print(imported - started, time.perf_counter() - begun)
"""


def fresh_kernel(n_features: int, n_classes: int) -> tuple[float, float]:
    """Seconds of a new process, with compiled code in its cache: imports, and the first training."""
    numbers = map(str, (n_features, n_classes, N_WINDOWS, EPOCHS))
    done = subprocess.run([sys.executable, "-c", FRESH, *numbers], capture_output=True, text=True, check=True)
    imports, first = map(float, done.stdout.split())
    return imports, first


def warm_kernel(problem: Problem) -> float:
    """Seconds of the same training where it has run before; best of five."""
    task, seconds = Task(problem.start, problem.start.inputs(problem.X), problem.y), []
    for _ in range(5):
        started = time.perf_counter()
        train_online(task, epochs=EPOCHS)
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def jax_unlimited() -> list[Rate]:
    """The JAX scan in a process of its own, which may use every instruction that the processor has. Not in turn."""
    done = subprocess.run(
        [sys.executable, __file__, "jax"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "XLA_FLAGS": ""},
    )
    return [Rate(*map(float, line.split())) for line in done.stdout.splitlines()]


def real_problem() -> Problem:
    """Fifty windows of one person, and the shared model trained without that person."""
    data = load_activity("watch")
    shared = train_shared(data, exclude_user=5, progress=False)
    X, y = Person.of(data, 5, "random").train(N_WINDOWS)
    return Problem(Weights.from_model(shared.model), shared.scaler.transform(X), y)


def print_rates(rates: Mapping[str, list[Rate]], weights: Mapping[str, Weights]) -> None:
    print(f"{'engine':<34}{'steps/CPU s':>13}{'cores':>7}{'ours is x':>11}   apart after 20 epochs")
    for name, rounds in sorted(rates.items(), key=lambda item: -max(item[1]).steps):
        times = median(own.steps / rate.steps for own, rate in zip(rates[OURS], rounds, strict=True))
        apart = f"{largest_difference(weights[name], weights[OURS]):.1e}" if name in weights else "-"
        best = max(rounds)
        print(f"{name:<34}{best.steps:>13,.0f}{best.cores:>7.2f}{times:>11.2f}   {apart}")


def main() -> None:
    """Print one table of rates and ratios, with the limits of the processor among them."""
    warnings.simplefilter("ignore")  # scikit-learn's, about a batch of one
    problem = real_problem()
    if sys.argv[1:] == ["jax"]:
        make, epochs = ENGINES[JAX]
        run = make(problem)
        run(1)
        for clock in in_turns({JAX: partial(run, epochs)}, ROUNDS)[JAX]:
            print(*rate_of(epochs * N_WINDOWS, clock))
        return
    sizes = problem.start.n_features, problem.start.hidden.shape[1], len(problem.start.bias)
    flops, moved = flops_of_a_step(*sizes), bytes_of_a_step(*sizes)
    product, traffic = matrix_product(), cache_traffic(moved)
    with threadpool_limits(1):
        limits = {"limit: a matrix product": (product, flops), "limit: first cache": (traffic, moved)}
        rates, weights, absent = measured(problem, limits)
        two = scaling(problem)
        warm = warm_kernel(problem)
    rates[f"{JAX}, no limit"] = jax_unlimited()
    print(first_line("numpy", "numba", "keras", "jax", "scikit-learn", "torch"))
    print(f"{N_WINDOWS} windows, network {'-'.join(map(str, sizes))}, one window a step; the best of {ROUNDS} rounds")
    print_rates(rates, weights)
    for line in absent:
        print(line)
    print(
        f"A step is {flops:,} FLOP in float32 and moves {moved:,} bytes of weights: as many of them as a core does in a"
    )
    print("product of large matrices, or reads and writes in its first cache, are the two limits.")
    print(f"JAX's limit: XLA_FLAGS={os.environ.get('XLA_FLAGS', '')!r}, so that all processors print the same results")
    print(f"Two threads train {N_MODELS} models {two.speedup:.2f} times as fast as one; the same bits: {two.same}")
    print(f"  they had {two.cores:.2f} cores; with much less than 2, something else was at work and this says nothing")
    imports, first = fresh_kernel(sizes[0], sizes[2])
    print(
        f"{N_WINDOWS} windows x {EPOCHS} epochs: {warm:.3f} s warm; in a fresh process {first:.2f} s the first time, "
        f"after {imports:.2f} s of imports"
    )


if __name__ == "__main__":
    main()
