"""The user that the embedded server runs as where Fostr itself runs as root, which PostgreSQL refuses to do.

That user owns the database's files and nothing else. Folders on the way to them that it may not enter
(`/root` is one) are opened for it alone, by an access control entry for passing through; nobody else gains
anything.
"""

import os
import pwd
import shutil
import stat
import struct
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

NAME: Final = "fostr-postgres"

ACL: Final = "system.posix_acl_access"
ACL_VERSION: Final = 2
OWNER, USER, GROUP, MASK, OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
NOBODY: Final = 0xFFFFFFFF
PASS: Final = 1
"""The right to enter a folder whose name one knows."""


class NoSystemUser(Exception):
    """PostgreSQL cannot run here as root, and no other user can be had; the text says what to do."""


class ProcessOptions(TypedDict, total=False):
    """What `subprocess` is told of whom a process runs as; nothing where it is the one that we are."""

    user: int
    group: int
    extra_groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SystemUser:
    """Whom the server's processes run as."""

    uid: int
    gid: int


def find_system_user(cluster: Path) -> SystemUser | None:
    """Return the user that the server on this folder runs as, or None where it is the one that we are.

    A folder that exists keeps its owner, so that one made by an ordinary user stays theirs when root starts
    it.
    """
    if os.geteuid() != 0:
        return None
    if cluster.exists() and (found := cluster.stat()).st_uid != 0:
        return SystemUser(uid=found.st_uid, gid=found.st_gid)
    entry = _find_entry() or _create_entry()
    return SystemUser(uid=entry.pw_uid, gid=entry.pw_gid)


def _find_entry() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        return None


def _create_entry() -> pwd.struct_passwd:
    if useradd := shutil.which("useradd"):
        command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        command += ["--shell", "/bin/false", NAME]
    elif adduser := shutil.which("adduser"):  # BusyBox
        command = [adduser, "-S", "-D", "-H", "-h", "/nonexistent", "-s", "/bin/false", NAME]
    else:
        command = ["/bin/false"]
    # Another Fostr may be making the same user, and holds the lock of the user list meanwhile.
    for _ in range(20):
        subprocess.run(command, check=False, capture_output=True)
        if entry := _find_entry():
            return entry
        time.sleep(0.1)
    raise NoSystemUser(
        f"Fostr runs as root, and PostgreSQL refuses to. The system user {NAME} could not be made: make it "
        f"(useradd --system {NAME}), or run Fostr as an ordinary user, or set DATABASE_URL."
    )


def process_options(user: SystemUser | None) -> ProcessOptions:
    """Return what `subprocess` needs to start a process as this user."""
    return {"user": user.uid, "group": user.gid, "extra_groups": ()} if user else {}


def let_pass(path: Path, *, user: SystemUser) -> None:
    """Let the user enter every folder above `path`, which it may then reach by name."""
    for folder in reversed(path.parents):
        if not _may_enter(folder.stat(), user):
            _grant_passage(folder, user)


def _may_enter(folder: os.stat_result, user: SystemUser) -> bool:
    if folder.st_uid == user.uid:
        return bool(folder.st_mode & stat.S_IXUSR)
    if folder.st_gid == user.gid:
        return bool(folder.st_mode & stat.S_IXGRP)
    return bool(folder.st_mode & stat.S_IXOTH)


def _grant_passage(folder: Path, user: SystemUser) -> None:
    try:
        entries = _read_entries(folder)
        granted = entries.get((USER, user.uid), 0) | PASS
        if entries.get((USER, user.uid)) == granted and entries.get((MASK, NOBODY), 0) & PASS:
            return
        entries[USER, user.uid] = granted
        # The mask bounds what entries for single users and for groups may give.
        entries[MASK, NOBODY] = entries.get((MASK, NOBODY), entries[GROUP, NOBODY]) | PASS
        packed = b"".join(struct.pack("<HHI", tag, right, whom) for (tag, whom), right in sorted(entries.items()))
        os.setxattr(folder, ACL, struct.pack("<I", ACL_VERSION) + packed)
    except (
        OSError,
        AttributeError,
    ) as error:  # No such call outside Linux; no such entries on some file systems.
        raise NoSystemUser(
            f"PostgreSQL refuses to run as root, and the system user {NAME} that it runs as instead may not "
            f"enter {folder}. Allow it (chmod o+x {folder}), set FOSTR_DATA to another folder, or run Fostr "
            "as an ordinary user."
        ) from error


def _read_entries(folder: Path) -> dict[tuple[int, int], int]:
    """Return the rights on a folder by kind and id of whom they are for."""
    try:
        raw = os.getxattr(folder, ACL)
    except OSError:
        mode = folder.stat().st_mode
        return {(OWNER, NOBODY): mode >> 6 & 7, (GROUP, NOBODY): mode >> 3 & 7, (OTHER, NOBODY): mode & 7}
    return {(tag, whom): right for tag, right, whom in struct.iter_unpack("<HHI", raw[4:])}
