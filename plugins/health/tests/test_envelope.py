"""The national envelope is read strictly."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from plugins.health.insurer import Desk
from plugins.health.insurer.envelope import MESSAGE_ID, BadEnvelope, answer, message_id, request

SENT = "P32130299001202611240615000007"


def said(**changes: object) -> bytes:
    return json.dumps({"infcode": "0", "inf_refmsgid": SENT, "output": {}, **changes}).encode()


def test_a_message_id_is_institution_china_time_and_sequence() -> None:
    made = message_id("P32130299001", datetime(2026, 11, 23, 22, 15, 0, tzinfo=UTC), 7)

    assert made == "P32130299001202611240615000007"
    assert MESSAGE_ID.fullmatch(made)


@pytest.mark.parametrize("institution", ["P3213029900", "P321302990011", "p32130299001", "P3213029900一"])
def test_an_institution_has_twelve_signs(institution: str) -> None:
    with pytest.raises(BadEnvelope):
        message_id(institution, datetime.now(UTC), 1)


def test_a_request_carries_what_the_interface_asks_for() -> None:
    desk = Desk(institution="P32130299001", area="321302", operator="terminal_1", sign_number="S1")

    sent = json.loads(request("2102", desk, message=SENT, content={"a": 1}, at=datetime.now(UTC)))

    assert sent["infno"] == "2102"
    assert sent["msgid"] == SENT
    assert sent["sign_no"] == "S1"
    assert sent["fixmedins_code"] == "P32130299001"
    assert sent["input"] == {"a": 1}


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"[]", b"{", b"\xff", said(inf_refmsgid="another"), said(infcode="1"), said(infcode=True),
        said(infcode=None),
        said(output=[]), said(output=None), said().replace(b"{}", b'{"a": NaN}'),
    ],
)  # fmt: skip
def test_what_is_no_answer_to_this_message_is_refused(raw: bytes) -> None:
    with pytest.raises(BadEnvelope):
        answer(raw, to=SENT)


def test_a_no_carries_its_code() -> None:
    assert answer(said(infcode=-1, err_msg="[ARREARS] 欠费"), to=SENT).error_code == "ARREARS"
    assert answer(said(infcode="-1", err_msg="欠费"), to=SENT).error_code == "UNNAMED"
