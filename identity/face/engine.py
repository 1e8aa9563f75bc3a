"""The bundled face engine: YuNet finds faces, SFace embeds them, both on one CPU thread."""

from __future__ import annotations

import os
import threading

import cv2
import numpy as np
from numpy.typing import NDArray

from identity.face import weights
from identity.face.picture import Pixels, Unreadable, decode
from identity.face.quality import Gate, faults, measure
from identity.face.sight import Face, Points, Unfit
from identity.face.vector import BadVector, Vector, unit

DETECTION_SIDE = 640
_SCORE, _OVERLAP, _MOST = 0.6, 0.3, 50
# A second face counts when it could be the customer's: at least a third of the largest one.
_BYSTANDER = 1 / 3
_CHIP = 112
# The five points that ArcFace-family models were trained on, in a 112x112 chip.
_TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)


class Engine:
    """One detector and one network; never shared between threads (both keep state)."""

    def __init__(self) -> None:
        cv2.setNumThreads(1)
        # OpenCV 5 warns on every load that its new graph engine ignores targets.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
        detector = np.frombuffer(weights.read(weights.DETECTOR), np.uint8)
        embedder = np.frombuffer(weights.read(weights.EMBEDDER), np.uint8)
        self._detector = cv2.FaceDetectorYN.create(
            "onnx", detector, np.empty(0, np.uint8), (320, 320), _SCORE, _OVERLAP, _MOST
        )
        self._net = cv2.dnn.readNetFromONNX(embedder)

    def detect(self, pixels: Pixels, *, side: int = DETECTION_SIDE) -> list[Face]:
        """Return the faces of a picture, largest first, in its own pixels."""
        height, width = pixels.shape[:2]
        scale = min(1.0, side / max(height, width))
        small = pixels
        if scale < 1:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            small = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        self._detector.setInputSize((small.shape[1], small.shape[0]))
        _, rows = self._detector.detect(small)
        found = [] if rows is None else [_face(row, scale) for row in np.asarray(rows, np.float64)]
        return sorted(found, key=lambda face: -float(face.box[2] * face.box[3]))

    def align(self, pixels: Pixels, face: Face) -> Pixels:
        """Return the 112x112 chip with eyes, nose and mouth where the network expects them."""
        moved = cv2.warpAffine(pixels, _similarity(face.landmarks), (_CHIP, _CHIP), flags=cv2.INTER_LINEAR)
        return np.asarray(moved, np.uint8)

    def embed(self, chip: Pixels) -> Vector:
        """Return the unit embedding of a BGR chip; raises `BadVector`."""
        self._net.setInput(self._blob(chip), "data")
        return unit(np.asarray(self._net.forward(), np.float32))

    def _blob(self, chip: Pixels) -> NDArray[np.float32]:
        # The network was trained on RGB, 0 to 255: with BGR it still answers, but worse.
        planes = chip[:, :, ::-1].transpose(2, 0, 1)[np.newaxis]
        return np.ascontiguousarray(planes, dtype=np.float32)

    def read(self, content: bytes, *, gate: Gate) -> Vector:
        """Return the embedding of the one good face in a photograph; raises `Unfit`."""
        try:
            pixels = decode(content)
        except Unreadable as refusal:
            raise Unfit(refusal.code) from None
        face = single(self.detect(pixels))
        chip = self.align(pixels, face)
        wrong = faults(measure(face, chip), gate)
        if wrong:
            raise Unfit(*wrong)
        try:
            return self.embed(chip)
        except BadVector:
            raise Unfit("uncertain_face") from None


def single(faces: list[Face]) -> Face:
    """Return the only face that counts; raises `Unfit` for none or several."""
    if not faces:
        raise Unfit("no_face")
    largest = float(faces[0].box[2])
    if len(faces) > 1 and float(faces[1].box[2]) >= largest * _BYSTANDER:
        raise Unfit("several_faces")
    return faces[0]


def _face(row: NDArray[np.float64], scale: float) -> Face:
    return Face(box=row[:4] / scale, landmarks=row[4:14].reshape(5, 2) / scale, certainty=float(row[14]))


def _similarity(points: Points) -> NDArray[np.float64]:
    """Return the least-squares rotation, scale and shift onto the template (Umeyama 1991)."""
    centre, target = points.mean(axis=0), _TEMPLATE.mean(axis=0)
    near, far = points - centre, _TEMPLATE - target
    u, spread, vt = np.linalg.svd(far.T @ near / len(points))
    sign = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt)) or 1.0])
    turn = u @ np.diag(sign) @ vt
    scale = float((spread * sign).sum()) / max(float(near.var(axis=0).sum()), 1e-9)
    shift = target - scale * turn @ centre
    return np.hstack([scale * turn, shift[:, np.newaxis]])


_local = threading.local()


def engine() -> Engine:
    """Return this thread's engine, loaded on first use and again after a fork."""
    if getattr(_local, "pid", None) != os.getpid():
        _local.engine, _local.pid = Engine(), os.getpid()
    held: Engine = _local.engine
    return held
