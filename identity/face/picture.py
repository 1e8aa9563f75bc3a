"""Photographs become bounded 8-bit BGR pixels in memory; their metadata is gone afterwards."""

from __future__ import annotations

import re
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
# In a scan, 0xFF is followed by 0x00 (stuffing) or a restart marker; anything else ends it.
_SCAN_ENDS = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_SCAN, _END = 0xDA, 0xD9
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
    if content.startswith(_PNG):
        _check_tail(content, _png_end(content))
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
    if len(content) < 33 or content[12:16] != b"IHDR":
        raise Unreadable("damaged")
    width, height = struct.unpack(">II", content[16:24])
    return int(width), int(height)


def _jpeg_size(content: bytes) -> tuple[int, int]:
    segments = list(_segments(content))
    # A truncated file still decodes to grey stripes, so the end marker is asked for.
    if not segments or segments[-1][0] != _END:
        raise Unreadable("damaged")
    if sum(marker == _SCAN for marker, _ in segments) > MAX_SCANS:
        raise Unreadable("too_many_scans")
    sizes = {
        struct.unpack(">HH", content[at + 5 : at + 9])
        for marker, at in segments
        if marker in _FRAME_MARKERS and at + 9 <= len(content)
    }
    if len(sizes) != 1:
        raise Unreadable("damaged")
    _check_tail(content, segments[-1][1] + 2)
    height, width = sizes.pop()
    return int(width), int(height)


def _segments(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield the marker and place of each segment and scan up to the end of the image."""
    at = 2
    while at + 2 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        yield marker, at
        if marker == _END or at + 4 > len(content):
            return
        at += 2 + max(2, int(struct.unpack(">H", content[at + 2 : at + 4])[0]))
        if marker == _SCAN:
            found = _SCAN_ENDS.search(content, at)
            if found is None:
                return
            at = found.start()


def _png_end(content: bytes) -> int:
    """Return where the last chunk ends; raises `Unreadable` where there is none."""
    at = len(_PNG)
    while at + 12 <= len(content):
        size = int(struct.unpack(">I", content[at : at + 4])[0])
        last = content[at + 4 : at + 8] == b"IEND"
        at += 12 + size
        if last:
            return at
    raise Unreadable("damaged")


def _check_tail(content: bytes, end: int) -> None:
    # A second file behind the picture (a polyglot) is nothing a camera sends.
    if end > len(content):
        raise Unreadable("damaged")
    if content[end:].strip(b"\0\r\n "):
        raise Unreadable("more_than_a_picture")
