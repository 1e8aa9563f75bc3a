"""Faces: accuracy where LFW is at hand, cost of a look, a shortlist, a search, decisions beside other routes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import face_city, face_search
from benchmarks.report import Finding, Part
from benchmarks.world import World

LOOKS, LISTS = 40, 400
UNMEASURED = (
    "unmeasured: East Asian faces as a group, people over 70, children, masks and glare, pharmacy light, twins;"
    " LFW is mostly men, mostly light-skinned, press photographs. See docs/face.md"
)


def run(world: World) -> Part:
    """Measure all of it; accuracy only where SUXIN_LFW_DEVTEST names LFW's development test."""
    notes: list[str] = []
    findings = [*_accuracy(notes), _probe(), *face_search.findings(notes), *face_city.findings(world, notes)]
    return Part("Faces", findings, notes=[*notes, UNMEASURED])


def _accuracy(notes: list[str]) -> list[Finding]:
    folder = Path(os.environ.get("SUXIN_LFW_DEVTEST", "nowhere"))
    if not (folder / "pairs.txt").exists():
        notes.append("accuracy not measured: SUXIN_LFW_DEVTEST names no folder with LFW's development test")
        return []
    from identity.face.calibrate import enrolled_by_two, read_set, single
    from identity.face.evaluate import evaluate

    pairs, given = evaluate(folder), read_set(folder)
    threshold, one = single(given).at(1e-4)
    threshold_two, two = enrolled_by_two(given).at(1e-4)
    _, frames = enrolled_by_two(given, probes=2).at(1e-4)
    fold = pairs.ten_fold_interval
    notes += [
        f"LFW View 1 development test, {pairs.pairs} pairs, {pairs.undetected} undetected: ten-fold"
        f" {pairs.ten_fold:.2%} ± {pairs.ten_fold_deviation:.2%} over folds (95 %: {fold.low:.2%} to"
        f" {fold.high:.2%}), one threshold {pairs.accuracy:.2%} at {pairs.threshold:.3f}, EER {pairs.equal_error:.2%}",
        f"all against all of {len(given.vectors)} photographs at FAR 1e-4, intervals over resampled people: one"
        f" photograph {one.text()} at {threshold:.3f}; two enrolled {two.text()} at {threshold_two:.3f};"
        f" two enrolled and two shown {frames.text()}",
    ]
    return [
        Finding("ten-fold accuracy, LFW development test", 100 * pairs.ten_fold, 99.2, "%"),
        Finding("TAR at FAR 1e-4, one photograph each", 100 * one.value, 97, "%"),
        Finding("TAR at FAR 1e-4, two enrolled, one shown", 100 * two.value, 99.3, "%"),
        Finding("TAR at FAR 1e-4, two enrolled, two shown (as terminals send)", 100 * frames.value, 99.3, "%"),
    ]


def _probe() -> Finding:
    """Read one 640x480 picture again and again; the processor time of a whole look."""
    from demo import world as demo
    from identity.face.engine import Engine
    from identity.face.picture import decode
    from identity.face.quality import PROBE

    content = framed(decode((demo.FOLDER / "faces" / "person_b_2.jpg").read_bytes()))
    eyes = Engine()
    eyes.read(content, gate=PROBE)
    spent = []
    for _ in range(LOOKS):
        started = time.process_time()
        eyes.read(content, gate=PROBE)
        spent.append(1000 * (time.process_time() - started))
    return Finding("one 640x480 probe, CPU (median)", float(np.median(spent)), 60, "ms", at_most=True)


def framed(pixels: Any, *, shade: float = 1.0) -> bytes:
    """Return a portrait as a camera's 640x480 picture."""
    import cv2

    scale = 480 / pixels.shape[0]
    small = cv2.resize(pixels, (round(pixels.shape[1] * scale), 480), interpolation=cv2.INTER_AREA)[:, :640]
    canvas = np.full((480, 640, 3), 110, np.uint8)
    left = (640 - small.shape[1]) // 2
    canvas[:, left : left + small.shape[1]] = np.clip(small * shade, 0, 255)
    return bytes(cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())


def timed(act: Callable[[], object], times: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the milliseconds of each of so many calls."""
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        act()
        spent.append(1000 * (time.perf_counter() - started))
    return np.array(spent)
