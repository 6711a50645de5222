"""A machine of our own in which memory can be limited, without root rights. `python -m tools.constrained.record`."""
