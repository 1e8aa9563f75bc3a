"""Photographs become bounded 8-bit BGR pixels in memory; their metadata is gone afterwards."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
MAX_BYTES = 4_000_000
MAX_PIXELS = 12_000_000
MAX_SIDE = 6_000
MIN_SIDE = 48
# A progressive JPEG of a few kB can make the decoder walk the picture hundreds of times.
MAX_SCANS = 40
_PNG = b"\x89PNG\r\n\x1a\n"
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class Unreadable(Exception):
    """The bytes are not a photograph we take; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def decode(content: bytes) -> Pixels:
    """Return upright BGR pixels of a JPEG or PNG; raises `Unreadable`.

    Size is judged from the header before anything is decoded.
    """
    if len(content) > MAX_BYTES:
        raise Unreadable("too_many_bytes")
    width, height = _size(content)
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise Unreadable("too_many_pixels")
    if min(width, height) < MIN_SIDE:
        raise Unreadable("too_small")
    try:
        # IMREAD_COLOR turns by EXIF, drops alpha, and makes 16-bit, grey and CMYK 8-bit BGR.
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        raise Unreadable("damaged") from None
    if pixels is None or sorted(pixels.shape[:2]) != sorted((width, height)):
        raise Unreadable("damaged")
    return np.ascontiguousarray(pixels, dtype=np.uint8)


def _size(content: bytes) -> tuple[int, int]:
    if content.startswith(_PNG):
        return _png_size(content)
    if content.startswith(b"\xff\xd8\xff"):
        return _jpeg_size(content)
    raise Unreadable("not_jpeg_or_png")


def _png_size(content: bytes) -> tuple[int, int]:
    if len(content) < 33 or content[12:16] != b"IHDR" or b"IEND" not in content[-64:]:
        raise Unreadable("damaged")
    width, height = struct.unpack(">II", content[16:24])
    return int(width), int(height)


def _jpeg_size(content: bytes) -> tuple[int, int]:
    # A truncated file still decodes to grey stripes, so the end marker is asked for.
    if content.rfind(b"\xff\xd9", max(0, len(content) - 65_536)) < 0:
        raise Unreadable("damaged")
    if content.count(b"\xff\xda") > MAX_SCANS:
        raise Unreadable("too_many_scans")
    sizes = {
        struct.unpack(">HH", content[at + 5 : at + 9])
        for marker, at in _segments(content)
        if marker in _FRAME_MARKERS and at + 9 <= len(content)
    }
    if len(sizes) != 1:
        raise Unreadable("damaged")
    height, width = sizes.pop()
    return int(width), int(height)


def _segments(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield the marker and place of each header segment up to the first scan."""
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        yield marker, at
        if marker == 0xDA:
            return
        at += 2 + int(struct.unpack(">H", content[at + 2 : at + 4])[0])
