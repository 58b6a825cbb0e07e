# SPDX-License-Identifier: GPL-3.0-or-later
"""Small disks that can fill up: a tmpfs each, which only root may mount. They are mounted for this
process and its children alone, and so are gone with them, however they end."""

import contextlib
import ctypes
import os
import shutil
import subprocess
import unittest

CLONE_NEWNS = 0x20000
_libc = ctypes.CDLL(None, use_errno=True)
_state = {"apart": False}


def can_mount():
    return os.geteuid() == 0 and shutil.which("mount") is not None


def _apart():
    """From now on what is mounted by this thread, and those it starts, is seen by them alone."""
    if _state["apart"]:
        return
    if not can_mount() or _libc.unshare(CLONE_NEWNS) != 0:
        raise unittest.SkipTest("no tmpfs can be mounted")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    _state["apart"] = True


class Disk:
    """Of some MiB at a folder, until close()."""

    def __init__(self, folder, mib):
        _apart()
        self.folder = folder
        self.ballast = os.path.join(folder, "ballast")
        how = f"size={mib}m,mode=755"
        subprocess.run(["mount", "-t", "tmpfs", "-o", how, "tmpfs", folder], check=True)

    def fill(self, left=0):
        """Leave so many bytes, which others may take too."""
        about = os.statvfs(self.folder)
        n = about.f_bavail * about.f_frsize - left
        with open(self.ballast, "wb") as file, contextlib.suppress(OSError):
            if n > 0:
                os.posix_fallocate(file.fileno(), 0, n)

    def make_room(self):
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.ballast)

    def close(self):
        subprocess.run(["umount", "-l", self.folder], check=False, stderr=subprocess.DEVNULL)
