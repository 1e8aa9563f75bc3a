"""A camera made of one portrait: frames with a sensor's noise, for Chromium's fake capture device."""

from __future__ import annotations

import secrets
from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT, FRAMES = 1280, 720, 10


def point_at(portrait: Path, film: Path) -> None:
    """Let the camera see a portrait from now on; no two of its frames are alike."""
    picture = cv2.imdecode(np.frombuffer(portrait.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    still = _letterboxed(picture)
    noise = np.random.default_rng(secrets.randbits(64))
    drawn = film.with_suffix(".new")
    with drawn.open("wb") as out:
        out.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F15:1 Ip A1:1 C420jpeg\n".encode())
        for _ in range(FRAMES):
            frame = np.clip(still + noise.integers(-2, 3, still.shape, dtype=np.int16), 0, 255).astype(np.uint8)
            out.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420).tobytes())
    drawn.replace(film)


def _letterboxed(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    scale = min(WIDTH / width, HEIGHT / height)
    small = cv2.resize(picture, (int(width * scale), int(height * scale)))
    still = np.full((HEIGHT, WIDTH, 3), 200, np.int16)
    top, left = (HEIGHT - small.shape[0]) // 2, (WIDTH - small.shape[1]) // 2
    still[top : top + small.shape[0], left : left + small.shape[1]] = small
    return still
