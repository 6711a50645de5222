"""The package's dependencies are those of requirements.txt: one list, read when the package is built or installed."""

import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface


def read_requirements(path: Path) -> list[str]:
    """The requirements of a file without its comments, in order."""
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


class RequirementsHook(MetadataHookInterface):
    """Fills the field `dependencies` of the project's metadata."""

    def update(self, metadata: dict) -> None:
        metadata["dependencies"] = read_requirements(Path(self.root) / "requirements.txt")
