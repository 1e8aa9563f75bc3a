"""Values that the engine sees: faces, and why a picture cannot be used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One detected face in source pixels: box, five landmarks, the detector's certainty.

    Landmarks: the person's right eye (left in the picture), left eye, nose,
    right and left corner of the mouth.
    """

    box: Points
    landmarks: Points
    certainty: float


class Unfit(Exception):
    """A photograph cannot be judged; `codes` say why, worst first."""

    def __init__(self, *codes: str) -> None:
        super().__init__(", ".join(codes))
        self.codes = codes
