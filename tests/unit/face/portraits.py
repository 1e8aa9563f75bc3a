"""The credited portraits, and pictures derived from them."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from demo import world


def portrait(name: str) -> bytes:
    """Return a credited portrait's bytes."""
    return (Path(world.FOLDER) / "faces" / f"{name}.jpg").read_bytes()


def pixels(name: str) -> NDArray[np.uint8]:
    """Return a portrait's pixels."""
    found = cv2.imdecode(np.frombuffer(portrait(name), np.uint8), cv2.IMREAD_COLOR)
    assert found is not None
    return np.asarray(found, np.uint8)


def jpeg(picture: NDArray[np.generic], kind: str = ".jpg") -> bytes:
    """Return pixels as a file."""
    return cv2.imencode(kind, picture)[1].tobytes()


def derived(name: str, shade: float = 1.0) -> bytes:
    """Return a frame derived from a portrait: resized and shaded."""
    smaller = cv2.resize(pixels(name), None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    return jpeg(np.clip(smaller * shade, 0, 255).astype(np.uint8))


def with_exif_orientation(content: bytes, orientation: int) -> bytes:
    """Return a JPEG that says how its pixels are turned."""
    tiff = b"II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    body = b"Exif\0\0" + tiff
    return content[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + content[2:]
