"""Models and vectors as two plain files: an .npz of arrays, and beside it a JSON card that anybody can read.

No pickle: loading a stranger's model must never run a stranger's code. The card has the arrays' digest, so two files
that do not belong together are noticed. load_pickled_npy reads the one file of ours that is a pickle, arrays only.
"""

import hashlib
import json
import pickle
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import atomic_path

# All that np.load and pickle were seen to raise, or may by their source, for a file that somebody else wrote.
DAMAGED = (
    ValueError, TypeError, OSError, EOFError, AttributeError, LookupError, MemoryError, NotImplementedError,
    RuntimeError, OverflowError, SyntaxError, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
    pickle.UnpicklingError,
)  # fmt: skip


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write an .npz of plain arrays, completely or not at all."""
    with atomic_path(path) as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def write_card(path: Path, card: Mapping[str, Any]) -> None:
    """Write a JSON card, completely or not at all; one value per line."""
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    with atomic_path(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def read_arrays(path: Path, needed: tuple[str, ...], what: str) -> dict[str, np.ndarray]:
    """All arrays of an .npz. what: what it should hold. Raises DataError for a damaged file or another."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise DataError(file=path, expected=what, found="no file", remedy="keep .npz and .json together") from None
    except DAMAGED as error:
        found, remedy = f"{type(error).__name__}: {error}", "copy or save the model again; the file is damaged"
        raise DataError(file=path, expected="an .npz archive of plain arrays", found=found, remedy=remedy) from None
    missing = set(needed) - set(arrays)
    if missing:
        expected, found = f"arrays {', '.join(needed)}", f"without {', '.join(sorted(missing))}"
        raise DataError(file=path, expected=expected, found=found, remedy="save the model again")
    return arrays


def read_card(path: Path, form: str, needed: set[str]) -> dict[str, Any]:
    """A JSON card of this format with at least these keys. Raises DataError for another or a damaged file."""
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        missing = isinstance(error, FileNotFoundError)
        found, remedy = ("no file", "keep .npz and .json together") if missing else (str(error), "save the model again")
        raise DataError(file=path, expected="a model's JSON card", found=found, remedy=remedy) from None
    needed = {"format", *needed}
    if not isinstance(card, dict) or card.get("format") != form or not needed <= set(card):
        found = f"format {card.get('format')!r}, keys {sorted(card)}" if isinstance(card, dict) else type(card).__name__
        remedy = "save the model again with this version of pmt_helpers"
        expected = f"format {form!r} with {', '.join(sorted(needed))}"
        raise DataError(file=path, expected=expected, found=found, remedy=remedy)
    return card


def check_digest(path: Path, arrays: Mapping[str, np.ndarray], stated: Any) -> None:
    """Raises DataError when these are not the arrays that the card was written for."""
    found = digest(arrays)
    if found != stated:
        expected, found = f"arrays with digest {str(stated)[:12]}... as in its card", f"digest {found[:12]}..."
        remedy = "copy the .npz and .json of one model together again"
        raise DataError(file=path, expected=expected, found=found, remedy=remedy)


def digest(arrays: Mapping[str, np.ndarray]) -> str:
    """sha256 over names, shapes, types and bytes, in a fixed order."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {array.shape} {array.dtype.str}\n".encode())
        total.update(array.tobytes())
    return total.hexdigest()


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
