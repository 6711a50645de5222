"""Arrays of strangers: what is too large, forged or no array is refused before it takes memory."""

import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmt_helpers.datasets import DataError
from pmt_helpers.datasets.arrays import (
    DAMAGED,
    load_npz,
    load_pickled_npy,
    pack_arrays,
    read_arrays,
    read_card,
    write_arrays,
)


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def header(shape: tuple[int, ...], descr: str = "<f4") -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def npz(path: Path, *entries: tuple[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def test_all_arrays_come_back_as_they_were_written(tmp_path: Path) -> None:
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.array(["x", "yz"]), "c": np.array(3), "d": np.zeros((0, 4))}
    arrays["e"] = np.asfortranarray(arrays["a"])
    write_arrays(tmp_path / "m.npz", arrays)
    back = load_npz(tmp_path / "m.npz")
    assert set(back) == set(arrays)
    assert all(np.array_equal(back[name], arrays[name]) and back[name].dtype == arrays[name].dtype for name in arrays)


def test_packed_arrays_are_the_same_bytes_whatever_their_order_and_come_back() -> None:
    arrays = {"b": np.asfortranarray(np.arange(6.0).reshape(2, 3)), "a": np.array(3), "c": np.array(["x", "yz"])}
    packed = pack_arrays(arrays)
    assert packed == pack_arrays({name: arrays[name].copy() for name in sorted(arrays)})
    back = load_npz(io.BytesIO(packed))
    assert list(back) == ["a", "b", "c"]
    assert all(np.array_equal(back[name], arrays[name]) and back[name].shape == arrays[name].shape for name in arrays)


def test_less_may_be_allowed_than_is_usual() -> None:
    packed = pack_arrays({"a": np.zeros(200_000)})
    assert load_npz(io.BytesIO(packed), largest_mb=2)["a"].size == 200_000
    with pytest.raises(ValueError, match=r"unpacks to 2 MB; at most 1 MB"):
        load_npz(io.BytesIO(packed), largest_mb=1)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: [("a.npy", npy(np.zeros(70_000_000, np.float32)))], "unpacks to 280 MB; at most 256"),
        (lambda: [(f"{n}.npy", npy(np.zeros(1))) for n in range(10_001)], "10,001 arrays"),
        (lambda: [("a.npy", npy(np.zeros(1))), ("a.npy", npy(np.ones(1)))], "two of one name"),
        (lambda: [("a.npy", header((10**6, 10**6)))], "of shape (1000000, 1000000)"),
        (lambda: [("a.npy", header((10**9,)) + bytes(100))], "of shape (1000000000,)"),
        (lambda: [("a.npy", header((-1, 4)) + bytes(16))], "of shape (-1, 4)"),
        (lambda: [("a.npy", npy(np.array([{}], dtype=object)))], "ValueError"),
        (lambda: [("a.npy", npy(np.zeros(3)) + b"more")], "of shape (3,)"),
        (lambda: [("readme.txt", b"hello")], "magic"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_is_too_large_or_no_plain_array_is_refused(tmp_path: Path, make: Callable[[], list], says: str) -> None:
    path = npz(tmp_path / "m.npz", *make())
    with pytest.raises(DataError) as caught:
        read_arrays(path, ("a",), "a model's weights")
    assert says in caught.value.found
    assert len(caught.value.found) <= 200


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders on this system")
def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.npz")
    os.mkfifo(tmp_path / "m.json")
    with pytest.raises(DataError, match="a pipe or device"):
        read_arrays(tmp_path / "m.npz", ("a",), "a model's weights")
    with pytest.raises(DataError, match="a pipe or device"):
        read_card(tmp_path / "m.json", "x/1", set())


@pytest.mark.parametrize(
    "text",
    ['{"format": "x/1", "n": ' + "9" * 10_000 + "}", "[" * 100_000, "NaN", '"x/1"', "", "{", '{"format": ["x/1"]}'],
)
def test_a_card_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(DataError, match="save the model again"):
        read_card(tmp_path / "m.json", "x/1", {"n"})


def test_a_card_saved_by_an_editor_with_a_mark_in_front_is_read(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text('\ufeff{"format": "x/1", "n": 1}', encoding="utf-8")
    assert read_card(tmp_path / "m.json", "x/1", {"n"})["n"] == 1


def test_a_card_of_any_size_is_not_read_whole(tmp_path: Path) -> None:
    with (tmp_path / "m.json").open("wb") as file:
        file.truncate(10**9)
    with pytest.raises(DataError, match="at most 16 MB"):
        read_card(tmp_path / "m.json", "x/1", set())


# Pickles by hand: the operations of the protocol, as pickletools names them.
def text(word: str) -> bytes:
    return b"X" + struct.pack("<I", len(word)) + word.encode()


def number(value: int) -> bytes:
    return b"\x8a\x08" + struct.pack("<q", value)


def raw(content: bytes) -> bytes:
    return b"C" + bytes([len(content)]) + content


NDARRAY, DTYPE = b"cnumpy\nndarray\n", b"cnumpy\ndtype\n"
DOUBLE, OBJECT = (DTYPE + text(name) + b"K\0K\x01\x87R" for name in ("f8", "O8"))


def an_array(shape: bytes, dtype: bytes, content: bytes) -> bytes:
    rebuilt = b"cnumpy.core.multiarray\n_reconstruct\n" + NDARRAY + b"K\0\x85" + text("b") + b"\x87R"
    return rebuilt + b"(K\x01" + shape + dtype + b"\x89" + content + b"tb"


def unpickled(operations: bytes) -> object:
    return load_pickled_npy(io.BytesIO(header((), "|O") + b"\x80\x04" + operations + b"."))


def test_an_array_built_by_hand_is_read() -> None:
    loaded = unpickled(an_array(b"K\x01\x85", DOUBLE, raw(struct.pack("<d", 2.5))))
    assert np.array_equal(np.asarray(loaded), [2.5])


@pytest.mark.parametrize(
    "operations",
    [
        an_array(b"K\x01\x85", OBJECT, raw(b"A" * 8)),  # bytes as addresses: read, they crash Python
        an_array(b"K\x04\x85", OBJECT, b"]"),  # four objects in an empty list
        an_array(number(10**15) + b"\x85", DOUBLE, raw(b"A" * 8)),
        an_array(number(-1) + b"\x85", DOUBLE, raw(b"A" * 8)),
        an_array(b"K\x01\x85", DTYPE + text("V8") + b"K\0K\x01\x87R", raw(b"A" * 8)),
        an_array(b"K\x01\x85", DOUBLE + b"(K\x03" + text("<") + b"]" + b"NNK\x08K\x08K\0tb", raw(b"A" * 8)),
        NDARRAY + number(10**12) + b"\x85\x85R",
        NDARRAY + b"}" + text("x") + b"K\x01sb",  # attributes for what a pickle may name
        DTYPE + text("f4," * 1000) + b"\x85R",
        b"]r\xff\xff\xff\x7f",  # a memory with two thousand million places
        b"]" * 60_000,
        b"]" + b"".join(b"\x85" for _ in range(60_000)) + b"}",
        b"\x8e" + struct.pack("<Q", 2**62),
        b"I" + b"9" * 100_000 + b"\n",
    ],
)
def test_a_forged_pickle_is_refused(operations: bytes) -> None:
    with pytest.raises(DAMAGED):
        unpickled(operations)


@settings(max_examples=200)
@given(st.data())
def test_no_damage_to_a_pickle_gives_anything_but_arrays_or_a_refusal(data: st.DataObject) -> None:
    content = {"X": [np.arange(4.0)], "names": np.array(["a", "b"], dtype=object), "y": np.array([1, 2])}
    whole = bytearray(pickle.dumps(content, protocol=data.draw(st.sampled_from([2, 4]))))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        loaded = load_pickled_npy(io.BytesIO(header((), "|O") + bytes(whole)))
    except DAMAGED:
        return
    assert repr(loaded)
