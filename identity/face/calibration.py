"""A city's own calibration: which scores it accepts, measured on which pictures, on which assessment it stands.

Without a record of its own a city's face engine stays off; only the demo
world uses the start values, which come from LFW and say nothing of its people.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from flask import current_app
from sqlalchemy import Float, Integer, String, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app import audit
from app.config import Settings
from app.db import add, now, session
from app.ids import new_id
from identity.face import weights
from identity.face.vector import START, Bars
from identity.schema import Base


class NotCalibrated(RuntimeError):
    """There is no calibration record for the model in use: the face stays off."""


class FaceCalibration(Base):
    """One calibration; the newest of the model in use is in force. Rows are kept: decisions refer to them by time."""

    __tablename__ = "face_calibration"

    id: Mapped[str] = mapped_column(String(40), primary_key=True, default=lambda: new_id("calibration"))
    model: Mapped[str] = mapped_column(String(60), index=True)
    set_hash: Mapped[str] = mapped_column(String(64))
    photographs: Mapped[int] = mapped_column(Integer)
    assessment: Mapped[str] = mapped_column(String(80))
    target_fmr: Mapped[float] = mapped_column(Float)
    one_to_one: Mapped[float] = mapped_column(Float)
    shortlist: Mapped[float] = mapped_column(Float)
    margin: Mapped[float] = mapped_column(Float)
    averaged: Mapped[float] = mapped_column(Float)
    # FMR and FNMR with their 95 % intervals and counts, per mode.
    measured: Mapped[dict[str, Any]] = mapped_column(JSONB)
    recorded_at: Mapped[datetime] = mapped_column(default=now)


def in_force() -> Bars:
    """Return the bars to judge by; raises `NotCalibrated` outside the demo world without a record."""
    found = session().scalars(
        select(FaceCalibration)
        .where(FaceCalibration.model == weights.MODEL_ID)
        .order_by(FaceCalibration.recorded_at.desc())
        .limit(1)
    ).first()  # fmt: skip
    if found is not None:
        return Bars(found.one_to_one, found.shortlist, found.margin, found.averaged)
    if cast(Settings, current_app.config["SETTINGS"]).demo:
        return START
    raise NotCalibrated("run `suxin face calibrate` with the city's own pictures")


def record(
    bars: Bars, *, set_hash: str, photographs: int, assessment: str, target_fmr: float, measured: dict[str, Any]
) -> FaceCalibration:
    """Put a calibration in force; `assessment` names the impact assessment it stands on (PIPL, article 55)."""
    made = add(
        FaceCalibration(
            model=weights.MODEL_ID, set_hash=set_hash, photographs=photographs, assessment=assessment,
            target_fmr=target_fmr, one_to_one=bars.one_to_one, shortlist=bars.shortlist, margin=bars.margin,
            averaged=bars.averaged, measured=measured,
        )
    )  # fmt: skip
    audit.record("identity.face-calibrated", object=made.id, details={"model": made.model, "set": set_hash})
    return made
