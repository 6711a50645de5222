"""Unpickling arrays, and nothing but arrays.

A pickle is a small program: loading one may call any function it names. A data file has no business doing that, so the
three things that rebuild a NumPy array are allowed here and every other name is refused.
"""

import pickle
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np


class UnsafePickleError(pickle.UnpicklingError):
    """The pickle asks for something other than a NumPy array."""


def _old_bytes(text: str, encoding: str) -> bytes:
    """Stand-in for _codecs.encode, through which Python 2 era pickles carry bytes."""
    if encoding != "latin1":
        raise UnsafePickleError(f"bytes in encoding {encoding!r}")
    return text.encode("latin1")


_ARRAY_PARTS: dict[tuple[str, str], Callable[..., Any]] = {
    # NumPy 2 moved numpy.core to numpy._core; asking an array how it is rebuilt gives the right function on both.
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],  # type: ignore[dict-item]
    ("numpy._core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],  # type: ignore[dict-item]
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _old_bytes,
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        try:
            return _ARRAY_PARTS[module, name]
        except KeyError:
            raise UnsafePickleError(f"{module}.{name}, which is no part of an array") from None


def load_pickled_npy(file: BinaryIO) -> Any:
    """The object inside a .npy file that np.load would only read with allow_pickle=True.

    Raises UnsafePickleError for a pickle that wants more than arrays, ValueError for what is not a .npy file at all;
    a damaged pickle raises whatever the pickle module meets (EOFError, UnpicklingError, ValueError and others).
    """
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    _, _, dtype = read_header(file)
    if not dtype.hasobject:
        raise ValueError(f"a plain array of {dtype}, not a pickled object")
    content = _ArrayUnpickler(file).load()
    return content.item() if isinstance(content, np.ndarray) and content.shape == () else content
