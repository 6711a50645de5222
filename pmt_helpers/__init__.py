"""Privacy-preserving personal model training (Servia-Rodríguez et al., IoTDI 2018): the code behind the notebooks."""

import os
import platform
from contextlib import suppress
from pathlib import Path

__version__ = "0.1.0"

# The one place that chooses the Keras backend; it must happen before the first import of keras, in lower case.
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
if platform.machine().lower() in ("x86_64", "amd64"):
    # One instruction set for all: processors with and without AVX-512 then sum in the same order, and a laptop and
    # Binder print the same accuracies.
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_max_isa=AVX2")

# What JAX compiles is kept beside what Numba compiles, so that a later kernel need not compile it again.
_COMPILED = Path(__file__).parent / "__pycache__" / "jax"
with suppress(OSError):
    _COMPILED.mkdir(parents=True, exist_ok=True)
if os.access(_COMPILED, os.W_OK):
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(_COMPILED))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
