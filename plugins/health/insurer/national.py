"""The insurer behind the national interface: transactions by number over HTTP.

Answers of the platform carry names, ID numbers, sex and birth dates; only the
fields named here are read, so none of those enters the city.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx

from plugins.health.insurer import envelope
from plugins.health.insurer.envelope import BadEnvelope
from plugins.health.insurer.money import BadAmount, from_wire, to_wire
from plugins.health.insurer.terms import Desk, Entitlement, Order, OutcomeUnknown, Refused, Settled, Split, Unreachable

T = TypeVar("T")
_SCHEMES = {"310": "employee", "390": "resident"}
_SCHEME_CODES = {word: code for code, word in _SCHEMES.items()}
_STANDINGS = {"1": "active", "2": "arrears", "3": "frozen", "4": "ended"}
_REFUSALS = {
    "NOT_ENROLLED": "not_enrolled",
    "ARREARS": "arrears",
    "FROZEN": "frozen",
    "FILED_ELSEWHERE": "filed_elsewhere",
    "TOKEN_EXPIRED": "voucher_expired",
    "NOT_ON_CATALOGUE": "not_on_catalogue",
    "OVER_LIMIT": "over_price_limit",
    "SIGN_EXPIRED": "sign_in_expired",
    "DUPLICATE_MSGID": "duplicate_message",
    "REVERSED": "reversed",
    "ALREADY_UNDONE": "already_undone",
    "CLEARED": "already_cleared",
    "NO_SUCH_SETTLEMENT": "no_such_settlement",
}


class NationalInsurer:
    """Speaks the national envelope to an address `http(s)://…` or a unix socket's path.

    `fund_includes_account` says whether this province counts the personal
    account within `fund_pay_sumamt`.
    """

    def __init__(self, address: str, *, wait_seconds: float = 0.8, fund_includes_account: bool = False) -> None:
        by_url = address.startswith(("http://", "https://"))
        transport = None if by_url else httpx.HTTPTransport(uds=address)
        self._client = httpx.Client(
            base_url=address if by_url else "http://insurer",
            transport=transport,
            trust_env=False,
            timeout=httpx.Timeout(wait_seconds, connect=min(wait_seconds, 2.0)),
        )
        self._fund_includes_account = fund_includes_account

    def close(self) -> None:
        """Close pooled connections."""
        self._client.close()

    def sign_in(self, desk: Desk, *, message: str) -> str:
        content = {"signIn": {"opter_no": desk.operator, "mac": "", "ip": ""}}
        return self._call("9001", desk, message, content, lambda said: _word(said["signinoutb"]["sign_no"]))

    def entitlement(self, desk: Desk, *, voucher: str, message: str) -> Entitlement:
        content = {"data": {"mdtrt_cert_type": "01", "mdtrt_cert_no": voucher, "psn_cert_type": "", "certno": ""}}
        return self._call("1101", desk, message, content, _entitlement)

    def quote(self, desk: Desk, order: Order, *, message: str) -> Split:
        return self._call("2101", desk, message, _order(order, message), lambda said: self._split(said["setlinfo"]))

    def settle(self, desk: Desk, order: Order, *, message: str) -> Settled:
        return self._call("2102", desk, message, _order(order, message), lambda said: self._settled(said, message))

    def undo(self, desk: Desk, *, person_number: str, number: str, message: str) -> None:
        content = {"data": {"psn_no": person_number, "setl_id": number}}
        self._call("2103", desk, message, content, lambda said: None)

    def outcome(self, desk: Desk, *, person_number: str, original: str, message: str) -> Settled | None:
        content = {"data": {"psn_no": person_number, "medins_setl_id": original}}
        try:
            return self._call("5203", desk, message, content, lambda said: self._settled(said, original))
        except Refused as refused:
            if refused.code == "no_such_settlement":
                return None
            raise

    def reverse(self, desk: Desk, *, person_number: str, original: str, message: str) -> None:
        content = {"data": {"psn_no": person_number, "omsgid": original, "oinfno": "2102"}}
        self._call("2601", desk, message, content, lambda said: None)

    def _call(
        self, transaction: str, desk: Desk, message: str, content: dict[str, Any], read: Callable[[dict[str, Any]], T]
    ) -> T:
        body = envelope.request(transaction, desk, message=message, content=content, at=datetime.now(UTC))
        said = self._exchange(body, message, transaction)
        if said.error_code is not None:
            raise Refused(_REFUSALS.get(said.error_code, "refused"))
        try:
            return read(said.output)
        except (KeyError, TypeError, IndexError, ValueError):
            raise OutcomeUnknown("the answer lacks what the interface promises") from None

    def _exchange(self, body: bytes, message: str, transaction: str) -> envelope.Answer:
        try:
            answer = self._client.post(
                "/", content=body, headers={"Content-Type": "application/json", "X-Transaction": transaction}
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise Unreachable("no connection") from None
        except httpx.TransportError:
            raise OutcomeUnknown("no answer") from None
        if answer.status_code != 200:
            raise OutcomeUnknown(f"HTTP {answer.status_code}")
        try:
            return envelope.answer(answer.content, to=message)
        except BadEnvelope:
            raise OutcomeUnknown("unreadable answer") from None

    def _split(self, info: dict[str, Any]) -> Split:
        fund, account = from_wire(info["fund_pay_sumamt"]), from_wire(info["acct_pay"])
        if self._fund_includes_account:
            fund -= account
        # `psn_part_amt` is the person's whole share; only `psn_cash_pay` is cash.
        split = Split(fund_fen=fund, account_fen=account, cash_fen=from_wire(info["psn_cash_pay"]))
        if split.total_fen != from_wire(info["medfee_sumamt"]):
            raise BadAmount("the parts do not add up to the total")
        return split

    def _settled(self, said: dict[str, Any], message: str) -> Settled:
        info = said["setlinfo"]
        if info["medins_setl_id"] != message:
            raise BadEnvelope("the settlement belongs to another message")
        return Settled(number=_word(info["setl_id"]), split=self._split(info))


def _entitlement(said: dict[str, Any]) -> Entitlement:
    insurances = said["insuinfo"]
    # A person may have ended insurances beside the running one; the best standing counts.
    best = min(insurances, key=lambda each: str(each["psn_insu_stas"]))
    return Entitlement(
        person_number=_word(said["baseinfo"]["psn_no"]),
        scheme=_SCHEMES[best["insutype"]],
        standing=_STANDINGS[best["psn_insu_stas"]],
        home_area=_word(best["insuplc_admdvs"]),
    )


def _order(order: Order, message: str) -> dict[str, Any]:
    return {
        "druginfo": {
            "psn_no": order.person_number,
            "insutype": _SCHEME_CODES[order.scheme],
            "medfee_sumamt": to_wire(order.total_fen),
            "medins_setl_id": message,
            "begntime": "",
            "acct_used_flag": "1",
        },
        "drugdetail": [
            {
                "feedetl_sn": f"{order.reference}-{position}",
                "med_list_codg": line.code,
                "cnt": f"{line.quantity}.0000",
                "pric": f"{to_wire(line.price_fen)}0000",
                "det_item_fee_sumamt": to_wire(line.quantity * line.price_fen),
            }
            for position, line in enumerate(order.lines, 1)
        ],
    }


def _word(raw: object) -> str:
    if not isinstance(raw, str) or not 1 <= len(raw) <= 64:
        raise BadEnvelope("a word of 1 to 64 signs is expected")
    return raw
