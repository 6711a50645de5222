"""What a machine's own settings can break, tried before a notebook meets it: libraries, kernel, names of files.

`python -m pmt_helpers.teaching.trial_run` does a tiny piece of each thing that the notebooks do, in a process of its
own, since a wrong library can end the process that loads it. Once is enough: a file beside the compiled functions then
says that this interpreter, these packages and these settings work.
"""

import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from pmt_helpers.teaching.surroundings import Finding

SECONDS = 300  # the first time on a slow machine, everything is compiled
_SETTINGS = ("KERAS_", "JAX_", "XLA_", "NUMBA_", "TF_", "OMP_", "OPENBLAS_", "MKL_", "LD_", "DYLD_", "PYTHON")
_PACKAGES = ("numpy", "scipy", "numba", "llvmlite", "jax", "jaxlib", "keras", "pandas", "scikit-learn", "plotly")


def check_libraries() -> Finding:
    """Whether Keras, JAX and the compiled loops run here; tried again only where something has changed."""
    stamp = Path(os.environ.get("JAX_COMPILATION_CACHE_DIR", os.devnull)) / f"pmt-works-{_digest()}"
    if stamp.is_file():
        return Finding("libraries", "work")
    found = _run([sys.executable, "-m", __name__], Path.cwd())
    if found is None:
        with suppress(OSError):  # then the next notebook tries again
            stamp.touch()
        return Finding("libraries", "work")
    remedy = (
        "Start from a new terminal, without variables of other projects. If that does not help: make clean, make lab."
    )
    return Finding("libraries", found, "stop", remedy)


def _run(command: list[str], folder: Path) -> str | None:
    """Run it in the folder; None when all went well, otherwise the step that it named last, and what went wrong."""
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"cannot be tried ({type(error).__name__})"
    if done.returncode == 0:
        return None
    step = (done.stdout.strip().splitlines() or ["Python"])[-1]
    why = (done.stderr.strip().splitlines() or ["without a word"])[-1]
    return f"{step} stopped" + (f" by signal {-done.returncode}" if done.returncode < 0 else "") + f": {why[:300]}"


def check_kernel() -> Finding:
    """The Python that Jupyter would start for a notebook: this one, or another that has the workbook."""
    from jupyter_core.paths import jupyter_path

    what, remedy = "Jupyter's kernel", f"Run: {sys.executable} -m ipykernel install --sys-prefix"
    specs = [Path(folder, "python3", "kernel.json") for folder in jupyter_path("kernels")]
    if (path := next(filter(Path.is_file, specs), None)) is None:
        return Finding(what, "this Python")  # ipykernel brings its own
    remedy += f", or remove the folder {path.parent}."
    try:
        name = str(json.loads(path.read_bytes())["argv"][0])
    except (OSError, ValueError, LookupError, TypeError) as error:
        return Finding(what, f"its description cannot be read ({type(error).__name__})", "stop", remedy)
    if name in ("python", "python3", f"python3.{sys.version_info.minor}", sys.executable):
        return Finding(what, "this Python")  # Jupyter takes the first three for the Python that it runs on
    if (program := shutil.which(name)) is None:
        return Finding(what, f"{name} is not there", "stop", remedy)
    with tempfile.TemporaryDirectory() as elsewhere:  # not here, where the workbook lies in the current folder
        found = _run([program, "-c", "import ipykernel, pmt_helpers"], Path(elsewhere))
    return Finding(what, program) if found is None else Finding(what, f"{program}: {found}", "stop", remedy)


def check_names(folder: Path) -> Finding:
    """Files in the notebooks' folder that hide a module: Python looks there first."""
    taken = {*sys.stdlib_module_names, *importlib.metadata.packages_distributions(), "pmt_helpers"}
    hiding = sorted(path.name for path in folder.glob("*.py") if path.stem in taken)
    if not hiding:
        return Finding("names of files", "hide no module")
    return Finding("names of files", f"{', '.join(hiding)} would be imported instead of a module", "stop", "Rename it.")


def _digest() -> str:
    """Of the interpreter, the packages and the settings that decide whether they work."""
    parts = [sys.executable, sys.version, str(Path.home())]
    for name in _PACKAGES:
        try:
            parts.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            parts.append(f"no {name}")
    parts += [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith(_SETTINGS)]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def main() -> None:
    """Each step's name, then the step."""
    print("a JAX operation", flush=True)
    import jax

    if float(jax.jit(lambda x: x + 1)(1.0)) != 2.0 or jax.config.read("jax_enable_x64"):
        sys.exit("1 + 1 is not 2 in 32 bits")
    print("a Keras model", flush=True)
    import keras
    import numpy as np

    from pmt_helpers.activity import build_mlp

    if keras.config.backend() != "jax" or keras.config.floatx() != "float32":
        sys.exit(f"Keras runs on {keras.config.backend()} with {keras.config.floatx()}, not on jax with float32")
    probabilities = build_mlp(3, 2).predict(np.ones((1, 3), np.float32), verbose=0)
    if not abs(float(probabilities.sum()) - 1) < 1e-5:
        sys.exit("probabilities do not sum to one")
    print("a compiled loop", flush=True)
    import numba

    if numba.njit(lambda x: x + 1)(1) != 2:
        sys.exit("1 + 1 is not 2")
    print("a stored compiled loop", flush=True)
    from pmt_helpers.topics import GibbsLDA

    GibbsLDA(n_topics=2, seed=0).fit(np.ones((2, 3), int), 1)


if __name__ == "__main__":
    main()
