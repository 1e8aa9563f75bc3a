"""Every kind of bad picture has one stable answer, costs under 200 MB and two seconds, and harms nothing."""

from __future__ import annotations

import struct
import subprocess
import sys
import time
import zlib

import cv2
import numpy as np
import pytest

from identity.face.picture import MAX_PIXELS, Unreadable, decode
from tests.unit.face.portraits import jpeg, pixels, portrait


def png(width: int, height: int, rows: bytes, *, depth: int = 8, colour: int = 2) -> bytes:
    """Return a PNG of given raw rows."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def cmyk() -> bytes:
    """Return the portrait's frame header rewritten to four components, as CMYK has."""
    content = bytearray(portrait("person_b_1"))
    at = content.index(b"\xff\xc0")
    size = struct.unpack(">H", content[at + 2 : at + 4])[0]
    head = content[at : at + 2 + size]
    head[2:4] = struct.pack(">H", size + 3)
    head[9] = 4
    return bytes(content[:at] + head + bytes([4, 0x11, 0]) + content[at + 2 + size :])


def progressive(scans: int) -> bytes:
    """Return a JPEG with so many scans."""
    small = cv2.resize(pixels("person_b_2"), (160, 200))
    content = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    at = content.rindex(b"\xff\xda")
    return content[:at] + content[at:-2] * scans + b"\xff\xd9"


ZIP = b"PK\x05\x06" + b"\0" * 18
BAD = {
    "polyglot with an archive": (portrait("person_b_2") + ZIP, "more_than_a_picture"),
    "polyglot with a page": (portrait("person_b_2") + b"<html><script>1</script>", "more_than_a_picture"),
    "polyglot that ends like a picture": (portrait("person_b_2") + ZIP + b"\xff\xd9", "more_than_a_picture"),
    "png with an archive": (jpeg(pixels("person_b_2"), ".png") + ZIP, "more_than_a_picture"),
    "20,000 pixels wide": (png(20_000, 100, b""), "too_many_pixels"),
    "20,000 pixels square": (png(20_000, 20_000, b""), "too_many_pixels"),
    "4 pixels": (png(4, 4, b"\0" * 52), "too_small"),
    "truncated": (portrait("person_b_2")[:-3000], "damaged"),
    "only a header": (portrait("person_b_2")[:600], "damaged"),
    "png without rows": (png(100, 100, b""), "damaged"),
    "png without an end": (jpeg(pixels("person_b_2"), ".png")[:-12], "damaged"),
    "png chunk longer than the file": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0\0\0\x64" * 2 + b"\xff" * 60, "damaged"),
    "sixty scans": (progressive(60), "too_many_scans"),
    "webp": (b"RIFF\x10\0\0\0WEBPVP8 " + b"\0" * 40, "not_jpeg_or_png"),
    "text": ("照片".encode(), "not_jpeg_or_png"),
}


@pytest.mark.parametrize("kind", list(BAD))
def test_a_bad_picture_is_refused_with_its_code_in_time(kind: str) -> None:
    content, code = BAD[kind]
    started = time.process_time()

    with pytest.raises(Unreadable) as refusal:
        decode(content)

    assert refusal.value.code == code
    assert time.process_time() - started < 2


@pytest.mark.parametrize("kind", ["cmyk", "grey", "alpha", "16 bit"])
def test_unusual_pictures_become_plain_colour(kind: str) -> None:
    plain = pixels("person_b_2")
    content = {
        "cmyk": cmyk(),
        "grey": jpeg(cv2.cvtColor(plain, cv2.COLOR_BGR2GRAY)),
        "alpha": jpeg(cv2.cvtColor(plain, cv2.COLOR_BGR2BGRA), ".png"),
        "16 bit": jpeg(plain.astype(np.uint16) * 257, ".png"),
    }[kind]

    seen = decode(content)

    # The fabricated CMYK picture is the other portrait: of it, form is all that can be asked.
    assert (seen.dtype, seen.ndim, seen.shape[2]) == (np.uint8, 3, 3)
    assert kind == "cmyk" or seen.shape == plain.shape


def test_padding_after_the_end_is_no_second_file() -> None:
    assert decode(portrait("person_b_2") + b"\0" * 7).shape == pixels("person_b_2").shape


def test_the_costliest_picture_stays_within_200_mb_and_two_seconds() -> None:
    script = """
import resource, time
import numpy as np, cv2
from identity.face.engine import Engine
from identity.face.picture import MAX_PIXELS, decode
from identity.face.quality import PROBE
from identity.face.sight import Unfit
side = int(MAX_PIXELS ** 0.5)
noise = np.random.default_rng(1).integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
big = cv2.imencode(".jpg", cv2.resize(noise, (side, side)), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
eyes = Engine()
del noise
eyes.detect(np.zeros((480, 640, 3), np.uint8))
cv2.resize(np.zeros((side, side, 3), np.uint8), (64, 64))
before = resource.getrusage(resource.RUSAGE_SELF)
rss = int(open("/proc/self/statm").read().split()[1]) * 4096
open("/proc/self/clear_refs", "w").write("5")
try:
    eyes.read(big, gate=PROBE)
except Unfit as refusal:
    print(refusal.codes[0])
after = resource.getrusage(resource.RUSAGE_SELF)
peak = next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(len(big) <= 4_000_000, (peak - rss) // 1_000_000, after.ru_utime - before.ru_utime)
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)

    code, (small, megabytes, seconds) = ran.stdout.split()[0], ran.stdout.split()[1:]
    assert MAX_PIXELS == 12_000_000
    assert (code, small) == ("no_face", "True")
    assert int(megabytes) <= 200
    assert float(seconds) <= 2
