"""Record data/pi_logs/emulated-raspi3b-icount-*.jsonl: `python -m tools.raspi3b.record`. Notebook 06, steps 1 and 2.

Each log is one boot of QEMU's Raspberry Pi 3B, on which pi_profile.py runs under Debian's Python and NumPy; with
--libraries also the kernels that need more, from an SD card. The board cannot know the date or a name for the run:
they are set from here.
"""

import datetime
import uuid
from pathlib import Path
from typing import NamedTuple

import click
import pandas as pd

from pmt_helpers.datasets.errors import DataError
from pmt_helpers.datasets.files import atomic_path
from pmt_helpers.device import pi_profile, read_log

from . import board, card, image, wheels

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = "emulated-raspi3b-icount"
NOTE = "QEMU raspi3b, -icount shift=0: virtual time, 1 instruction = 1 ns; no caches, heat or SD card; synthetic data"
RUNS = {
    "activity": "--task activity --kernel numpy --samples 20,40,80,160 --epochs 40 --calls 1000",
    "topics": "--task topics --kernel numpy --documents 20,40,60,80 --percents 25,50,75 --iterations 5",
    "topics-python": "--task topics --kernel python --documents 20,40,60,80 --percents 25,50,75 --iterations 5",
}
ON_CARD = {
    "topics-numba": ("topics", "numba"),
    "activity-numba": ("activity", "numba"),
    "activity-jax": ("activity", "jax"),
}
COUNTED = ["phase", "n_samples", "epoch", "n_documents", "n_words", "iteration"]  # these name a span within a log
SHORTEST_S = 0.001


class Session(NamedTuple):
    """What one boot runs: shell lines before the log, the command that prints it, and a card, if any."""

    before: str
    command: str
    card: Path | None = None


def session(boot: image.Boot, name: str, libraries: Path) -> Session:
    """For one of RUNS or of ON_CARD. libraries: folder of the card and of what is on it."""
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    run_id = uuid.uuid4().hex[:12]
    if name in RUNS:
        # Everything is imported once before the log begins: Debian's packages compile their modules when installed.
        warm = "python3 /pi_profile.py --task activity --samples 2 --epochs 1 --calls 2 --out -"
        # There are no sensors: a sample would only be a load, in one span or another.
        options = f"{RUNS[name]} --every 0 --origin {ORIGIN} --run-id {run_id} --utc {now} --note '{NOTE}'"
        return Session(warm, f"python3 /pi_profile.py {options} --out -")
    wheels.install(libraries / "site", boot.system)
    settings = " ".join(f"{key}='{value}'" for key, value in {**wheels.ONE_THREAD, "PYTHONPATH": card.MOUNTED}.items())
    program = f"{settings} NUMBA_CACHE_DIR=$HOME/numba python3 -m tools.raspi3b.on_board {' '.join(ON_CARD[name])}"
    return Session(card.mounting(boot), f"{program} {run_id} {now} '{NOTE}'", card.make(libraries, libraries / "site"))


def record(boot: image.Boot, name: str, profiler: str, out: Path, libraries: Path, timeout_s: float) -> None:
    """One log, validated before it takes its place. profiler: text of pi_profile.py.

    Raises click.ClickException when the board printed no whole log.
    """
    run = session(boot, name, libraries)
    extra = {"init": board.init(run.command, before=run.before), "pi_profile.py": profiler}
    image.pack(boot.system, boot.packed, extra)
    serial = boot.packed.with_name("serial.log")
    lines = board.run(boot, serial, timeout_s=timeout_s, card=run.card)
    with atomic_path(out) as temporary:
        temporary.write_text("\n".join(lines) + "\n")
        try:
            complete = read_log(temporary).complete
        except DataError as error:
            raise click.ClickException(f"the board printed no log of {name}: {error}") from error
        if not complete:
            raise click.ClickException(f"the log of {name} has no end; see {serial}")


def differences(first: Path, second: Path) -> pd.DataFrame:
    """Two logs of the same run: by phase, spans and the relative difference of their times, in percent.

    Spans under a millisecond are left out: they are logged to the microsecond, and a tick of Linux is some of them.
    """
    spans, others = (read_log(path).spans.astype({"phase": str}) for path in (first, second))
    keys = [key for key in COUNTED if key in spans]
    both = spans.merge(others, on=keys, how="outer", indicator=True)
    if len(both) != len(spans) or not (both["_merge"] == "both").all():
        raise click.ClickException(f"{first.name} and {second.name} have not the same spans")
    both = both[both["wall_s_x"] >= SHORTEST_S]
    off = 100 * (both["wall_s_x"] / both["wall_s_y"] - 1).abs()
    table = off.groupby(both["phase"]).agg(["size", "median", "max"])
    table["seconds"] = both.groupby("phase")["wall_s_x"].sum()
    return table.rename(columns={"size": "spans", "median": "median %", "max": "max %"})


@click.command()
@click.option("--only", type=click.Choice([*RUNS, *ON_CARD]), multiple=True, help="Default: all that need only NumPy.")
@click.option("--libraries", is_flag=True, help="Also Numba and JAX, from an SD card of 2 GB: half an hour more.")
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "data/pi_logs", show_default="data/pi_logs")
@click.option("--twice", is_flag=True, help="Record a second time, into the build folder, and compare.")
@click.option("--build", type=click.Path(path_type=Path), default=ROOT / "build", show_default="build")
@click.option("--timeout", default=3600.0, show_default=True, help="Seconds for one log.")
def main(only: tuple[str, ...], libraries: bool, out: Path, twice: bool, build: Path, timeout: float) -> None:
    """Boot an emulated Raspberry Pi 3B and record what training costs on it."""
    image.require_programs("qemu-system-aarch64", "taskset", "apt-get", "dpkg-deb")
    boot, profiler = image.build(build / "raspi3b"), Path(pi_profile.__file__).read_text("utf-8")
    for name in only or (*RUNS, *(ON_CARD if libraries else ())):
        log = out / f"{ORIGIN}-{name}.jsonl"
        record(boot, name, profiler, log, build / "aarch64", timeout)
        click.echo(f"{log.name}: {len(read_log(log).spans)} spans")
        if twice:
            again = build / "raspi3b" / f"again-{name}.jsonl"
            record(boot, name, profiler, again, build / "aarch64", timeout)
            click.echo(differences(log, again).to_string(float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
