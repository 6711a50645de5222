"""The one-file edition: the modules that a log rests on, put together for a Pi with Python and NumPy and no more."""

import ast
from pathlib import Path

from pmt_helpers import __version__
from pmt_helpers.datasets.files import atomic_path

PARTS = ("readings", "recorder", "kernels", "runs", "board")  # each uses only those before it
_HEAD = '''#!/usr/bin/env python3
"""Record what training a personal model costs on this machine, as a log of schema pi-profile/1.

Needs Python 3.9 and NumPy:  python3 pi_profile.py --task activity --out log.jsonl

Generated from pmt_helpers/device {version} by `python -m pmt_helpers profile --export`; do not edit. Licence: MIT.
"""

from __future__ import annotations

'''


def one_file() -> str:
    """The text of pi_profile.py."""
    imports: set[str] = set()
    bodies = []
    for part in PARTS:
        source = Path(__file__).with_name(f"{part}.py").read_text("utf-8")
        tree, lines = ast.parse(source), source.splitlines()
        dropped: set[int] = set()
        for place, node in enumerate(tree.body):
            is_import = isinstance(node, ast.Import | ast.ImportFrom)
            if is_import and "pmt_helpers" not in ast.unparse(node) and "__future__" not in ast.unparse(node):
                imports.add(ast.unparse(node))
            if is_import or (place == 0 and isinstance(node, ast.Expr)):
                dropped.update(range(node.lineno - 1, node.end_lineno or node.lineno))
        body = "\n".join(line for number, line in enumerate(lines) if number not in dropped).strip()
        if part != PARTS[-1]:
            body = body.replace('\n\n\nif __name__ == "__main__":\n    main()', "")
        bodies.append(f"# --- {part} ---\n\n{body}\n")
    return _HEAD.format(version=__version__) + "\n".join(sorted(imports)) + "\n\n\n" + "\n\n".join(bodies)


def export(path: str | Path) -> Path:
    """Write pi_profile.py; returns its path."""
    with atomic_path(path) as temporary:
        temporary.write_text(one_file(), "utf-8")
    return Path(path)
