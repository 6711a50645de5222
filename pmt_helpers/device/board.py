"""The one-file edition's command line and its data: the true shapes, made up. Notebook 05, last step.

Python 3.9 and NumPy only. `export.py` puts this file and those it rests on together.
"""

from __future__ import annotations

import argparse
import random
import sys
from typing import Any

from pmt_helpers.device.kernels import GOLDEN, Network, Tokens, numpy_gibbs, numpy_mlp, python_gibbs
from pmt_helpers.device.readings import Readings
from pmt_helpers.device.recorder import ORIGINS, Recorder
from pmt_helpers.device.runs import record_activity, record_topics

N_FEATURES, N_HIDDEN, N_CLASSES = 43, 128, 6
NOTE = "one-file edition; synthetic data of the true shapes"


def origin_here(readings: Readings) -> str:
    """What a log recorded on this machine is, as far as it can tell: an emulated board has to be told."""
    if "Raspberry Pi" in (readings.model() or ""):
        return "measured-pi"
    return "measured-host-constrained" if readings.memory_limit() else "measured-host"


def synthetic_windows(n: int, seed: int = 0) -> tuple[Network, Any, Any]:
    """A network to start from; windows (n, 44), the last column 1 for the bias; labels (n,)."""
    import numpy as np

    rng = np.random.default_rng(seed)
    X = np.ones((n, N_FEATURES + 1), np.float32)
    X[:, :N_FEATURES] = rng.normal(size=(n, N_FEATURES))
    hidden = rng.normal(0, (2 / N_FEATURES) ** 0.5, (N_FEATURES + 1, N_HIDDEN)).astype(np.float32)
    hidden[-1] = 0
    output = rng.normal(0, (2 / N_HIDDEN) ** 0.5, (N_CLASSES, N_HIDDEN)).astype(np.float32)
    return Network(hidden, output, np.zeros(N_CLASSES, np.float32), N_FEATURES), X, rng.integers(0, N_CLASSES, n)


def synthetic_tokens(n_documents: int, n_words: int, length: int, percent: int = 100, seed: int = 0) -> Tokens:
    """Documents of `length` tokens, word r as frequent as 1 / (r + 10), as after taking out the stop words.

    percent: of the vocabulary, spread over frequent and rare words alike, so that tokens go with words.
    """
    rng = random.Random(seed)
    drawn = rng.choices(range(n_words), [1 / (rank + 10) for rank in range(n_words)], k=n_documents * length)
    spread = sorted(range(n_words), key=lambda rank: rank * GOLDEN % 1)
    kept = {word: place for place, word in enumerate(spread[: n_words * percent // 100])}
    pairs = [(kept[word], at // length) for at, word in enumerate(drawn) if word in kept]
    return Tokens([word for word, _ in pairs], [document for _, document in pairs], len(kept), n_documents)


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line; numbers with commas make series."""
    parser = argparse.ArgumentParser(description="Record what training costs on this machine (schema pi-profile/1).")
    parser.add_argument("--out", required=True, help='the log, a new file; "-" for standard output')
    parser.add_argument("--task", choices=("activity", "topics"), default="activity")
    parser.add_argument("--kernel", choices=("numpy", "python"), default="numpy", help="python: topics only")
    parser.add_argument("--origin", choices=ORIGINS, help="default: what this machine says of itself")
    parser.add_argument("--samples", type=_numbers, default=[20, 40, 80, 160], help="windows to train on")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--calls", type=int, default=200, help="single predictions to time")
    parser.add_argument("--documents", type=_numbers, default=[20, 40, 60, 80], help="documents to sample")
    parser.add_argument("--percents", type=_numbers, default=[25, 50, 75], help="of the vocabulary, at most documents")
    parser.add_argument("--words", type=int, default=1000, help="words of the whole vocabulary")
    parser.add_argument("--length", type=int, default=60, help="tokens of a document")
    parser.add_argument("--topics", type=int, default=20)
    parser.add_argument("--iterations", type=int, default=5)
    parser.add_argument("--every", type=float, default=1.0, help="seconds between samples, 0 for none")
    parser.add_argument("--note", default=NOTE)
    parser.add_argument("--run-id")
    parser.add_argument("--utc", help="where the clock is wrong")
    given = parser.parse_args(arguments)
    if given.task == "activity" and given.kernel == "python":
        parser.error("the python kernel is for --task topics")
    return given


def main(arguments: list[str] | None = None) -> None:
    """Record one log."""
    given, readings = options(arguments), Readings()
    about = {"run_id": given.run_id, "utc": given.utc, "note": given.note, "task": given.task, "every_s": given.every}
    with Recorder(given.out, given.origin or origin_here(readings), readings=readings, **about) as recorder:
        if given.kernel == "numpy":
            with recorder.span("import", task=given.task, kernel="numpy"):
                import numpy  # noqa: F401
        (_activity if given.task == "activity" else _topics)(recorder, given)


def _activity(recorder: Recorder, given: argparse.Namespace) -> None:
    with recorder.span("load", task="activity", kernel="numpy"):
        start, X, y = synthetic_windows(max(given.samples))
    record_activity(
        recorder,
        "numpy",
        lambda n: numpy_mlp(start, X[:n], y[:n]),
        X,
        given.samples,
        given.epochs,
        calls=given.calls,
        progress=_say,
    )


def _topics(recorder: Recorder, given: argparse.Namespace) -> None:
    sizes = [(n, 100) for n in given.documents] + [(max(given.documents), percent) for percent in given.percents]
    with recorder.span("load", task="topics", kernel=given.kernel):
        corpora = [synthetic_tokens(n, given.words, given.length, percent) for n, percent in sizes]
    gibbs = numpy_gibbs if given.kernel == "numpy" else python_gibbs
    record_topics(
        recorder,
        given.kernel,
        lambda tokens: gibbs(tokens, given.topics),
        corpora,
        given.iterations,
        given.topics,
        progress=_say,
    )


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
