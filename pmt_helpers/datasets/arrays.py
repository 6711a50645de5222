"""Models and vectors as two plain files: an .npz of arrays, and beside it a JSON card that anybody can read.

No pickle: loading a stranger's model must never run a stranger's code. The card has the arrays' digest, so two files
that do not belong together are noticed; who wrote them it cannot tell. load_pickled_npy reads the one file of ours that
is a pickle, arrays only. Everything is bounded: what is too large is refused before it is unpacked.
"""

import hashlib
import io
import json
import math
import pickle
import pickletools
import re
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import MB, atomic_path, open_plain, read_unpacked

LARGEST_MB = 256  # of all arrays of a file together; the largest of ours, counted texts, have some 20
LARGEST_CARD_MB = 16
MOST_ARRAYS = 10_000  # of a file
LARGEST_PICKLE_MB, MOST_OPERATIONS = 64, 50_000  # the watch recordings have 18 MB and 4,295 operations

# All that np.load and pickle were seen to raise, or may by their source, for a file that somebody else wrote.
DAMAGED = (
    ValueError, TypeError, OSError, EOFError, AttributeError, LookupError, MemoryError, NotImplementedError,
    RuntimeError, OverflowError, SyntaxError, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
    pickle.UnpicklingError,
)  # fmt: skip


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write an .npz of plain arrays, completely or not at all."""
    with atomic_path(path) as part, part.open("wb") as file:
        np.savez_compressed(file, **unpickled(arrays))  # type: ignore[arg-type]


def unpickled(arrays: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """The arrays, none of which needs a pickle. Raises ValueError for one of Python objects.

    NumPy before 2.1 has no `allow_pickle` in savez: it would store it as one more array.
    """
    if pickled := [name for name, array in arrays.items() if np.asarray(array).dtype.hasobject]:
        raise ValueError(f"arrays must hold numbers or text; {', '.join(pickled)} hold objects, which would be pickled")
    return arrays


def pack_arrays(arrays: Mapping[str, np.ndarray]) -> bytes:
    """An .npz whose bytes depend on the arrays alone: sorted by name, in C order, not packed, without times."""
    ordered = {name: np.asarray(arrays[name], order="C") for name in sorted(unpickled(arrays))}
    out = io.BytesIO()
    np.savez(out, **ordered)  # type: ignore[arg-type]
    return out.getvalue()


def write_card(path: Path, card: Mapping[str, Any]) -> None:
    """Write a JSON card, completely or not at all; one value per line."""
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    with atomic_path(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def load_npz(source: Path | BinaryIO, largest_mb: float = LARGEST_MB) -> dict[str, np.ndarray]:
    """All arrays of an .npz, none of them a pickle. Raises one of DAMAGED, also for more than largest_mb unpacked."""
    opened = open_plain(source, largest_mb) if isinstance(source, Path) else nullcontext(source)
    with opened as file, zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if len(entries) > MOST_ARRAYS or len({entry.filename for entry in entries}) < len(entries):
            raise ValueError(f"{len(entries):,} arrays, more than {MOST_ARRAYS:,} or two of one name")
        unpacked = sum(entry.file_size for entry in entries)  # no entry yields more than it states
        if unpacked > largest_mb * MB:
            raise ValueError(f"it unpacks to {unpacked / MB:,.0f} MB; at most {largest_mb:g} MB are read")
        arrays = {}
        for entry in entries:
            with archive.open(entry) as stream:
                _check_size(stream, entry)
            with archive.open(entry) as stream:
                arrays[entry.filename.removesuffix(".npy")] = np.lib.format.read_array(stream, allow_pickle=False)
    return arrays


def _check_size(stream: Any, entry: zipfile.ZipInfo) -> None:
    """Raises ValueError unless the header states just the bytes that follow: memory is set aside for what it says."""
    version = np.lib.format.read_magic(stream)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(stream)
    stated = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or dtype.itemsize == 0 or stream.tell() + stated != entry.file_size:
        raise ValueError(f"{entry.filename} of shape {str(shape)[:60]} and type {dtype} in {entry.file_size:,} bytes")


def read_arrays(path: Path, needed: tuple[str, ...], what: str) -> dict[str, np.ndarray]:
    """All arrays of an .npz. what: what it should hold. Raises DataError for a damaged file or another."""
    try:
        arrays = load_npz(path)
    except FileNotFoundError:
        raise DataError(file=path, expected=what, found="no file", remedy="keep .npz and .json together") from None
    except DAMAGED as error:
        found = error.strerror if isinstance(error, OSError) and error.strerror else f"{type(error).__name__}: {error}"
        remedy = "copy or save the model again; the file is damaged"
        raise DataError(
            file=path, expected="an .npz archive of plain arrays", found=found[:200], remedy=remedy
        ) from None
    missing = set(needed) - set(arrays)
    if missing:
        expected, found = f"arrays {', '.join(needed)}", f"without {', '.join(sorted(missing))}"
        raise DataError(file=path, expected=expected, found=found, remedy="save the model again")
    return arrays


def read_card(path: Path, form: str, needed: set[str]) -> dict[str, Any]:
    """A JSON card of this format with at least these keys. Raises DataError for another or a damaged file."""
    try:
        with open_plain(path, LARGEST_CARD_MB) as file:
            card = json.loads(file.read().decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:  # ValueError: no text, no JSON, a number of 5,000 digits
        missing = isinstance(error, FileNotFoundError)
        found = (error.strerror if isinstance(error, OSError) else None) or str(error)
        found, remedy = ("no file", "keep .npz and .json together") if missing else (found, "save the model again")
        raise DataError(file=path, expected="a model's JSON card", found=found, remedy=remedy) from None
    needed = {"format", *needed}
    if not isinstance(card, dict) or card.get("format") != form or not needed <= set(card):
        found = type(card).__name__
        if isinstance(card, dict):
            found = f"format {repr(card.get('format'))[:60]}, keys {', '.join(sorted(card))[:200]}"
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


class _Array(np.ndarray):
    """An array of a pickle. NumPy trusts the state it is given, and crashes on a forged one: here it is checked."""

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, content = state
        if not isinstance(dtype, _Type) or not all(type(size) is int and size >= 0 for size in shape):
            raise UnsafePickleError(f"an array of shape {str(shape)[:60]}")
        is_list, n = dtype.dtype.hasobject, math.prod(shape)
        stated = n if is_list else n * dtype.dtype.itemsize
        if type(content) is not (list if is_list else bytes) or len(content) != stated:
            raise UnsafePickleError(f"an array of shape {str(shape)[:60]} with other contents")
        super().__setstate__((1, tuple(shape), dtype.dtype, bool(fortran), content))  # type: ignore[arg-type]


class _Type:
    """An array's type, as its pickle builds it: plain ones only, no fields."""

    def __init__(self, name: Any) -> None:
        if not (isinstance(name, str) and re.fullmatch(r"[<>|=]?([biufSU]\d{1,4}|O8?|b1|\?)", name)):
            raise UnsafePickleError(f"an array of type {str(name)[:60]}")
        self.dtype = np.dtype("O" if "O" in name else name)

    def __setstate__(self, state: Any) -> None:
        if tuple(state[2:5]) != (None, None, None) or state[1] not in ("<", ">", "|", "="):
            raise UnsafePickleError("an array of a compound type")
        self.dtype = self.dtype.newbyteorder(state[1])


class _Part:
    """What a pickle may name, by what it does when called; it has no attributes that a pickle could set."""

    __slots__ = ("name",)
    name: str

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "name", name)

    def __setattr__(self, name: str, value: Any) -> None:
        raise UnsafePickleError(f"{self.name} changed")

    def __setstate__(self, state: Any) -> None:
        raise UnsafePickleError(f"{self.name} changed")

    def __call__(self, *given: Any) -> Any:
        if self.name == "_reconstruct":
            return np.ndarray.__new__(_Array, (0,))
        if self.name == "dtype":
            return _Type(given[0])
        if self.name == "encode" and given[1:] == ("latin1",):  # through which pickles of Python 2 carry bytes
            return given[0].encode("latin1")
        raise UnsafePickleError(f"{self.name} called in another way")


_ARRAY_PARTS = {
    ("numpy.core.multiarray", "_reconstruct"),  # NumPy 2 moved numpy.core to numpy._core
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ARRAY_PARTS:
            raise UnsafePickleError(f"{module[:60]}.{name[:60]}, which is no part of an array")
        return _Part(name)


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
    content = io.BytesIO(read_unpacked(file, LARGEST_PICKLE_MB))
    for number, (operation, argument, _) in enumerate(pickletools.genops(content)):
        # A pickle of a few bytes may ask for gigabytes: for a memory with a place 2**31, or deep within each other.
        if number > MOST_OPERATIONS or ("PUT" in operation.name and int(argument or 0) > MOST_OPERATIONS):
            raise UnsafePickleError(f"more than {MOST_OPERATIONS:,} operations or objects")
    content.seek(0)
    loaded = _ArrayUnpickler(content).load()
    return loaded.item() if isinstance(loaded, np.ndarray) and loaded.shape == () else loaded
