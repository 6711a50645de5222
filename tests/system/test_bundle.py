"""A release is the same bytes for the same model, and nothing of it is trusted before its signature."""

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from pmt_helpers import datasets, system
from pmt_helpers.system.bundle import (
    ABOUT,
    FIELDS,
    WHY,
    check_chunk,
    held_manifest,
    open_payload,
    public_half,
    read_payload,
    write_whole,
)  # fmt: skip
from tests.system.conftest import ABOUT as SOME
from tests.system.conftest import NEXT_YEAR, PUBLIC, SECRET, network, release


def test_the_same_model_gives_the_same_bytes_and_another_gives_others() -> None:
    assert release() == release()
    assert release().payload != release(model=network(2)).payload
    assert release().manifest != release(2, model=network(1)).manifest


def test_what_was_packed_comes_out_again() -> None:
    made = release(7)
    stated = system.check_manifest(made.manifest, made.signature, PUBLIC, "watch")
    assert set(stated) == set(FIELDS)
    assert (stated["version"], stated["expires"]) == (7, NEXT_YEAR.isoformat())
    opened, card = open_payload(stated, made.payload)
    assert card["feature_names"] == SOME["feature_names"]
    for name, array in network(7).arrays().items():
        np.testing.assert_array_equal(opened.arrays()[name], array)


def test_a_release_in_a_folder_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = release(2)
    made.write(tmp_path)
    stated = held_manifest(tmp_path, "watch", PUBLIC)
    assert stated is not None
    assert read_payload(tmp_path, stated) == made.payload
    assert held_manifest(tmp_path, "watch", public_half(bytes(32))) is None
    assert held_manifest(tmp_path, "wisdm", PUBLIC) is None


def test_not_a_byte_of_an_unsigned_manifest_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json, "loads", lambda *_: pytest.fail("it was parsed"))
    with pytest.raises(system.Refused, match="signature"):
        system.check_manifest(release().manifest + b" ", release().signature, PUBLIC, "watch")


@pytest.mark.parametrize(("arguments", "why"), [
    (("wisdm",), "model"), (("watch", 2), "version"), (("watch", 1, NEXT_YEAR + timedelta(days=1)), "expired"),
])  # fmt: skip
def test_another_model_an_older_version_and_a_last_day_that_passed(arguments: tuple, why: str) -> None:
    made = release()
    with pytest.raises(system.Refused) as error:
        system.check_manifest(made.manifest, made.signature, PUBLIC, *arguments)
    assert error.value.why == why
    assert WHY[why] in str(error.value)
    assert system.check_manifest(made.manifest, made.signature, PUBLIC, "watch", 1, NEXT_YEAR)["version"] == 1


def test_a_chunk_stands_for_its_place_only() -> None:
    made = release()
    stated = system.check_manifest(made.manifest, made.signature, PUBLIC, "watch")
    assert check_chunk(stated, 1, made.payload[4096:8192]) == made.payload[4096:8192]
    for i in (0, -1, len(stated["chunks"])):
        with pytest.raises(system.Refused, match="chunk"):
            check_chunk(stated, i, made.payload[4096:8192])


@pytest.mark.parametrize(("change", "says"), [
    ({"name": "../up"}, "name must be"), ({"name": "Watch"}, "name must be"), ({"name": "a" * 17}, "name must be"),
    ({"signing_key": b"short"}, "32 bytes"), ({"version": 0}, "version must be"),
    ({"version": 2**32}, "version must be"), ({"about": {"dataset": "watch"}}, "lacks class_names"),
])  # fmt: skip
def test_what_cannot_be_a_release_is_not_signed(change: dict, says: str) -> None:
    arguments = {"name": "watch", "version": 1, "expires": NEXT_YEAR, "signing_key": SECRET, "about": SOME, **change}
    with pytest.raises(ValueError, match=says):
        system.make_release(network(), **arguments)


def test_every_activity_data_set_is_described() -> None:
    for name, window_s, rate_hz in (("watch", 5, 50), ("wisdm", 10, 20)):
        card = datasets.load_card(name)
        few = datasets.ActivityData(np.zeros((0, 1)), *(np.zeros(0, int) for _ in range(4)), 0, ("f",), ("a",), card)
        about = system.describe(few)
        assert list(about) == [*ABOUT, "contract"]
        assert about["contract"] == asdict(card.contract)
        assert (about["window_s"], about["rate_hz"]) == (window_s, rate_hz)


def test_a_secret_file_is_its_owners_and_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "key"
    path.parent.mkdir()
    (path.parent / "key.part").write_bytes(b"left over, and anybody may read it")
    write_whole(path, b"secret", 0o600)
    assert path.read_bytes() == b"secret"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["key"]


def test_keys_are_new_each_time_and_belong_together() -> None:
    (secret, public), (other, _) = system.new_signing_key(), system.new_signing_key()
    assert secret != other
    assert public_half(secret) == public
