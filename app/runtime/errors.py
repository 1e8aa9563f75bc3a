"""Why Suxin cannot start, said in one sentence that names the next step."""

from __future__ import annotations

import errno


class CannotStart(Exception):
    """The start stops here; the message is one sentence for the operator."""


_REASONS = {
    errno.ENOSPC: "the disk that holds it is full: free some space or set SUXIN_STATE_DIR to a folder on another disk",
    errno.EDQUOT: "its disk quota is used up: free some space or set SUXIN_STATE_DIR to a folder on another disk",
    errno.EROFS: "its file system is read-only: set SUXIN_STATE_DIR to a folder that can be written",
    errno.EACCES: "this account may not write there: set SUXIN_STATE_DIR to a folder of your own",
    errno.EPERM: "this account may not change it: set SUXIN_STATE_DIR to a folder of your own",
    errno.ENOTDIR: "a part of its path is a file: set SUXIN_STATE_DIR to a folder",
}


def from_os_error(error: OSError) -> CannotStart:
    """Return the sentence for a file that could not be made or written."""
    where = error.filename or "the state folder"
    reason = _REASONS.get(error.errno or 0, error.strerror or "an unknown error")
    return CannotStart(f"{where} cannot be used: {reason}.")
