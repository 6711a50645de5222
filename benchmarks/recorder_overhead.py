"""What recording costs: a span, a sample, and training while it is sampled once a second. `make bench`.

With and without take turns in one run, in seconds of processor time of the whole process, so that whatever else the
machine does hits both. Each span waits for the disk as well: that is most of its wall time.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

from parts.turns import Clock, first_line

from pmt_helpers.device import Recorder
from pmt_helpers.device.pi_profile import numpy_mlp, synthetic_windows

ROUNDS, TURN_S = 5, 2.0
EVERY_S = (1.0, 0.05)  # as recorded, and often enough to be seen above the noise


class Cost(NamedTuple):
    """Microseconds of processor time and wall time of one call."""

    cpu: float
    wall: float


def cost_of(call: Callable[[], object], times: int) -> Cost:
    with Clock() as clock:
        for _ in range(times):
            call()
    return Cost(1e6 * clock.cpu / times, 1e6 * clock.wall / times)


def empty_span(recorder: Recorder) -> None:
    with recorder.span("train", task="activity", kernel="numpy", n_samples=20, epoch=1, updates=20):
        pass


def costs(folder: Path, times: int = 500) -> tuple[Cost, Cost]:
    """Of an empty span and of a sample; the median of the rounds."""
    spans, samples = [], []
    for turn in range(ROUNDS):
        with Recorder(folder / f"costs-{turn}.jsonl", "measured-host", every_s=0) as recorder:
            spans.append(cost_of(lambda to=recorder: empty_span(to), times))
            samples.append(cost_of(recorder.sample, times))
    return tuple(Cost(*map(median, zip(*found, strict=True))) for found in (spans, samples))


def slowdown(folder: Path, every_s: float, rounds: int = ROUNDS, turn_s: float = TURN_S) -> list[float]:
    """Processor time of training while sampled over that of the same training without, a ratio for each round."""
    start, X, y = synthetic_windows(160)
    trainer = numpy_mlp(start, X, y)
    trainer.run(5)
    started = time.process_time()
    trainer.run(20)
    epochs = max(1, round(20 * turn_s / (time.process_time() - started)))

    def turn(name: str, every: float) -> float:
        with Recorder(folder / name, "measured-host", every_s=every), Clock() as clock:
            trainer.run(epochs)
        return clock.cpu

    found = []
    for n in range(rounds):
        order = (every_s, 0.0) if n % 2 else (0.0, every_s)  # neither is always the first
        cpu = {every: turn(f"turn-{every_s}-{n}-{every}.jsonl", every) for every in order}
        found.append(cpu[every_s] / cpu[0.0])
    return found


def main() -> None:
    """Print the costs, and training with sampling over training without, beside what the cost of a sample predicts."""
    print(first_line("numpy", "psutil"))
    print(f"CPU time of online training in NumPy, sampled over not sampled, in {ROUNDS} turns of {TURN_S:g} s each")
    print(f"{'':<28}{'CPU µs':>8}{'wall µs':>9}{'ratio':>8}{'predicted':>11}   lowest to highest of the rounds")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        span, sample = costs(folder)
        for what, cost in (("a span", span), ("a sample", sample)):
            print(f"{what:<28}{cost.cpu:>8.0f}{cost.wall:>9.0f}")
        for every in EVERY_S:
            ratios = slowdown(folder, every)
            what, predicted = f"training, sampled each {every:g} s", 1 + 1e-6 * sample.cpu / every
            spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
            print(f"{what:<45}{median(ratios):>8.3f}{predicted:>11.4f}   {spread}")


if __name__ == "__main__":
    main()
