"""What the emulated board runs when a kernel needs more than NumPy: python -m tools.raspi3b.on_board TASK KERNEL ..."""

import sys
from typing import Any

from pmt_helpers.device import Recorder, pi_profile, workloads

SAMPLES, DOCUMENTS = (20, 40, 80, 160), (20, 40, 60, 80)
WORDS, LENGTH, TOPICS = 1000, 60, 20
EPOCHS = {"numba": 3000, "jax": 1000, "keras_fit": 20, "keras_batch": 2}
ITERATIONS, CALLS = 100, 200


def main(task: str, kernel: str, run_id: str, utc: str, note: str) -> None:
    """Print one log, as pi_profile.py does for plain NumPy."""
    about: dict[str, Any] = {"run_id": run_id, "utc": utc, "note": note, "task": task, "every_s": 0}
    with Recorder("-", "emulated-raspi3b-icount", **about) as recorder:
        with recorder.span("import", task=task, kernel=kernel):
            workloads.import_kernel(task, kernel)
        if task == "activity":
            start, X, y = pi_profile.synthetic_windows(max(SAMPLES))
            network, sizes = workloads.NETWORKS[kernel], (SAMPLES, EPOCHS[kernel])
            pi_profile.record_activity(
                recorder, kernel, lambda n: network(start, X[:n], y[:n]), X, *sizes, calls=CALLS, progress=say
            )
        else:
            corpora = [pi_profile.synthetic_tokens(n, WORDS, LENGTH) for n in DOCUMENTS]
            sampler = workloads.SAMPLERS[kernel]
            pi_profile.record_topics(
                recorder, kernel, lambda tokens: sampler(tokens, TOPICS), corpora, ITERATIONS, TOPICS, progress=say
            )


def say(line: str) -> None:
    """To standard error: standard output is the log."""
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
