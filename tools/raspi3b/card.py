"""An SD card for the emulated board: the libraries and pmt_helpers, which are too large for a file system in memory."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .image import Boot, require_programs

ROOT = Path(__file__).resolve().parents[2]
DRIVERS = ("crc32c_generic", "crc16", "mbcache", "jbd2", "ext4", "bcm2835")  # in this order
MOUNTED = "/card"
SIZE = "2G"  # QEMU wants a power of two; empty parts take no room


def make(folder: Path, site: Path) -> Path:
    """card.img in `folder`, from the libraries in `site`."""
    require_programs("mke2fs")
    card = folder / "card.img"
    card.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as root:
        shutil.copytree(site, root, copy_function=os.link, dirs_exist_ok=True)
        shutil.copytree(ROOT / "pmt_helpers", f"{root}/pmt_helpers")
        shutil.copytree(Path(__file__).parent, f"{root}/tools/raspi3b")
        quiet = ["mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", root]
        subprocess.run([*quiet, str(card), SIZE], check=True, capture_output=True)
    return card


def mounting(boot: Boot) -> str:
    """Put the drivers into the board's file system; return the shell lines that mount the card."""
    lines = []
    for name in DRIVERS:
        driver = next(boot.kernel.parents[1].rglob(f"kernel/**/{name}.ko"))
        shutil.copy(driver, boot.system / driver.name)
        lines.append(f"/bin/busybox insmod /{driver.name}")
    (boot.system / MOUNTED[1:]).mkdir(exist_ok=True)
    wait = "while [ ! -b /dev/mmcblk0 ]; do /bin/busybox sleep 1; done"
    return "\n".join([*lines, wait, f"/bin/busybox mount -o ro /dev/mmcblk0 {MOUNTED}"])
