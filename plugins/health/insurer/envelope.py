"""The national envelope: what is around every transaction, read strictly."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from plugins.health.insurer.terms import Desk

CHINA = timezone(timedelta(hours=8))
MESSAGE_ID = re.compile(r"[0-9A-Z]{12}[0-9]{14}[0-9]{4}", re.ASCII)
_CODED = re.compile(r"\[([A-Z0-9_]{2,40})\]")


class BadEnvelope(ValueError):
    """An answer that is not what the interface promises, or answers another message."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer's verdict and content."""

    output: dict[str, Any]
    error_code: str | None


def message_id(institution: str, at: datetime, sequence: int) -> str:
    """Return institution (12) + yyyyMMddHHmmss (China time) + sequence (4)."""
    written = f"{institution}{at.astimezone(CHINA):%Y%m%d%H%M%S}{sequence % 10_000:04d}"
    if not MESSAGE_ID.fullmatch(written):
        raise BadEnvelope("an institution has 12 signs: digits and capital letters")
    return written


def request(transaction: str, desk: Desk, *, message: str, content: dict[str, Any], at: datetime) -> bytes:
    """Return the bytes of one request."""
    return json.dumps(
        {
            "infno": transaction,
            "msgid": message,
            "mdtrtarea_admvs": desk.area,
            "insuplc_admdvs": desk.area,
            "recer_sys_code": "SUXIN",
            "infver": "V1.0",
            "opter_type": "1",
            "opter": desk.operator,
            "opter_name": desk.operator,
            "inf_time": f"{at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}",
            "fixmedins_code": desk.institution,
            "sign_no": desk.sign_number,
            "signtype": "SM3",
            "cainfo": "",
            "input": content,
        },
        ensure_ascii=False,
    ).encode()


def answer(raw: bytes, *, to: str) -> Answer:
    """Read an answer to the message `to`; raises `BadEnvelope`."""
    try:
        said = json.loads(raw, parse_float=Decimal, parse_constant=_no_constant)
    except ValueError:
        raise BadEnvelope("not JSON") from None
    if not isinstance(said, dict) or said.get("inf_refmsgid") != to:
        raise BadEnvelope("it answers another message")
    code = said.get("infcode")
    if isinstance(code, bool) or str(code) not in ("0", "-1"):
        raise BadEnvelope("infcode is 0 or -1")
    if str(code) == "-1":
        found = _CODED.search(str(said.get("err_msg", "")))
        return Answer({}, found[1] if found else "UNNAMED")
    output = said.get("output")
    if not isinstance(output, dict):
        raise BadEnvelope("output is missing")
    return Answer(output, None)


def _no_constant(name: str) -> None:
    raise ValueError(name)
