"""The libraries that the workbook uses, in the versions installed here, as their makers built them for aarch64."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import click

WHEELS = (
    *("numpy", "scipy", "pandas", "scikit-learn", "numba", "jax", "jaxlib", "keras", "tqdm", "joblib"),
    *("lazy-loader", "platformdirs"),
)
PLATFORMS = [f"manylinux{tag}_aarch64" for tag in ("2014", "_2_17", "_2_26", "_2_27", "_2_28")]

ONE_THREAD = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "KERAS_BACKEND": "jax",
    "NUMBA_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
}


def install(site: Path, system: Path) -> None:
    """Into the folder `site`, for the Python of `system`, unless it is there. Needs the network."""
    if site.exists():
        return
    minor = (system / "usr/bin/python3").resolve().name.removeprefix("python")
    where = [word for platform in PLATFORMS for word in ("--platform", platform)]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "install", "--target", str(site)]
    only = ["--only-binary=:all:", "--python-version", minor, *where]
    wanted = [f"{name}=={version(name)}" for name in WHEELS]
    done = subprocess.run([*pip, *only, *wanted], capture_output=True, text=True)
    if done.returncode:
        raise click.ClickException(f"no wheels for Python {minor} on aarch64: {done.stderr.strip()[-1500:]}")
