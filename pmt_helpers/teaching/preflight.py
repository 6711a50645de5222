"""One line at the top of a notebook: this machine is ready, or what to do first."""

import importlib.metadata

from pmt_helpers.teaching import machine


def preflight(dataset: str = "watch") -> None:
    """Print "Ready: Python 3.11.7, keras 3.15.1 on jax, 19.2 GB free, data watch: 1,737 windows of 10 people."

    When something is wrong, print a line for each problem instead, with what to do about it. Never raises.
    """
    python, backend, memory = machine.look_at_python(), machine.look_at_backend(), machine.look_at_memory()
    packages, data = machine.look_at_packages(), machine.look_at_data(dataset)
    problems = [finding for finding in (python, backend, memory, *packages, data) if finding.state != "ok"]
    if problems:
        print("Not ready yet:")
        for problem in problems:
            print(f"- {problem.what}: {problem.found}. {problem.remedy}")
        return
    keras = importlib.metadata.version("keras")
    print(f"Ready: Python {python.found}, keras {keras} on {backend.found}, {memory.found}, {data.what}: {data.found}.")
