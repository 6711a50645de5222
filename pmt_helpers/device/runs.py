"""A workload from its first import to its last prediction, each step a span of the log. Notebook 05, step 2.

Standard library only, and Python 3.9: this file is also part of the one-file edition that a Pi runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from pmt_helpers.device.kernels import Tokens, Trainer
from pmt_helpers.device.recorder import Recorder

Progress = Callable[[str], None]


def record_activity(
    recorder: Recorder,
    kernel: str,
    make: Callable[[int], Trainer],
    windows: Any,
    samples: Sequence[int],
    epochs: int,
    *,
    calls: int = 200,
    progress: Progress = print,
) -> None:
    """Train once for each number of samples, then predict window by window.

    make(n): a trainer on n windows. windows: as the trainer's `infer` takes them, in turn, `calls` times.
    """
    about: dict[str, Any] = {"task": "activity", "kernel": kernel}
    for n in samples:
        trainer = _ready(recorder, lambda n=n: make(n), n, {**about, "n_samples": n})  # type: ignore[misc]
        for epoch, more in passes(epochs, trainer.at_once):
            with recorder.span("train", **about, n_samples=n, epoch=epoch, updates=n * more):
                trainer.run(more)
        progress(f"{kernel}, {n} samples")
    if trainer.infer is None:
        return
    trainer.infer(windows[0])  # the first call may compile
    with recorder.span("inference", **about, updates=calls) as found:
        found.update(latencies(trainer.infer, windows, calls))
    progress(f"{kernel}, {calls} predictions")


def record_topics(
    recorder: Recorder,
    kernel: str,
    make: Callable[[Tokens], Trainer],
    corpora: Sequence[Tokens],
    iterations: int,
    n_topics: int,
    *,
    progress: Progress = print,
) -> None:
    """Sample so many iterations of each corpus."""
    for tokens in corpora:
        n = len(tokens.words)
        about: dict[str, Any] = {"task": "topics", "kernel": kernel, "n_tokens": n, "n_topics": n_topics}
        about.update(n_documents=tokens.n_documents, n_words=tokens.n_words)
        trainer = _ready(recorder, lambda tokens=tokens: make(tokens), n, about)  # type: ignore[misc]
        for iteration, more in passes(iterations, trainer.at_once):
            with recorder.span("train", **about, iteration=iteration, updates=n * more):
                trainer.run(more)
        progress(f"{kernel}, {tokens.n_documents} documents, {tokens.n_words} words")


def _ready(recorder: Recorder, make: Callable[[], Trainer], updates: int, about: dict[str, Any]) -> Trainer:
    """Build, and compile by a first pass, which is logged as setting up though it trains as well."""
    with recorder.span("build", **about):
        trainer = make()
    if trainer.compiles:
        with recorder.span("compile", **about, updates=updates):
            trainer.run(1)
    return trainer


def passes(total: int, at_once: int) -> list[tuple[int, int]]:
    """For each span, the pass that it ends with, and how many it covers; the last may be shorter."""
    ends = [*range(at_once, total, at_once), total]
    return [(end, end - begin) for begin, end in zip([0, *ends], ends)]  # noqa: B905 (strict came with Python 3.10)


def latencies(infer: Callable[[Any], Any], windows: Any, calls: int) -> dict[str, float]:
    """Median and 99th percentile of single calls, in milliseconds."""
    took = []
    for call in range(calls):
        window = windows[call % len(windows)]
        started = time.perf_counter()
        infer(window)
        took.append(time.perf_counter() - started)
    took.sort()
    return {"latency_ms_median": 1e3 * took[calls // 2], "latency_ms_p99": 1e3 * took[calls * 99 // 100]}
