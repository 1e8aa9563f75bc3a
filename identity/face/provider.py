"""The face as evidence of presence: frames in, one of four decisions out, nothing kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.facade.settings import settings_of
from app.presence.ports import Evidence, Judgement, PresenceProvider
from identity.face import basis, calibration, gallery, vault
from identity.face.engine import engine
from identity.face.gallery import Row
from identity.face.gateway.provider import GatewayProvider
from identity.face.lane import Crowded, lane
from identity.face.quality import PROBE
from identity.face.sight import Unfit
from identity.face.vector import ONE_TO_ONE, Bars, Vector, average, bar, best
from identity.face.weights import WeightsUnusable

_PICTURE = frozenset({
    "too_many_bytes", "too_many_pixels", "too_many_scans", "too_small", "damaged", "not_jpeg_or_png",
    "more_than_a_picture",
})  # fmt: skip


_AWAY = Judgement(decision="use_alternative", reason="provider_away")
BUNDLED, GATEWAY = "bundled", "gateway"


class FaceProvider:
    """The face, judged by whichever engine the city has chosen; an unknown choice judges nobody."""

    needs_capture = True

    def __init__(self) -> None:
        self._choices: dict[str, PresenceProvider] = {BUNDLED: BundledFace(), GATEWAY: GatewayProvider()}

    def judge(self, evidence: Evidence) -> Judgement:
        """Return the chosen engine's decision; on the own phone always the bundled one's."""
        chosen = BUNDLED if evidence.party is not None else settings_of("identity")["face_provider"]
        judge = self._choices.get(chosen)
        return _AWAY if judge is None else judge.judge(evidence)


class BundledFace:
    """Compares a customer with the person, or the few persons, they claim to be."""

    needs_capture = True

    def judge(self, evidence: Evidence) -> Judgement:
        """Return the decision. Unknown claims cost and answer exactly what mismatches do."""
        try:
            bars = calibration.in_force()
            probe = lane().run(lambda: _probe(evidence.frames))
        except Unfit as refusal:
            code = "unreadable" if refusal.codes[0] in _PICTURE else refusal.codes[0]
            return Judgement(decision="retry", reason=code)
        except (WeightsUnusable, calibration.NotCalibrated, Crowded):
            return _AWAY
        rows, size = _candidates(evidence)
        if len(rows) > size:
            return Judgement(decision="use_alternative", reason="ask_resident_id")
        found = _compare(probe, rows, size, averaged=len(evidence.frames) > 1, bars=bars)
        if found is None or not gallery.holds_consent(found):
            return Judgement(decision="not_matched", reason="not_matched")
        return Judgement(decision="matched", reason="matched", party=found, level=evidence.level)


def _probe(frames: tuple[bytes, ...]) -> Vector:
    seen = [engine().read(frame, gate=PROBE) for frame in frames]
    # Two people before one camera must not be averaged into a third.
    if any(float(seen[0] @ other) < ONE_TO_ONE for other in seen[1:]):
        raise Unfit("frames_differ")
    return average(seen)


def _candidates(evidence: Evidence) -> tuple[list[Row], int]:
    if evidence.party is not None:
        return gallery.by_person(evidence.party), 1
    if "resident_id" in evidence.claim:
        return gallery.by_resident_id(evidence.claim["resident_id"]), 1
    tail, region = evidence.claim.get("phone_tail4", ""), (evidence.place or "")[:6]
    return gallery.by_phone_tail(tail, region), gallery.SHORTLIST


def _compare(probe: Vector, rows: list[Row], size: int, *, averaged: bool, bars: Bars) -> str | None:
    vectors, real = gallery.opened(rows, size)
    photographs = [row.photographs for row in rows] + [1] * (size - len(rows))
    needed = [bar(shortlist=size > 1, averaged=averaged and count > 1, bars=bars) for count in photographs]
    at = best(_in_bases_of(rows, probe, size), vectors, real, needed)
    return None if at is None or not real[at] else rows[at].person


def _in_bases_of(rows: list[Row], probe: Vector, size: int) -> NDArray[np.float32]:
    # Every known basis is computed, whoever is claimed: the work must not tell which rows there are.
    turned = {name: vault.rotated(probe, name) for name in basis.known()}
    first = next(iter(turned.values()))
    names = [row.label.rotation for row in rows] + [""] * (size - len(rows))
    return np.stack([turned.get(name, first) for name in names])
