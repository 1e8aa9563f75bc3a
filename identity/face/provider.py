"""The face as evidence of presence: frames in, one of four decisions out, nothing kept."""

from __future__ import annotations

from collections.abc import Mapping

from app.presence.ports import Evidence, Judgement
from identity.face import gallery, vault
from identity.face.engine import engine
from identity.face.gallery import Row
from identity.face.quality import PROBE
from identity.face.sight import Unfit
from identity.face.vector import ONE_TO_ONE, Vector, average, bar, best
from identity.face.weights import WeightsUnusable

_PICTURE = frozenset({
    "too_many_bytes", "too_many_pixels", "too_many_scans", "too_small", "damaged", "not_jpeg_or_png",
})  # fmt: skip


class FaceProvider:
    """Compares a customer with the person, or the few persons, they claim to be."""

    needs_capture = True

    def judge(self, evidence: Evidence) -> Judgement:
        """Return the decision. Unknown claims cost and answer exactly what mismatches do."""
        try:
            probe = self._probe(evidence.frames)
        except Unfit as refusal:
            code = "unreadable" if refusal.codes[0] in _PICTURE else refusal.codes[0]
            return Judgement(decision="retry", reason=code)
        except WeightsUnusable:
            return Judgement(decision="use_alternative", reason="provider_away")
        rows, size = _candidates(evidence.claim, evidence.place)
        if len(rows) > size:
            return Judgement(decision="use_alternative", reason="ask_resident_id")
        found = _compare(probe, rows, size, averaged=len(evidence.frames) > 1)
        if found is None:
            return Judgement(decision="not_matched", reason="not_matched")
        return Judgement(decision="matched", reason="matched", party=found, level=evidence.level)

    def _probe(self, frames: tuple[bytes, ...]) -> Vector:
        seen = [engine().read(frame, gate=PROBE) for frame in frames]
        # Two people before one camera must not be averaged into a third.
        if any(float(seen[0] @ other) < ONE_TO_ONE for other in seen[1:]):
            raise Unfit("frames_differ")
        return vault.rotated(average(seen))


def _candidates(claim: Mapping[str, str], place: str | None) -> tuple[list[Row], int]:
    if "resident_id" in claim:
        return gallery.by_resident_id(claim["resident_id"]), 1
    return gallery.by_phone_tail(claim.get("phone_tail4", ""), (place or "")[:6]), gallery.SHORTLIST


def _compare(probe: Vector, rows: list[Row], size: int, *, averaged: bool) -> str | None:
    vectors, real = gallery.opened(rows, size)
    photographs = [row.photographs for row in rows] + [1] * (size - len(rows))
    needed = [bar(shortlist=size > 1, averaged=averaged and count > 1) for count in photographs]
    at = best(probe, vectors, real, needed)
    return None if at is None or not real[at] else rows[at].person
