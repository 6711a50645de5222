"""Privacy-preserving personal model training (Servia-Rodríguez et al., IoTDI 2018): the code behind the notebooks."""

import os
import platform
import re
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path

import platformdirs

__version__ = "0.1.0"

# What decides results is set here, before the first import of Keras, JAX and Numba. Settings that other projects have
# left on this machine are taken out: a float type, an epoch limit or a missing device would change or stop everything.
_PACKAGE = Path(__file__).parent
_KEPT = ("JAX_COMPILATION_CACHE_DIR", "NUMBA_CACHE_DIR", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NUMBA_BOUNDSCHECK")
_THREADS = os.environ.get("NUMBA_NUM_THREADS", "")
for _name in [name for name in os.environ if name.startswith(("KERAS_", "JAX_", "NUMBA_")) and name not in _KEPT]:
    del os.environ[_name]
os.environ |= {
    "KERAS_BACKEND": "jax",
    "KERAS_HOME": str(_PACKAGE / "keras_settings"),  # its keras.json, in place of the one in the user's home
    "JAX_PLATFORMS": "cpu",
    "NUMBA_DISABLE_JIT": "0",  # named, since a .numba_config.yaml in the current folder may say otherwise
}
if re.fullmatch("[1-9][0-9]?", _THREADS):
    os.environ["NUMBA_NUM_THREADS"] = _THREADS

# XLA ends the process at a flag that it does not know. One instruction set for all: processors with and without AVX-512
# then sum in the same order, and a laptop and Binder print the same accuracies.
_FLAGS = r"--xla_cpu_max_isa=(SSE4_2|AVX|AVX2|AVX512)|--xla_cpu_multi_thread_eigen=(true|false)"
_FLAGS += r"|intra_op_parallelism_threads=\d+"
if "XLA_FLAGS" not in os.environ or not all(re.fullmatch(_FLAGS, flag) for flag in os.environ["XLA_FLAGS"].split()):
    is_intel = platform.machine().lower() in ("x86_64", "amd64")
    os.environ["XLA_FLAGS"] = "--xla_cpu_max_isa=AVX2" if is_intel else ""


def _can_write(folder: Path) -> bool:
    """Whether a file can be made in the folder, which is made if it does not exist."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            return file.write(bytes(4096)) == 4096  # a full disk lets a file be made and nothing be written
    except OSError:
        return False


# What JAX and Numba compile is kept beside the code, so that a later kernel need not compile it again. Where it cannot
# be written Numba goes to the user's cache folder, and needs another one where neither can.
_COMPILED = _PACKAGE / "__pycache__" / "jax"
for _name in ("JAX_COMPILATION_CACHE_DIR", "NUMBA_CACHE_DIR"):
    if _name in os.environ and not _can_write(Path(os.environ[_name])):
        del os.environ[_name]
if not _can_write(_COMPILED):
    if "NUMBA_CACHE_DIR" not in os.environ and not _can_write(platformdirs.user_cache_path("numba")):
        with suppress(OSError):
            _TEMPORARY = tempfile.TemporaryDirectory(prefix="pmt-numba-", ignore_cleanup_errors=True)
            os.environ["NUMBA_CACHE_DIR"] = _TEMPORARY.name
elif "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(_COMPILED)
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
# JAX writes straight into the file. One that a killed kernel left half written does not unpack: JAX then compiles, and
# would warn the learner in every later kernel.
warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache entry")
