"""What this machine has and what the workbook needs: Python, packages, memory, Keras backend, data, browser parts.

A check returns a Finding and never raises; `preflight` prints those of a notebook, `pmt_helpers doctor` all of them.
"""

import ctypes
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from IPython import get_ipython

from pmt_helpers.teaching.display import say

MIN_PYTHON = (3, 11)
MIN_FREE_GB = 1.0  # a notebook's kernel stays below 0.8 GB
BACKEND = "jax"
GB = 1e9


@dataclass(frozen=True)
class Finding:
    """One thing checked: "ok", "warn" (something will be missing) or "stop" (the workbook cannot run)."""

    what: str
    found: str
    state: Literal["ok", "warn", "stop"] = "ok"
    remedy: str = ""


def check_python() -> Finding:
    """The version of Python."""
    version = platform.python_version()
    if sys.version_info >= MIN_PYTHON:
        return Finding("Python", version)
    return Finding("Python", version, "stop", "Install Python 3.11 or newer, then create the environment again.")


def check_backend() -> Finding:
    """The backend of Keras: the one in use when Keras is loaded already, else the one it would use."""
    keras = sys.modules.get("keras")
    chosen = os.environ.get("KERAS_BACKEND", "none chosen")
    if keras is not None and hasattr(keras, "backend"):
        chosen = keras.backend.backend()
        chosen += "" if (floats := keras.backend.floatx()) == "float32" else f" with {floats}"
    if chosen == BACKEND:
        return Finding("Keras backend", chosen)
    remedy = (
        f"Keras runs on {chosen} here, but the workbook needs {BACKEND}. Restart the kernel, and import pmt_helpers "
        "before keras."
    )
    return Finding("Keras backend", chosen, "stop", remedy)


def check_memory() -> Finding:
    """Memory that a notebook could still take, in GB."""
    free = free_memory()
    found = f"{free / GB:.1f} GB free"
    if free >= MIN_FREE_GB * GB:
        return Finding("memory", found)
    remedy = f"A notebook needs about {MIN_FREE_GB:g} GB. Shut down other kernels, or close other programs."
    return Finding("memory", found, "stop", remedy)


def free_memory(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> float:
    """Bytes free, of the machine or of the control group (a container, Binder) that holds us, whichever is less."""
    import psutil

    return min([float(psutil.virtual_memory().available), *_cgroup_free(proc, cgroups)])


def _cgroup_free(proc: Path, cgroups: Path) -> list[float]:
    """Room left in each memory-limited control group above this process; version 2 (one tree) and version 1."""
    try:
        lines = (proc / "self" / "cgroup").read_text(encoding="ascii").splitlines()
    except OSError:
        return []  # not Linux
    rooms = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            base, names = cgroups, ("memory.max", "memory.current")
        elif "memory" in controllers.split(","):
            base, names = cgroups / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes")
        else:
            continue
        folder = base / path.strip("/")
        for place in (folder, *folder.parents):
            room = _room(place / names[0], place / names[1], place / "memory.stat")
            if room is not None:
                rooms.append(room)
            if place == base:
                break
    return rooms


def _room(limit: Path, usage: Path, stat: Path) -> float | None:
    try:
        total, used = int(limit.read_text()), int(usage.read_text())
    except (OSError, ValueError):  # no such file, or "max": no limit here
        return None
    return float(max(total - used + _reclaimable(stat), 0))


def _reclaimable(stat: Path) -> int:
    """File cache which the kernel gives back when asked; it counts as used."""
    try:
        entries = dict(line.split() for line in stat.read_text().splitlines())
        return int(entries.get("inactive_file", entries.get("total_inactive_file", 0)))
    except (OSError, ValueError):
        return 0


def check_packages(requirements: Path | None = None) -> list[Finding]:
    """Each package of requirements.txt: its version, and whether that lies inside the range asked for."""
    from packaging.requirements import InvalidRequirement, Requirement

    findings = []
    for line in _requirement_lines(requirements or requirements_file()):
        try:
            wanted = Requirement(line)
        except InvalidRequirement:
            continue  # an option such as "-r other.txt"
        if wanted.marker is not None and not wanted.marker.evaluate():
            continue
        what, remedy = wanted.name, f'Install it again: python -m pip install "{wanted.name}{wanted.specifier}"'
        try:
            version = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            findings.append(Finding(what, "missing", "stop", remedy))
            continue
        if wanted.specifier.contains(version, prereleases=True):
            findings.append(Finding(what, version))
        else:
            findings.append(Finding(what, f"{version}, wanted {wanted.specifier}", "warn", remedy))
    return findings


def requirements_file() -> Path:
    """requirements.txt of a checkout; it does not exist beside an installed wheel."""
    return Path(__file__).resolve().parents[2] / "requirements.txt"


def _requirement_lines(path: Path) -> list[str]:
    if path.is_file():
        lines = path.read_text(encoding="utf-8").splitlines()
    else:
        try:
            lines = importlib.metadata.requires("pmt-helpers") or []
        except importlib.metadata.PackageNotFoundError:
            lines = []
    return [text for line in lines if (text := line.partition(" #")[0].strip()) and not text.startswith(("#", "-"))]


def check_data(dataset: str) -> Finding:
    """Whether the dataset loads, and how large it is. The loader's own message says how to get it."""
    from pmt_helpers.datasets import registry

    what = f"data {dataset}"
    try:
        data = registry.dataset(dataset).load()
    except Exception as error:  # whatever keeps the data from loading, the learner must read it, not a traceback
        found = getattr(error, "found", "") or type(error).__name__
        return Finding(what, f"cannot be loaded ({found})", "stop", getattr(error, "remedy", "") or str(error))
    return Finding(what, data.summary)


def check_cores() -> Finding:
    """Processor cores that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Finding("cores", str(cores))


def check_chromium() -> Finding:
    """A Chromium for the browser tests; learners do not need it."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next((found for name in names if (found := shutil.which(name))), None)
    if path:
        return Finding("Chromium", "found")
    return Finding(
        "Chromium", "not found", "warn", "Needed only for the browser tests: install Debian's chromium package."
    )


def check_folder(folder: Path) -> Finding:
    """Whether answers can be written into the notebooks' folder."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return Finding("notebook folder", "writable")
    except OSError as error:
        remedy = "Your answers would be lost when a notebook closes. Copy the workbook to a folder of your own."
        return Finding("notebook folder", f"not writable ({error.strerror})", "warn", remedy)


def check_extensions() -> list[Finding]:
    """The parts of JupyterLab that draw figures and widgets."""
    from jupyter_core.paths import jupyter_path

    folders = [Path(folder) for folder in jupyter_path("labextensions")]
    wanted = {"plotly": "jupyterlab-plotly", "ipywidgets": "@jupyter-widgets/jupyterlab-manager"}
    findings = []
    for package, name in wanted.items():
        what = f"JupyterLab shows {package}"
        if any((folder / name / "package.json").is_file() for folder in folders):
            findings.append(Finding(what, "yes"))
        else:
            remedy = f"Install {package} into the environment that runs JupyterLab, then start JupyterLab again."
            findings.append(Finding(what, "no", "warn", remedy))
    return findings


_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of glibc's malloc.h


def release_memory(_: object = None) -> None:
    """Give memory that compilers have freed back to the system. The argument is for IPython, which hands over a cell.

    XLA keeps its compiled functions, and glibc what XLA and Numba freed after compiling: together 50 to 130 MB after
    each training, which a kernel on Binder cannot spare. From then on, glibc also gives large blocks back as soon as
    they are freed, where it would fill them with small ones that stay.
    """
    if jax := sys.modules.get("jax"):
        jax.clear_caches()
    if sys.platform == "linux" and hasattr(c_library := ctypes.CDLL(None), "malloc_trim"):  # glibc has it, musl not
        c_library.malloc_trim(0)
        c_library.mallopt(_MMAP_THRESHOLD, 1 << 20)


def check_parameters(dataset: str, parameters: Mapping[str, Any]) -> list[Finding]:
    """What is wrong with a notebook's parameters; see `preflight`. Those that depend on missing data are left out."""
    from pmt_helpers.datasets import load_activity
    from pmt_helpers.datasets.mine import NAME, YOU

    findings = []
    for name, value in parameters.items():
        allowed: Sequence[Any] = range(2**31)
        if isinstance(value, tuple):
            value, allowed = value
        elif name == "PERSON":
            try:
                allowed = sorted(int(user) for user in load_activity(dataset).user_ids)
                allowed = [YOU] if dataset == NAME else allowed  # nobody else may train on your windows
            except Exception:  # check_data says so
                continue
        if (name == "PERSON" and value is None) or (not isinstance(value, bool | float) and value in allowed):
            continue
        if isinstance(allowed, range) or (name == "PERSON" and len(allowed) == allowed[-1] - allowed[0] + 1):
            wanted = f"a whole number from {allowed[0]} to {allowed[-1]}"
        else:
            wanted = f"one of {', '.join(map(str, allowed))}"
        none = ", or None for the person chosen in notebook 00" if name == "PERSON" else ""
        remedy = f"Give {wanted}{none}, in the cell with the parameters. Then run it again."
        findings.append(Finding(f"parameter {name}", repr(value), "stop", remedy))
    return findings


def preflight(dataset: str = "watch", **parameters: Any) -> None:
    """Print "Ready: Python 3.11.7, keras 3.15.1 on jax, 19.2 GB free, data watch: 1,737 windows of 10 people."

    When something is wrong, print a line for each problem instead, with what to do about it. Never raises.
    In a notebook, each cell from now on ends with release_memory().

    parameters: by their names in the notebook: PERSON and SEED by value, others with what is allowed, such as
    N_SAMPLES=(N_SAMPLES, range(2, 21)) or BOARD=(BOARD, ("3b", "4b")).
    """
    from pmt_helpers.teaching.trial_run import check_libraries  # it knows what a Finding is from here

    if shell := get_ipython():
        shell.events.register("post_run_cell", release_memory)
    python, backend, memory = check_python(), check_backend(), check_memory()
    packages, data = check_packages(), check_data(dataset)
    findings = python, backend, memory, *packages, check_libraries(), data, *check_parameters(dataset, parameters)
    problems = [finding for finding in findings if finding.state != "ok"]
    if problems:
        say("Not ready yet:")
        for problem in problems:
            say(f"- {problem.what}: {problem.found}. {problem.remedy}")
        return
    keras = importlib.metadata.version("keras")
    say(f"Ready: Python {python.found}, keras {keras} on {backend.found}, {memory.found}, {data.what}: {data.found}.")
