"""A Raspberry Pi 3B that nobody needs to own: QEMU's, and instructions counted. `python -m tools.raspi3b.record`."""
