"""The pictures that the story's camera takes: frames derived from one portrait, and said to be derived."""

from __future__ import annotations

import secrets
from pathlib import Path

import cv2
import numpy as np


def frames_of(portrait: Path, count: int = 2) -> list[bytes]:
    """Return JPEG frames derived from a portrait: a little darker or lighter, a few pixels moved.

    No two are alike, as no two pictures of a camera are; the city refuses a picture it has seen.
    """
    picture = cv2.imdecode(np.frombuffer(portrait.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(f"{portrait.name} is no picture")
    return [_derived(picture) for _ in range(count)]


def _derived(picture: np.ndarray) -> bytes:
    # Sensor noise of at most one level: invisible, and different each time.
    noise = np.random.default_rng(secrets.randbits(64)).integers(-1, 2, picture.shape, dtype=np.int16)
    lit = np.clip(picture.astype(np.int16) + noise + secrets.choice((-3, 0, 3)), 0, 255).astype(np.uint8)
    left, top = secrets.randbelow(3), secrets.randbelow(3)
    _, jpeg = cv2.imencode(".jpg", lit[top:, left:], [cv2.IMWRITE_JPEG_QUALITY, 95])
    return bytes(jpeg)
