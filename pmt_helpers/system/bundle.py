"""A release: the shared model with a version, in chunks, signed. What the cloud puts out and a device accepts.

The manifest states sha256 of every part and is signed with Ed25519, so it makes no difference who hands the bytes on:
the cloud, a mirror, any web server. A bad one can hand out nothing, or a release that is newer than what the device
holds but not the newest, until that expires. A release lies in a folder as plain files, MODEL/head (signature, then
manifest) and MODEL/VERSION/0, 1, 2 ... (its chunks). Nothing is unpickled, and sizes are checked before a byte is
unpacked.
"""

import hashlib
import io
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pmt_helpers.activity.weights import ARRAYS, FORMAT, Checkpoint, checkpoint_of
from pmt_helpers.datasets.arrays import DAMAGED, load_npz, pack_arrays
from pmt_helpers.datasets.files import MB, open_plain

if TYPE_CHECKING:
    from pmt_helpers.datasets.base import ActivityData

MANIFEST = "pmt-manifest/1"
CHUNK = 4096
LARGEST_MB, LARGEST_MANIFEST, LARGEST_VERSION = 8, 2**18, 2**32 - 1
SIGNATURE = 64  # bytes, before the manifest
MODEL_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,15}")  # it becomes a folder's name, and 16 bytes of a question
FIELDS: dict[str, Any] = {
    "format": str, "model": str, "version": int, "expires": str, "dataset": str, "window_s": int | float,
    "rate_hz": int | float, "units": str, "class_names": list, "bytes": int, "card_bytes": int, "card": str,
    "arrays": str, "chunk": int, "chunks": list,
}  # fmt: skip
ABOUT = ("dataset", "window_s", "rate_hz", "units", "class_names", "feature_names")
WHY = {
    "signature": "the cloud whose key is pinned did not sign it",
    "model": "it is a release of another model, or of another format",
    "version": "it is older than what is held, or another one of the same version",
    "expired": "its last day has passed",
    "size": "it is larger than a model can be",
    "chunk": "a piece is not the one that was signed",
    "damaged": "what was signed is no model",
    "answer": "the answer does not belong to the question",
    "no answer": "nobody answered in time",
    "disk": "a file could not be read or written here",
}


class Refused(Exception):
    """Why a device does not take what it was given: `why` is one of the words of WHY."""

    def __init__(self, why: str, detail: object = "") -> None:
        self.why = why
        super().__init__(f"{why}: {WHY[why]}" + f" ({detail})" * bool(str(detail)))


class Release(NamedTuple):
    """A signed manifest, and the bytes it speaks of: the card, then the arrays."""

    manifest: bytes
    signature: bytes
    payload: bytes

    def write(self, folder: Path) -> None:
        """Put it into a folder of releases; `head` comes last, so that a release is never seen half written."""
        stated = json.loads(self.manifest)
        place, size = folder / stated["model"], stated["chunk"]
        for i in range(len(stated["chunks"])):
            write_whole(place / str(stated["version"]) / str(i), self.payload[i * size : (i + 1) * size])
        write_whole(place / "head", self.signature + self.manifest)


def new_signing_key() -> tuple[bytes, bytes]:
    """A new pair of Ed25519 keys, 32 bytes each: the secret one that signs, the public one that devices pin."""
    secret = Ed25519PrivateKey.generate()
    return secret.private_bytes_raw(), secret.public_key().public_bytes_raw()


def public_half(signing_key: bytes) -> bytes:
    """The public key of a secret one."""
    return Ed25519PrivateKey.from_private_bytes(signing_key).public_key().public_bytes_raw()


def make_release(
    model: Any, about: Mapping[str, Any], *, name: str, version: int, expires: date, signing_key: bytes
) -> Release:
    """Sign a shared model. The same arguments give the same bytes.

    Parameters
    ----------
    model: a trained ActivityModel or a Checkpoint.
    about: what a device must know of the windows: the values of ABOUT, as `describe` makes them, and their contract;
        more stays out.
    name: of the model, up to 16 small letters, digits and dashes. expires: the last day on which devices take it.
    signing_key: the secret half of new_signing_key.

    Raises ValueError for a name, version or key that cannot be.
    """
    if not MODEL_NAME.fullmatch(name):
        raise ValueError(f"name must be up to 16 of a-z, 0-9 and -; got {name[:40]!r}")
    if len(signing_key) != 32:
        raise ValueError(f"signing_key must be the 32 bytes that new_signing_key makes; got {len(signing_key)}")
    if missing := set(ABOUT) - set(about):
        raise ValueError(f"about must say {', '.join(ABOUT)}; it lacks {', '.join(sorted(missing))}")
    names = {key: list(about[key]) for key in ("class_names", "feature_names")}
    card = _canonical({"format": FORMAT, **names, "contract": about.get("contract", {})})
    arrays = pack_arrays(Checkpoint.from_model(model).arrays())
    payload = card + arrays
    manifest = _canonical(
        {
            "format": MANIFEST, "model": name, "version": version, "expires": expires.isoformat(),
            **{key: about[key] for key in ABOUT[:4]}, "class_names": names["class_names"],
            "bytes": len(payload), "card_bytes": len(card), "card": _sha256(card), "arrays": _sha256(arrays),
            "chunk": CHUNK, "chunks": [_sha256(payload[i : i + CHUNK]) for i in range(0, len(payload), CHUNK)],
        }
    )  # fmt: skip
    return Release(manifest, Ed25519PrivateKey.from_private_bytes(signing_key).sign(manifest), payload)


def describe(data: "ActivityData") -> dict[str, Any]:
    """What `make_release` must be told about the windows of an ActivityData, from its card."""
    contract = asdict(data.card.contract)
    units = contract["unit"] + " with gravity" * contract["gravity"]
    values = data.card.name, contract["window_s"], contract["rate_hz"], units
    names = list(data.class_names), list(data.feature_names)
    return {**dict(zip(ABOUT, (*values, *names), strict=True)), "contract": contract}


def check_manifest(
    manifest: bytes, signature: bytes, public_key: bytes, model: str, held: int = 0, today: date | None = None
) -> dict[str, Any]:
    """What the manifest states, once the signature is the pinned key's: not a byte of it is read before.

    held: highest version ever taken; an older one is refused, however well signed. today: default, this machine's day;
    a device whose clock is behind takes what expired. Raises Refused.
    """
    if len(manifest) > LARGEST_MANIFEST:
        raise Refused("size", f"a manifest of {len(manifest):,} bytes")
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, manifest)
    except InvalidSignature:
        raise Refused("signature") from None
    try:
        stated = json.loads(manifest)
        fits = set(stated) == set(FIELDS) and all(isinstance(stated[key], kind) for key, kind in FIELDS.items())
        expires = date.fromisoformat(stated["expires"]) if fits else date.min
    except (ValueError, RecursionError, TypeError) as error:
        raise Refused("damaged", f"{type(error).__name__} in the manifest") from None
    if not fits or stated["format"] != MANIFEST or stated["model"] != model:
        raise Refused("model", f"expected {model}" + f", got {stated['model'][:20]}" * fits)
    if not held <= stated["version"] <= LARGEST_VERSION or stated["version"] < 1:
        raise Refused("version", f"{stated['version']}, where {held} is held")
    if expires < (today or date.today()):
        raise Refused("expired", stated["expires"])
    if not (0 < stated["bytes"] <= LARGEST_MB * MB and 1024 <= stated["chunk"] <= 2**16):
        raise Refused("size", f"{stated['bytes']:,} bytes in chunks of {stated['chunk']:,}")
    if len(stated["chunks"]) != -(-stated["bytes"] // stated["chunk"]):
        raise Refused("damaged", "its chunks do not make up its size")
    return stated


def check_chunk(stated: Mapping[str, Any], i: int, chunk: bytes) -> bytes:
    """The chunk, if it is the i-th of the release. Raises Refused."""
    if not 0 <= i < len(stated["chunks"]) or _sha256(chunk) != stated["chunks"][i]:
        raise Refused("chunk", i)
    return chunk


def open_payload(stated: Mapping[str, Any], payload: bytes) -> tuple[Checkpoint, dict[str, Any]]:
    """Shared weights and scaler, and their card. Raises Refused for what is not what the manifest states, or no model.

    stated: what check_manifest returned.
    """
    card_bytes, arrays = payload[: stated["card_bytes"]], payload[stated["card_bytes"] :]
    if _sha256(card_bytes) != stated["card"] or _sha256(arrays) != stated["arrays"]:
        raise Refused("chunk", "digest of the whole")
    try:
        card = json.loads(card_bytes)
        found = load_npz(io.BytesIO(arrays), LARGEST_MB)
        if set(found) != set(ARRAYS) or card["class_names"] != stated["class_names"]:
            raise ValueError("other arrays or classes")
        return checkpoint_of(found, card, Path(stated["model"])), card
    except DAMAGED as error:
        raise Refused("damaged", str(error)[:200]) from None


def read_head(folder: Path, model: str) -> bytes:
    """Signature and manifest of the newest release in a folder; b"" where there is none."""
    try:
        return read_bounded(folder / model / "head", SIGNATURE + LARGEST_MANIFEST)
    except FileNotFoundError:
        return b""


def held_manifest(folder: Path, model: str, public_key: bytes) -> dict[str, Any] | None:
    """What the manifest of the release in a folder states, expired or not; None without one that the key signed."""
    head = read_head(folder, model)
    try:
        return check_manifest(head[SIGNATURE:], head[:SIGNATURE], public_key, model, today=date.min)
    except Refused:
        return None


def read_payload(folder: Path, stated: Mapping[str, Any]) -> bytes:
    """All chunks of the release whose manifest this is, each checked. Raises Refused, or OSError for a missing one."""
    place = folder / stated["model"] / str(stated["version"])
    chunks = [read_bounded(place / str(i), stated["chunk"]) for i in range(len(stated["chunks"]))]
    return b"".join(check_chunk(stated, i, chunk) for i, chunk in enumerate(chunks))


def read_bounded(path: Path, n_bytes: int) -> bytes:
    """A plain file of at most so many bytes. Raises OSError."""
    with open_plain(path, n_bytes / MB) as file:
        return file.read(n_bytes)


def write_whole(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write a file completely or not at all, whenever the process is killed. Two processes never write one folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)  # of a process that was killed; its mode may be another
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
