"""python -m pmt_helpers system cloud, publish, mirror, volunteer, person, device and audit: the whole system, on one
or more machines. A device must stay small, so that everything heavy is imported where it is needed.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

INVITATION_FORMAT = "pmt-invitation/1"
FOLDER = click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
FROM = click.option("--from", "address", required=True, help="tcp://host:port, http(s)://..., or a folder.")
FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
INVITATION = click.option("--invitation", required=True, type=FILE, help="Of the cloud or mirror; nothing secret.")
WINDOWS = click.option("--windows", required=True, type=FILE, help="Labelled windows, as `system person` writes them.")
BIND = click.option("--bind", default="127.0.0.1", show_default=True, help="0.0.0.0 serves on all networks.")
PORT = click.option("--port", type=click.IntRange(1, 65534), default=5570, show_default=True)
AUDITED = 1, 2, 3, 4  # people of watch
DATASET = click.option("--dataset", type=click.Choice(["watch", "wisdm", "mine"]), default="watch", show_default=True)
EVERY = click.option("--every", type=click.FloatRange(0.1), default=3600, show_default=True, help="Seconds.")


@click.group("system")
def system_group() -> None:
    """Run the whole system: a cloud, mirrors, and devices that retrain at home.

    \b
    On the laptop:  system publish CLOUD
                    system cloud CLOUD --bind 0.0.0.0
    Copy CLOUD/invitation.json to the device, then there:
                    system device HOME --from tcp://LAPTOP:5570 --invitation invitation.json --windows mine.npz
    """


@system_group.command()
@FOLDER
@DATASET
@click.option("--with-me", is_flag=True, help="With mine: train on your own windows too, for everybody to download.")
@click.option("--leave-out", type=int, multiple=True, help="A person of the data set who did not volunteer; again.")
@click.option(
    "--epsilon",
    type=click.FloatRange(0, min_open=True),
    help="Train with differential privacy; each release spends it.",
)
@click.option("--days", type=click.IntRange(1), default=90, show_default=True, help="How long devices take it.")
def publish(
    folder: Path, dataset: str, with_me: bool, leave_out: tuple[int, ...], epsilon: float | None, days: int
) -> None:
    """Train the next version, sign it, and write it as static files into FOLDER/shelf.

    Trains on the data set's people and on whoever sent windows to FOLDER/inbox; with mine on all but you. A running
    cloud of this folder notices within a second, and any web server can serve FOLDER/shelf. The first time, keys are
    made in FOLDER/secret: keep a copy of them, since devices trust no other.
    """
    from datetime import date, timedelta

    import numpy as np

    from pmt_helpers.activity import train_shared_fast
    from pmt_helpers.datasets import load_activity
    from pmt_helpers.datasets.mine import YOU
    from pmt_helpers.system import describe, make_release, new_signing_key
    from pmt_helpers.system.bundle import held_manifest, public_half
    from pmt_helpers.system.cloud import with_volunteers

    data = load_activity(dataset)
    if dataset == "mine":
        dataset, leave_out = data.card.name, leave_out if with_me else (*leave_out, YOU)
    with _alone(folder, "publish"):
        signing_key = _secret(folder / "secret" / "signing.key", lambda: new_signing_key()[0])
        if len(signing_key) != 32:
            raise click.ClickException(f"{folder / 'secret' / 'signing.key'} is no key: put the true one back")
        public_key = public_half(signing_key)
        held = held_manifest(folder / "shelf", dataset, public_key)
        version = held["version"] + 1 if held else 1
        data = with_volunteers(data.select(~np.isin(data.users, leave_out)), folder / "inbox")
        if not len(data):
            raise click.UsageError("--leave-out leaves nobody to train on")
        click.echo(f"Training version {version} on {data.summary} ...")
        if epsilon is None:
            model: Any = train_shared_fast(data)
        else:
            from pmt_helpers.privacy import train_shared_private

            model = train_shared_private(data, epsilon=epsilon, level="user")
            click.echo(model.guarantee)
        expires = date.today() + timedelta(days=days)
        options: dict[str, Any] = {"name": dataset, "version": version, "expires": expires}
        release = make_release(model, describe(data), **options, signing_key=signing_key)
        release.write(folder / "shelf")
        _invite(folder, {"format": INVITATION_FORMAT, "model": dataset, "public_key": public_key.hex()})
        size = (len(release.manifest) + len(release.payload)) / 1e3
        click.echo(f"Version {version}: {size:.1f} kB in {folder / 'shelf'}; devices take it until {expires}.")


@system_group.command()
@FOLDER
@BIND
@PORT
def cloud(folder: Path, bind: str, port: int) -> None:
    """Serve what was published to any device, and take windows from known volunteers, until Ctrl-C.

    Releases are served on the port, volunteers' windows taken on the next one, both encrypted; the signing key is not
    needed. Volunteers' public keys stand in FOLDER/volunteers.txt, one a line; it may change meanwhile.
    """
    from pmt_helpers.system import Inbox, Shelf
    from pmt_helpers.system.bundle import held_manifest

    if not (folder / "invitation.json").exists():
        raise click.UsageError(f"nothing is published in {folder}: run `system publish {folder}` first")
    card = _read_invitation(folder / "invitation.json")
    with _alone(folder, "serve"):
        keys = _curve_keys(folder / "secret" / "curve.key")
        manifest = held_manifest(folder / "shelf", card["model"], bytes.fromhex(card["public_key"]))
        if manifest is None:
            raise click.ClickException(f"{folder / 'shelf'} holds no release that the key of invitation.json signed")
        shelf = Shelf(folder / "shelf", f"tcp://{bind}:{port}", keys)
        inbox = Inbox(
            folder / "inbox", folder / "volunteers.txt", keys, len(manifest["class_names"]), f"tcp://{bind}:{port + 1}"
        )
        click.echo(f"Releases of {card['model']} on {shelf.address}, volunteers' windows on {inbox.address}")
        click.echo(f"Give {folder / 'invitation.json'} to devices, mirrors and volunteers. Ctrl-C ends.")
        shelf.start()
        inbox.start()
        try:
            while shelf.is_alive() and inbox.is_alive():
                time.sleep(0.2)
        finally:
            shelf.stop()
            inbox.stop()
            click.echo(f"Shelf: {dict(shelf.stats)}; inbox: {dict(inbox.stats)}", err=True)
        raise click.ClickException("a server stopped by itself; start the command again")


@system_group.command()
@FOLDER
@FROM
@INVITATION
@BIND
@PORT
@EVERY
def mirror(folder: Path, address: str, invitation: Path, bind: str, port: int, every: float) -> None:
    """Fetch releases, check them, and serve the same signed bytes, until Ctrl-C. It cannot sign any."""
    from pmt_helpers.system import Shelf
    from pmt_helpers.system.device import visits

    card = _read_invitation(invitation)
    with _alone(folder, "serve"):
        shelf = Shelf(folder / "shelf", f"tcp://{bind}:{port}", _invite(folder, card))
        click.echo(f"Releases on {shelf.address}. Give {folder / 'invitation.json'} to devices. Ctrl-C ends.")
        shelf.start()
        try:
            for seen in visits(_plan(folder / "shelf", address, card, every, 10**9)):
                _tell(seen)
        finally:
            shelf.stop()


@system_group.command()
@FOLDER
@FROM
@INVITATION
@WINDOWS
@EVERY
@click.option("--visits", "n_visits", type=click.IntRange(1), default=10**9, help="Stop after this number of them.")
@click.option("--readings", type=click.File(), help="To predict at the end: lines of x,y,z; - is standard input.")
@click.option("--log", type=click.Path(path_type=Path, dir_okay=False), help="Costs, as pi-profile/1; a new file.")
def device(
    folder: Path, address: str, invitation: Path, windows: Path, every: float, n_visits: int,
    readings: Any, log: Path | None,
) -> None:  # fmt: skip
    """Visit on a fixed schedule, check what comes, retrain it on your windows at home, and keep the better model.

    Visits are made by a process of their own that knows nothing of the windows; each of the two needs some 50 MB.
    Stopped or killed, it goes on where it was.
    """
    from contextlib import nullcontext

    from pmt_helpers.device.pi_profile import Recorder, Sensors, origin_here
    from pmt_helpers.system.device import Device, read_private, run

    card = _read_invitation(invitation)
    plan = _plan(folder / "public", address, card, every, n_visits)
    recorder = Recorder(log, origin_here(Sensors()), task="activity") if log else nullcontext()
    with _alone(folder, "device"), recorder as recording:
        span: dict[str, Any] = {"span": recording.span} if recording else {}
        home = Device(folder, card["model"], bytes.fromhex(card["public_key"]), **read_private(windows), **span)
        try:
            for seen in run(home, plan):
                _tell(seen)
            for label in home.predict(_numbers(readings)) if readings else ():
                click.echo(label)
        except ValueError as error:
            raise click.ClickException(str(error)) from None


@system_group.command()
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@DATASET
@click.option("--person", type=click.IntRange(0), required=True, help="Whose windows.")
@click.option("--samples", type=click.IntRange(1), default=20, show_default=True, help="Windows to train on.")
def person(out: Path, dataset: str, person: int, samples: int) -> None:
    """Write one person's windows of a data set to OUT, for a device to play that person."""
    from pmt_helpers.activity import split_user
    from pmt_helpers.datasets import load_activity
    from pmt_helpers.system.device import windows_of, write_private

    data = load_activity(dataset)
    try:
        split = split_user(data, person).first(samples)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    windows = windows_of(data, split)
    write_private(out, windows, data.class_names)
    click.echo(f"Wrote {out}: " + ", ".join(f"{len(y)} to {part}" for part, (_, y) in windows.items()))


@system_group.command()
@FOLDER
@click.option("--to", "address", required=True, help="The cloud's inbox, tcp://host:port.")
@INVITATION
@WINDOWS
def volunteer(folder: Path, address: str, invitation: Path, windows: Path) -> None:
    """Send your labelled windows to the cloud, which then knows them, and trains on them.

    The first time, a key is made in FOLDER; its public half is printed, and must stand in the cloud's volunteers.txt.
    """
    import numpy as np

    from pmt_helpers.system import Refused
    from pmt_helpers.system.cloud import send_windows
    from pmt_helpers.system.device import read_private

    card = _read_invitation(invitation)
    keys = _curve_keys(folder / "volunteer.key")
    click.echo(f"Your public key: {keys[0].decode()}")
    private = read_private(windows)["windows"]
    X, y = (np.concatenate([private[part][i] for part in ("train", "validation")]) for i in (0, 1))
    try:
        taken = send_windows(address, card["server_key"], keys, card["model"], X, y)
    except Refused as error:
        raise click.ClickException(f"{error}\n  to do: ask the cloud to put your key into volunteers.txt") from None
    click.echo(f"The cloud took {taken} windows.")


@system_group.command("audit")
def audit_system() -> None:
    """Show whether what a device sends depends on its owner's data: the real device's, and that of four which cheat.

    Everything runs on this machine, on the data of four people of `watch`, in less than half a minute. The exit code is
    1 if the real device's messages are not the same for all of them.
    """
    from pmt_helpers.activity import split_user
    from pmt_helpers.datasets import load_activity
    from pmt_helpers.system import CANNOT_FIND, DEVICES, audit_devices, audit_processes
    from pmt_helpers.system.device import windows_of

    data = load_activity("watch")
    splits = [split_user(data, person).first(20) for person in AUDITED]
    real = audit_processes([windows_of(data, split) for split in splits], encrypted=False)
    found = audit_devices(DEVICES, [data.y[split.train] for split in splits])
    unreadable = (found["place"] == "on the wire") & (found["channel"] == "bytes")
    differ = found[(found["verdict"] != "same") & ~unreadable].groupby(["device", "place"])["channel"].agg(", ".join)
    line = "{:17} {:31} {}".format
    click.echo(line("What differs", "before encryption", "on the wire, encrypted"))
    for name in DEVICES:
        click.echo(line(name, *(differ.get((name, place), "nothing") for place in found["place"].unique())))
    leaks = real[real["verdict"].isin(["differs", "random"])]["channel"]
    click.echo(f"\nWhat differs in all that the real device's processes send: {', '.join(leaks) or 'nothing'}.")
    click.echo(f"Two people's visits are at most {real['difference_s'].max():.2f} s apart, with training in between.")
    click.echo(f"\nTolerance of times here: {1000 * found['tolerance_s'].max():.1f} ms. The audit cannot find")
    click.echo("- " + ",\n- ".join(CANNOT_FIND) + ".")
    if len(leaks):
        raise SystemExit(1)


def _curve_keys(path: Path) -> tuple[bytes, bytes]:
    """Public and secret key of a file that holds the secret one."""
    import zmq

    secret = _secret(path, lambda: zmq.curve_keypair()[1])
    try:
        return zmq.curve_public(secret), secret
    except (ValueError, zmq.ZMQError):
        raise click.ClickException(f"{path} holds no key: put the true one back, from your copy") from None


def _secret(path: Path, make: Callable[[], bytes]) -> bytes:
    """A secret; made the first time, and never written over."""
    from pmt_helpers.system.bundle import write_whole

    if not path.exists():
        write_whole(path, make(), 0o600)
    return path.read_bytes()


def _invite(folder: Path, card: dict[str, str]) -> tuple[bytes, bytes]:
    """Write the invitation of a cloud or mirror; returns the pair of keys with which it encrypts."""
    from pmt_helpers.system.bundle import write_whole

    keys = _curve_keys(folder / "secret" / "curve.key")
    write_whole(folder / "invitation.json", json.dumps({**card, "server_key": keys[0].decode()}, indent=1).encode())
    return keys


def _read_invitation(path: Path) -> dict[str, str]:
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        values = [card[key] for key in ("model", "public_key", "server_key")]
        valid = card["format"] == INVITATION_FORMAT and all(isinstance(value, str) for value in values)
        valid = valid and len(bytes.fromhex(card["public_key"])) == 32 and len(card["server_key"]) == 40
    except (ValueError, LookupError, TypeError):
        valid = False
    if not valid:
        raise click.ClickException(f"{path} is no invitation: copy invitation.json from the cloud's folder again")
    return card


def _plan(folder: Path, address: str, card: dict[str, str], every: float, visits: int) -> Any:
    from pmt_helpers.system.visits import Plan
    from pmt_helpers.system.wire import check_address

    try:
        check_address(address)
    except ValueError as error:
        raise click.UsageError(f"--from {address}: {error}") from None
    keys = card["public_key"], card["server_key"]
    return Plan(str(folder), address, card["model"], *keys, every_s=every, visits=visits)


@contextmanager
def _alone(folder: Path, what: str) -> Iterator[None]:
    """Hold a folder for one process of a kind; a killed one lets go of it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{what}.lock").open("w") as file:
        try:
            import fcntl  # filelock would add 5 MB to a device

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # Windows
            pass
        except OSError:
            raise click.ClickException(f"another process uses {folder}: stop it, or choose another folder") from None
        yield


def _tell(seen: dict[str, Any]) -> None:
    """One visit, in a line."""
    if not seen["version"]:
        return click.echo(f"Refused: {seen['refused']}" if "refused" in seen else "Nothing newer.")
    words = [f"Version {seen['version']}"]
    if "up" in seen:  # else it was downloaded before the device was stopped
        words.append(f"{seen['up']:,} bytes up, {seen['down']:,} down")
    if "took" in seen:
        words.append("kept the new model" if seen["took"] else "kept the old model, better on your windows")
    words += [f"{name} {seen[name]:.3f}" for name in ("shared", "personal", "kept") if name in seen]
    return click.echo("; ".join(words))


def _numbers(lines: Any) -> Iterator[list[float]]:
    for number, line in enumerate(lines, 1):
        try:
            x, y, z = map(float, line.split(","))
        except ValueError:
            raise click.ClickException(f"line {number} of the readings is no x,y,z: {line[:40]!r}") from None
        yield [x, y, z]
