"""Training at home, one window a step: ours beside its peers, and beside what the processor could do. `make bench`.

One run, the same network, windows and order for every engine; steps are counted per second of processor time, and the
engines take turns, so that whatever else the machine does hits all of them.
"""

import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from threadpoolctl import threadpool_limits

from pmt_helpers.activity import Person, train_shared
from pmt_helpers.activity.keras_at_home import train_with_keras
from pmt_helpers.activity.model import build_mlp
from pmt_helpers.activity.online import LEARNING_RATE, Task, train_many, train_online
from pmt_helpers.activity.training import trainable_view
from pmt_helpers.activity.weights import Weights
from pmt_helpers.datasets import load_activity

N_WINDOWS, ROUNDS = 50, 3
Engine = Callable[[int], Weights | None]  # trains for so many epochs, from the start


@dataclass(frozen=True)
class Problem:
    """What every engine trains: the start, scaled features, class numbers."""

    start: Weights
    X: np.ndarray
    y: np.ndarray


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


def keras_fit(problem: Problem) -> Engine:
    return lambda epochs: train_with_keras(problem.start, problem.X, problem.y, epochs=epochs)


def keras_train_on_batch(problem: Problem) -> Engine:
    import keras

    model = build_mlp(problem.start.n_features, len(problem.start.bias))
    view = trainable_view(model, keras.optimizers.SGD(LEARNING_RATE))
    X, y = np.asarray(problem.X, np.float32), problem.y.astype(np.int32)

    def run(epochs: int) -> Weights:
        problem.start.put_into(model)
        for _ in range(epochs):
            for place in range(len(y)):
                view.train_on_batch(X[place : place + 1], y[place : place + 1])
        return Weights.of(model)

    return run


def jax_scan(problem: Problem) -> Engine:
    """A whole training in one compiled loop, through Keras' stateless_call: its fastest way on JAX."""
    import jax
    import jax.numpy as jnp

    model = build_mlp(problem.start.n_features, len(problem.start.bias))
    problem.start.put_into(model)
    scores = trainable_view(model, "sgd")
    fixed = [variable.value for variable in scores.non_trainable_variables]
    X, y = jnp.asarray(problem.X, jnp.float32), jnp.asarray(problem.y, jnp.int32)

    def loss(weights: list, x: Any, label: Any) -> Any:
        found, _ = scores.stateless_call(weights, fixed, x[None])
        return -jax.nn.log_softmax(found[0])[label]

    def step(weights: list, window: Any) -> Any:
        slopes = jax.grad(loss)(weights, *window)
        return [w - LEARNING_RATE * slope for w, slope in zip(weights, slopes, strict=True)], None

    @jax.jit
    def train(weights: list, epochs: int) -> list:
        return jax.lax.fori_loop(0, epochs, lambda _, w: jax.lax.scan(step, w, (X, y))[0], weights)

    first = [variable.value for variable in scores.trainable_variables]

    def run(epochs: int) -> Weights:
        trained = [np.asarray(w) for w in train(first, epochs)]
        model.set_weights(trained)
        return Weights.of(model)

    return run


def scikit_learn(problem: Problem) -> Engine:
    from sklearn.neural_network import MLPClassifier

    n_hidden = problem.start.hidden.shape[1]
    classes = np.arange(len(problem.start.bias))

    def run(epochs: int) -> None:
        model = MLPClassifier((n_hidden,), solver="sgd", batch_size=1, learning_rate_init=LEARNING_RATE, momentum=0)
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


# name: engine, epochs of one turn (so that a turn takes about a second)
ENGINES: dict[str, tuple[Callable[[Problem], Engine], int]] = {
    "ours, compiled": (ours, 20_000),
    "ours, plain NumPy": (plain_numpy, 200),
    "JAX scan, stateless_call": (jax_scan, 4_000),
    "keras fit, batch 1": (keras_fit, 60),
    "keras train_on_batch": (keras_train_on_batch, 15),
    "scikit-learn partial_fit": (scikit_learn, 10),
    "torch, eager": (torch_eager, 60),
}


def measured(problem: Problem) -> tuple[dict[str, float], dict[str, Weights], list[str]]:
    """Steps a second of processor time, best of the rounds; the weights after 20 epochs; engines not installed."""
    engines, weights, absent = {}, {}, []
    for name, (make, epochs) in ENGINES.items():
        try:
            engines[name] = make(problem), epochs
        except ImportError as error:
            absent.append(f"{name}: {error.name} is not installed")
            continue
        if (after := engines[name][0](20)) is not None:  # compiles, and gives the weights to compare
            weights[name] = after
    rates = dict.fromkeys(engines, 0.0)
    for _ in range(ROUNDS):
        for name, (run, epochs) in engines.items():
            started = time.process_time()
            run(epochs)
            rates[name] = max(rates[name], epochs * N_WINDOWS / (time.process_time() - started))
    return rates, weights, absent


def largest_difference(a: Weights, b: Weights) -> float:
    return max(float(np.abs(x - y).max()) for x, y in ((a.hidden, b.hidden), (a.output, b.output), (a.bias, b.bias)))


def flop_peak(seconds: float = 2.0) -> float:
    """FLOP a second of one core in float32: a large matrix product, best of many."""
    a = np.random.default_rng(0).normal(size=(1024, 1024)).astype(np.float32)
    best = 0.0
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        started = time.process_time()
        a @ a
        best = max(best, 2 * 1024**3 / (time.process_time() - started))
    return best


@numba.njit(cache=True)
def _read_and_write(a: np.ndarray, times: int) -> None:
    for _ in range(times):
        for i in range(a.size):
            a[i] += np.float32(1)


def cache_bandwidth(n_bytes: int, times: int = 200_000) -> float:
    """Bytes a second that one core reads and writes in an array as large as the weights, which fits its first cache."""
    a = np.zeros(n_bytes // 8, np.float32)  # half of a step's bytes are read, half written
    _read_and_write(a, 1)
    best = 0.0
    for _ in range(5):
        started = time.process_time()
        _read_and_write(a, times)
        best = max(best, times * a.nbytes * 2 / (time.process_time() - started))
    return best


def scaling(problem: Problem) -> tuple[float, bool]:
    """How many times sooner two threads train many models than one does, and whether the weights are the same."""
    inputs = problem.start.inputs(problem.X)
    tasks = [Task(problem.start, inputs, problem.y, seed=seed) for seed in range(64)]
    best, weights = {}, {}
    for _ in range(ROUNDS):
        for threads in (1, 2):
            started = time.perf_counter()
            weights[threads] = [one.weights for one in train_many(tasks, epochs=400, threads=threads)]
            best[threads] = min(best.get(threads, np.inf), time.perf_counter() - started)
    same = all(largest_difference(a, b) == 0 for a, b in zip(weights[1], weights[2], strict=True))
    return best[1] / best[2], same


FRESH = """
import time
started = time.perf_counter()
from pmt_helpers.activity.online import Task, train_online
from pmt_helpers.activity.weights import Weights
import numpy as np
imported = time.perf_counter()
start = Weights.initial(43, 7, "he", np.random.default_rng(0))
task = Task(start, start.inputs(np.zeros((50, 43))), np.zeros(50, int))
train_online(task, epochs=1000)
first = time.perf_counter()
for _ in range(5):
    begun = time.perf_counter()
    train_online(task, epochs=1000)
    warm = time.perf_counter() - begun
print(imported - started, first - imported, warm)
"""


def fresh_kernel() -> tuple[float, float, float]:
    """Seconds of a new process, with compiled code in its cache: imports, the first training, a later one."""
    done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True)
    imports, first, warm = map(float, done.stdout.split())
    return imports, first, warm


def jax_alone() -> float:
    """The JAX scan's rate in a process of its own, without the workbook's limit to AVX2."""
    environment = {**os.environ, "XLA_FLAGS": "--xla_cpu_max_isa=AVX512"}
    done = subprocess.run(
        [sys.executable, __file__, "jax-alone"], capture_output=True, text=True, check=True, env=environment
    )
    return float(done.stdout.split()[-1])


def real_problem() -> Problem:
    """Fifty windows of one person, and the shared model trained without that person."""
    data = load_activity("watch")
    shared = train_shared(data, exclude_user=5, progress=False)
    X, y = Person.of(data, 5, "random").train(N_WINDOWS)
    return Problem(Weights.of(shared.model), shared.scaler.transform(X), y)


def main() -> None:
    """Print one table of rates and ratios, then how near ours comes to the limits of the processor."""
    warnings.simplefilter("ignore")  # scikit-learn's, about a batch of one
    problem = real_problem()
    sizes = problem.start.n_features, problem.start.hidden.shape[1], len(problem.start.bias)
    if sys.argv[1:] == ["jax-alone"]:
        run, best = jax_scan(problem), 0.0
        run(1)
        for _ in range(ROUNDS):
            started = time.process_time()
            run(4_000)
            best = max(best, 4_000 * N_WINDOWS / (time.process_time() - started))
        print(best)
        return
    with threadpool_limits(1):
        rates, weights, absent = measured(problem)
        peak, bandwidth = flop_peak(), cache_bandwidth(bytes_of_a_step(*sizes))
        speedup, same = scaling(problem)
    base, own = rates["keras fit, batch 1"], rates["ours, compiled"]
    print(f"{N_WINDOWS} windows, network {'-'.join(map(str, sizes))}, one window a step, float32")
    print(f"{'engine':<26}{'steps/CPU s':>14}{'x keras fit':>13}{'ours is x':>11}   differs after 20 epochs by")
    for name, rate in sorted(rates.items(), key=lambda item: -item[1]):
        apart = f"{largest_difference(weights[name], weights['ours, compiled']):.1e}" if name in weights else "-"
        print(f"{name:<26}{rate:>14,.0f}{rate / base:>13.2f}{own / rate:>11.1f}   {apart}")
    for line in absent:
        print(line)
    print(f"JAX is held to AVX2 here; with AVX-512 allowed, if there is any, its scan makes {jax_alone():,.0f} steps")
    flops, moved = flops_of_a_step(*sizes), bytes_of_a_step(*sizes)
    print(f"\nA step is {flops:,} FLOP and moves {moved:,} bytes of weights. One core, measured in this run:")
    for limit, unit, cost in ((peak, "GFLOP/s (a matrix product)", flops), (bandwidth, "GB/s (first cache)", moved)):
        reached = f"{limit / cost:12,.0f} steps/s; ours reaches {own * cost / limit:.0%}"
        print(f"  {limit / 1e9:6.0f} {unit + ':':<28}{reached}")
    print(f"\nTwo threads train 64 models {speedup:.2f} times as fast as one; the same bits: {same}")
    imports, first, warm = fresh_kernel()
    print(
        f"50 windows x 1000 epochs: {warm:.3f} s warm; in a fresh process {first:.2f} s the first time, "
        f"after {imports:.2f} s of imports"
    )


if __name__ == "__main__":
    main()
