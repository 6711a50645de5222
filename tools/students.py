"""How much memory students on one machine take: `python -m tools.students 02 07 --students 3`, from the checkout's top.

Each student gets a JupyterLab server of their own and a kernel, as on a JupyterHub; all run a notebook at the same
time, solved or not. Memory is PSS: what several processes share is divided among them (Linux).
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient

from pmt_helpers.workbook.files import learner_paths
from pmt_helpers.workbook.run import KERNEL_ARGUMENTS, kernel_environment

SECONDS_TO_START = 15


def megabytes(pids: list[int]) -> float:
    """PSS of these processes and of all that they have started, in 1e6 bytes."""
    total = 0
    for pid in pids:
        try:
            started = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        except psutil.Error:
            continue
        for process in started:
            try:
                total += process.memory_full_info().pss
            except psutil.Error:  # it has ended meanwhile
                continue
    return total / 1e6


def peak(path: Path, students: int) -> tuple[float, float, float]:
    """MB of an idle server, MB of everything at its highest, and seconds, when so many run the notebook at once."""
    with tempfile.TemporaryDirectory() as scratch, kernel_environment() as variables:
        command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--ServerApp.port=0"]
        servers = [
            subprocess.Popen(command, cwd=scratch, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for _ in range(students)
        ]
        try:
            time.sleep(SECONDS_TO_START)
            idle = megabytes([server.pid for server in servers])
            clients = [
                NotebookClient(
                    nbformat.read(path, as_version=4), timeout=600, kernel_name="python3",
                    extra_arguments=KERNEL_ARGUMENTS, resources={"metadata": {"path": str(path.parent)}},
                )
                for _ in range(students)
            ]  # fmt: skip
            threads = [threading.Thread(target=client.execute, kwargs={"env": variables}) for client in clients]
            started, highest = time.perf_counter(), idle
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                provisioners = [getattr(client.km, "provisioner", None) for client in clients]
                kernels = [getattr(provisioner, "pid", None) for provisioner in provisioners]
                highest = max(highest, megabytes([server.pid for server in servers] + [pid for pid in kernels if pid]))
                time.sleep(0.2)
            return idle / students, highest, time.perf_counter() - started
        finally:
            for server in servers:
                server.terminate()
            for server in servers:
                server.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=["02", "07"])
    parser.add_argument("--students", type=int, default=1)
    arguments = parser.parse_args()
    for path in learner_paths(arguments.names):
        idle, highest, seconds = peak(path, arguments.students)
        each = highest / arguments.students
        print(f"{path.stem}, {arguments.students} at once: {highest:.0f} MB at most, {each:.0f} MB each,", end=" ")
        print(f"of it JupyterLab {idle:.0f} MB; {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
