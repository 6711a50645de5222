"""What `count_instructions.py` runs inside the emulation: one kernel, with marks that the plugin sees.

python counted.py TASK KERNEL SHORT LONG: imports, first call, then a training of SHORT and one of LONG epochs.
"""

import os
import sys
from importlib import import_module

FIRST_MARK = 770000  # as in count.c
LIBRARY = {"numba": "numba", "jax": "jax", "keras_fit": "keras", "keras_batch": "keras"}
CALLERS = {("activity", "numba"): "pmt_helpers.activity.online", ("topics", "numba"): "pmt_helpers.topics.gibbs"}
N_WINDOWS, N_DOCUMENTS, N_WORDS, LENGTH = 40, 40, 1000, 60


def mark(number: int) -> None:
    """A system call with a number that has no meaning but here."""
    try:
        os.sched_get_priority_max(FIRST_MARK + number)
    except OSError:
        return


def main(task: str, kernel: str, short: int, long: int) -> None:
    """Marks: 0 start, 1 the libraries are there, 2 the project's modules are, 3 first call done, 4 short, 5 long."""
    mark(0)
    if kernel != "python":
        import_module("numpy")
        import_module(LIBRARY.get(kernel, "numpy"))
    mark(1)
    from pmt_helpers.device import pi_profile, workloads

    if kernel != "python":
        workloads.import_kernel(task, kernel)
        import_module(CALLERS.get((task, kernel), "numpy"))
    if task == "activity":
        windows = pi_profile.synthetic_windows(N_WINDOWS)
        updates = N_WINDOWS
    else:
        tokens = pi_profile.synthetic_tokens(N_DOCUMENTS, N_WORDS, LENGTH)
        updates = len(tokens.words)
    mark(2)
    trainer = workloads.NETWORKS[kernel](*windows) if task == "activity" else workloads.SAMPLERS[kernel](tokens, 20)
    trainer.run(1)
    mark(3)
    trainer.run(short)
    mark(4)
    trainer.run(long)
    mark(5)
    print(updates, sys.version.split()[0])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
