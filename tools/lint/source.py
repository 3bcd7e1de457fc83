"""What the rules read: every file that git tracks or would track."""

import ast
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What a checkout without git leaves out: what .gitignore names, and git's own folder.
_UNTRACKED = {".git", ".venv", "data", "dist", "__pycache__"}


@dataclass(frozen=True)
class Source:
    """A file of the repository: its path from the root, with slashes, and its bytes."""

    path: str
    content: bytes

    @cached_property
    def text(self) -> str:
        return self.content.decode(errors="replace")

    @cached_property
    def tree(self) -> ast.Module:
        """The file as Python; bytes that are no Python raise `SyntaxError` or `ValueError`."""
        return ast.parse(self.content, filename=self.path)

    @property
    def is_python(self) -> bool:
        return self.path.endswith(".py")


def list_sources(root: Path) -> Iterator[Source]:
    """Read the text files under `root`, in the order of their paths; binary files are left out."""
    for path in sorted(_list_paths(root)):
        file = root / path
        if not file.is_file() or file.is_symlink():
            continue
        content = file.read_bytes()
        if b"\0" not in content[:8192]:
            yield Source(path=path, content=content)


def _list_paths(root: Path) -> Iterator[str]:
    if (root / ".git").exists() and shutil.which("git"):
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
        listed = subprocess.run(command, cwd=root, check=True, capture_output=True).stdout
        yield from (os.fsdecode(path) for path in listed.split(b"\0") if path)
        return
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in _UNTRACKED and not name.endswith("_cache")]
        yield from (Path(folder, name).relative_to(root).as_posix() for name in files)
