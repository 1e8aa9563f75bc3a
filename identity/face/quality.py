"""Is this photograph good enough to judge by? Measured in source pixels; stricter at enrolment."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from identity.face.picture import Pixels
from identity.face.sight import Face


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Limits of one use (after ISO/IEC 29794-5)."""

    eyes_px: float
    sharpness: float
    darkest: float
    brightest: float
    contrast: float
    turned: float
    tilted_degrees: float
    certainty: float


PROBE = Gate(
    eyes_px=60, sharpness=60, darkest=45, brightest=215, contrast=18, turned=0.42, tilted_degrees=30, certainty=0.75
)
ENROL = Gate(
    eyes_px=90, sharpness=120, darkest=60, brightest=200, contrast=25, turned=0.28, tilted_degrees=15, certainty=0.85
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What was measured on one face."""

    eyes_px: float
    sharpness: float
    brightness: float
    contrast: float
    turned: float
    pitched: float
    tilted_degrees: float
    certainty: float


def measure(face: Face, chip: Pixels) -> Quality:
    """Return the measures of a face and its aligned chip."""
    right, left, nose, mouth_right, mouth_left = face.landmarks
    eyes = float(np.linalg.norm(left - right))
    between = (left + right) / 2
    down = (mouth_left + mouth_right) / 2 - between
    grey = cv2.cvtColor(chip, cv2.COLOR_BGR2GRAY)
    inner = grey[16:96, 16:96]
    return Quality(
        eyes_px=eyes,
        sharpness=float(cv2.Laplacian(inner, cv2.CV_64F).var()),
        brightness=float(inner.mean()),
        contrast=float(inner.std()),
        turned=abs(float(nose[0] - between[0])) / max(eyes, 1.0),
        pitched=float((nose - between) @ down) / max(float(down @ down), 1.0),
        tilted_degrees=abs(math.degrees(math.atan2(left[1] - right[1], left[0] - right[0]))),
        certainty=face.certainty,
    )


_FAULTS: tuple[tuple[str, Callable[[Quality, Gate], bool]], ...] = (
    ("uncertain_face", lambda seen, gate: seen.certainty < gate.certainty),
    ("too_far_away", lambda seen, gate: seen.eyes_px < gate.eyes_px),
    ("turned", lambda seen, gate: seen.turned > gate.turned or not 0.30 <= seen.pitched <= 0.85),
    ("tilted", lambda seen, gate: seen.tilted_degrees > gate.tilted_degrees),
    ("too_dark", lambda seen, gate: seen.brightness < gate.darkest),
    ("too_bright", lambda seen, gate: seen.brightness > gate.brightest),
    ("low_contrast", lambda seen, gate: seen.contrast < gate.contrast),
    ("blurred", lambda seen, gate: seen.sharpness < gate.sharpness),
)


def faults(seen: Quality, gate: Gate) -> tuple[str, ...]:
    """Return what is wrong, worst first; empty when the gate is passed."""
    return tuple(code for code, fails in _FAULTS if fails(seen, gate))
