"""Instructions of an online update, of a token, and of setting up: `python -m tools.raspi3b.count_instructions`.

The project's own kernels and the libraries it uses, in their aarch64 wheels and the same versions as here, run under
qemu-aarch64 as a Cortex-A53; a plugin counts. Two trainings of different length are counted, and their difference
divided by the updates that one has more: whatever a call costs once falls out. Notebook 06, step 3.
"""

import csv
import datetime
import json
import os
import re
import subprocess
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import click
from tqdm.auto import tqdm

from pmt_helpers.datasets.files import atomic_path

from . import image, wheels

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
PLUGIN = "libcount.so"
DEBIAN = ("python3", "libstdc++6", "libgomp1")
RUNS = {  # task, kernel: epochs or iterations of the short and of the long training
    ("activity", "numpy"): (2, 6),
    ("topics", "numpy"): (1, 3),
    ("topics", "python"): (1, 3),
    ("topics", "numba"): (20, 100),
    ("activity", "jax"): (200, 600),
    ("activity", "numba"): (200, 600),
    ("activity", "keras_fit"): (2, 6),
    ("activity", "keras_batch"): (1, 3),
}
CORTEX_A53 = {"OPENBLAS_CORETYPE": "CORTEXA53", "NUMBA_CPU_NAME": "cortex-a53", "NUMBA_CPU_FEATURES": "+neon"}
HOW = "qemu-aarch64 user mode, Cortex-A53, TCG plugin; instructions of the program, all threads, none of the kernel"


class Count(NamedTuple):
    """A row of instructions.csv: what one kernel costs, in instructions."""

    task: str
    kernel: str
    per_update: int
    import_instructions: int
    modules_instructions: int
    first_call_instructions: int
    setup_instructions: int
    updates_counted: int


def count_of(task: str, kernel: str, marks: dict[int, int], updates: int, short: int, long: int) -> Count:
    """From the plugin's counts at the marks of `counted.py`. updates: of one epoch or iteration."""
    between = [marks[n + 1] - marks[n] for n in range(5)]
    more = (long - short) * updates
    per_update = round((between[4] - between[3]) / more)
    imports, modules = marks[1], between[1]  # the interpreter's own start counts as import
    first = max(0, between[2] - updates * per_update)  # what compiling took, beside the work of that call
    return Count(task, kernel, per_update, imports, modules, first, imports + first, more)


def marks_of(printed: str) -> dict[int, int]:
    """The plugin's lines, `mark NUMBER COUNT`. Raises ValueError when some of the six are missing."""
    marks = {int(n): int(count) for n, count in re.findall(r"^mark (\d+) (\d+)$", printed, re.MULTILINE)}
    if missing := set(range(6)) - set(marks):
        raise ValueError(f"no mark {sorted(missing)} in what the program printed, which ends: {printed[-500:]!r}")
    return marks


def prepare(folder: Path) -> None:
    """Debian's Python for arm64 with its modules compiled, the wheels, and the plugin."""
    image.require_programs("qemu-aarch64", "gcc", "taskset", "apt-get", "dpkg-deb")
    system = folder / "system"
    if not (system / "usr/bin/python3").exists():
        system.mkdir(parents=True, exist_ok=True)
        image.unpack(image.download(DEBIAN, folder / "apt"), system)
        emulated(folder, ["-m", "compileall", "-q", str(system / "usr/lib")])  # as Debian does on installing
    wheels.install(folder / "site", system)
    api = "1" if int(qemu_version().split(".")[0]) < 9 else "2"
    compiler = ["gcc", "-O2", "-shared", "-fPIC", f"-DAPI={api}", "-o", str(folder / PLUGIN), str(HERE / "count.c")]
    subprocess.run(compiler, check=True)


def qemu_version() -> str:
    """As 7.2.22."""
    said = subprocess.run(["qemu-aarch64", "--version"], capture_output=True, text=True, check=True).stdout
    return re.findall(r"version ([\d.]+)", said)[0]


def emulated(
    folder: Path, arguments: list[str], *qemu: str, timeout_s: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Python on one emulated core, with the wheels and the project. Raises click.ClickException when it fails."""
    system = folder / "system"
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    settings = {"PYTHONPATH": f"{folder / 'site'}:{ROOT}", "PYTHONHOME": str(system / "usr"), "PYTHONHASHSEED": "0"}
    one_core = ["taskset", "--cpu-list", "0", "qemu-aarch64", "-cpu", "cortex-a53", "-L", str(system), *qemu]
    with tempfile.TemporaryDirectory(dir=folder) as cache:  # Numba finds nothing compiled
        settings |= {**wheels.ONE_THREAD, **CORTEX_A53, "NUMBA_CACHE_DIR": cache, "TQDM_DISABLE": "1"}
        command = [*one_core, str(system / "usr/bin/python3"), *arguments]
        done = subprocess.run(command, env=inherited | settings, capture_output=True, text=True, timeout=timeout_s)
    if done.returncode:
        raise click.ClickException(f"{' '.join(arguments)} failed under QEMU:\n{done.stderr.strip()[-2000:]}")
    return done


def count(folder: Path, task: str, kernel: str, timeout_s: float) -> tuple[Count, str]:
    """One kernel, and the version of Python."""
    short, long = RUNS[task, kernel]
    program = [str(HERE / "counted.py"), task, kernel, str(short), str(long)]
    done = emulated(folder, program, "-plugin", str(folder / PLUGIN), timeout_s=timeout_s)
    updates, python = done.stdout.split()[-2:]
    return count_of(task, kernel, marks_of(done.stderr), int(updates), short, long), python


def write(path: Path, counts: list[Count], python: str, seconds: float) -> None:
    """The table and, beside it, where it is from."""
    with atomic_path(path) as temporary, temporary.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(Count._fields)
        table.writerows(counts)
    about: dict[str, Any] = {
        "command": "python -m tools.raspi3b.count_instructions",
        "how": HOW,
        "simd": "NEON, 4 float32 at a time; counts on x86 (AVX2: 8) are others",
        "sizes": "43-128-6 network, 40 windows; 40 documents of 60 tokens, 1,000 words, 20 topics; synthetic",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "seconds": round(seconds),
        "versions": {"qemu": qemu_version(), "python": python, **{name: version(name) for name in wheels.WHEELS}},
        "settings": {**wheels.ONE_THREAD, **CORTEX_A53},
    }
    with atomic_path(path.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(about, indent=1) + "\n")


@click.command()
@click.option("--only", multiple=True, help="TASK/KERNEL, as activity/numba; prints, and writes no table.")
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "data" / "pi_logs" / "instructions.csv")
@click.option("--build", type=click.Path(path_type=Path), default=ROOT / "build" / "aarch64")
@click.option("--timeout", default=1800.0, show_default=True, help="Seconds for one kernel.")
def main(only: tuple[str, ...], out: Path, build: Path, timeout: float) -> None:
    """Count what one update of each kernel, and setting it up, takes on aarch64."""
    started = time.monotonic()
    prepare(build)
    counts = []
    for task, kernel in tqdm([run for run in RUNS if not only or "/".join(run) in only], desc="kernels"):
        counted, python = count(build, task, kernel, timeout)
        counts.append(counted)
        tqdm.write(
            f"{task} {kernel}: {counted.per_update:,} per update; set-up {counted.setup_instructions / 1e9:.2f} G "
            f"(first call {counted.first_call_instructions / 1e9:.2f} G)"
        )
    if not only:
        write(out, counts, python, time.monotonic() - started)


if __name__ == "__main__":
    main()
