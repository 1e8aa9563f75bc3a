"""How the simulated gateway knows people: the demo world's portraits, compared by the bundled engine."""

from __future__ import annotations

from functools import cache

from demo import world
from identity.face.demo import PORTRAITS
from identity.face.engine import engine
from identity.face.quality import PROBE
from identity.face.sight import Unfit
from identity.face.vector import ONE_TO_ONE, Vector, average


def judged(number: str, frames: list[bytes]) -> str:
    """Return `same`, `different`, `poor` or `unknown_person`."""
    known = _known().get(number.upper())
    if known is None:
        return "unknown_person"
    try:
        probe = average([engine().read(frame, gate=PROBE) for frame in frames])
    except Unfit:
        return "poor"
    return "same" if float(probe @ _portrait(known)) >= ONE_TO_ONE else "different"


@cache
def _known() -> dict[str, str]:
    return {each.resident_id: PORTRAITS[each.face] for each in world.load().citizens if each.face is not None}


@cache
def _portrait(name: str) -> Vector:
    return engine().read((world.FOLDER / "faces" / name).read_bytes(), gate=PROBE)
