"""What each transaction does to the simulated insurer's books."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from psycopg import Connection

from plugins.health.insurer.money import BadAmount, from_wire, to_wire
from plugins.health.insurer.simulator.split import Parts, split
from plugins.health.insurer.simulator.store import Row, hashed

Books = Connection[Row]
_STANDING_CODES = {"active": "1", "arrears": "2", "suspended": "3", "terminated": "4"}
_REFUSED = {"arrears": "ARREARS", "suspended": "FROZEN", "terminated": "NOT_ENROLLED"}


class No(Exception):
    """The insurer refuses; `code` goes into err_msg."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def run(books: Books, transaction: str, message: Row) -> Row:
    """Return the output of one transaction; raises `No`."""
    handler = _HANDLERS.get(transaction)
    if handler is None:
        raise No("UNKNOWN_TRANSACTION")
    if transaction != "9001":
        _signed_in(books, message)
    return handler(books, message)


def _signed_in(books: Books, message: Row) -> None:
    found = books.execute(
        "SELECT 1 FROM sign_in WHERE sign_no = %s AND institution = %s AND day = (now() AT TIME ZONE '+08')::date",
        (message.get("sign_no"), message.get("fixmedins_code")),
    ).fetchone()
    if found is None:
        raise No("SIGN_EXPIRED")


def sign_in(books: Books, message: Row) -> Row:
    """9001: one number per operator and day."""
    row = books.execute(
        "INSERT INTO sign_in VALUES (%s, %s, %s, (now() AT TIME ZONE '+08')::date)"
        " ON CONFLICT (institution, operator, day) DO UPDATE SET operator = excluded.operator RETURNING sign_no",
        ("S" + secrets.token_hex(12).upper(), message["fixmedins_code"], message["input"]["signIn"]["opter_no"]),
    ).fetchone()
    return {"signinoutb": {"sign_time": message.get("inf_time", ""), "sign_no": row["sign_no"] if row else ""}}


def person(books: Books, message: Row) -> Row:
    """1101: who bears this token. Answers more than anybody asked for, as the real one does."""
    data = message["input"]["data"]
    if data["mdtrt_cert_type"] != "01":
        raise No("CERTIFICATE_TYPE")
    row = books.execute("SELECT * FROM insured WHERE token_hash = %s", (hashed(data["mdtrt_cert_no"]),)).fetchone()
    if row is None:
        raise No("NOT_ENROLLED")
    male = int(row["resident_id"][16]) % 2
    return {
        "baseinfo": {
            "psn_no": row["psn_no"], "psn_name": row["name"], "certno": row["resident_id"],
            "gend": "1" if male else "2", "naty": "01", "brdy": row["resident_id"][6:14],
        },
        "insuinfo": [{
            "insutype": row["insutype"], "balc": to_wire(row["balance"]), "insuplc_admdvs": row["area"],
            "psn_insu_stas": _STANDING_CODES[row["standing"]],
        }],
    }  # fmt: skip


def quote(books: Books, message: Row) -> Row:
    """2101: the split, without effect."""
    insured, parts = _computed(books, message["input"], lock=False)
    return {"setlinfo": _setlinfo("", message["msgid"], insured, parts)}


def settle(books: Books, message: Row) -> Row:
    """2102: book the order and draw on the personal account."""
    books.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (message["msgid"],))
    if books.execute("SELECT 1 FROM reversal WHERE omsgid = %s", (message["msgid"],)).fetchone():
        raise No("REVERSED")
    insured, parts = _computed(books, message["input"], lock=True)
    number = "SETL" + secrets.token_hex(10).upper()
    books.execute(
        "INSERT INTO settlement VALUES (%s, %s, %s, %s, (now() AT TIME ZONE '+08')::date, %s, %s, %s)",
        (number, message["msgid"], message["fixmedins_code"], insured["psn_no"], parts.fund, parts.account, parts.cash),
    )
    _move(books, insured["psn_no"], -parts.account)
    return {"setlinfo": _setlinfo(number, message["msgid"], insured, parts)}


def undo(books: Books, message: Row) -> Row:
    """2103: take a booked settlement back, once."""
    data = message["input"]["data"]
    row = books.execute("SELECT * FROM settlement WHERE setl_id = %s FOR UPDATE", (data["setl_id"],)).fetchone()
    if row is None or row["psn_no"] != data["psn_no"] or row["institution"] != message["fixmedins_code"]:
        raise No("NO_SUCH_SETTLEMENT")
    if row["state"] != "booked":
        raise No("ALREADY_UNDONE")
    _take_back(books, row, "undone")
    return {"setlinfo": {"setl_id": "UNDO" + row["setl_id"][4:]}}


def outcome(books: Books, message: Row) -> Row:
    """5203: what an earlier message of this institution booked."""
    row = books.execute(
        "SELECT * FROM settlement JOIN insured USING (psn_no)"
        " WHERE msgid = %s AND institution = %s AND state = 'booked'",
        (message["input"]["data"]["medins_setl_id"], message["fixmedins_code"]),
    ).fetchone()
    if row is None:
        raise No("NO_SUCH_SETTLEMENT")
    parts = Parts(row["fund"], row["account"], row["cash"])
    return {"setlinfo": _setlinfo(row["setl_id"], row["msgid"], row, parts)}


def reverse(books: Books, message: Row) -> Row:
    """2601: an earlier message has no effect, even if it is still on its way."""
    original = message["input"]["data"]["omsgid"]
    books.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (original,))
    books.execute("INSERT INTO reversal (omsgid) VALUES (%s) ON CONFLICT DO NOTHING", (original,))
    row = books.execute("SELECT * FROM settlement WHERE msgid = %s FOR UPDATE", (original,)).fetchone()
    if row is not None and row["state"] == "booked":
        _take_back(books, row, "reversed")
    return {}


_HANDLERS: dict[str, Callable[[Books, Row], Row]] = {
    "9001": sign_in, "1101": person, "2101": quote, "2102": settle, "2103": undo, "5203": outcome, "2601": reverse,
}  # fmt: skip


def _computed(books: Books, content: Row, *, lock: bool) -> tuple[Row, Parts]:
    info = content["druginfo"]
    insured = books.execute(
        "SELECT * FROM insured WHERE psn_no = %s FOR UPDATE" if lock else "SELECT * FROM insured WHERE psn_no = %s",
        (info["psn_no"],),
    ).fetchone()
    if insured is None:
        raise No("NOT_ENROLLED")
    if insured["standing"] in _REFUSED:
        raise No(_REFUSED[insured["standing"]])
    lines = [_line(books, detail) for detail in content["drugdetail"]]
    parts = split(lines, scheme=insured["insutype"], balance_fen=insured["balance"])
    if parts.total != from_wire(info["medfee_sumamt"]):
        raise No("SUM_DIFFERS")
    return insured, parts


def _line(books: Books, detail: dict[str, Any]) -> tuple[int, int]:
    covered = books.execute("SELECT * FROM covered WHERE code = %s", (detail["med_list_codg"],)).fetchone()
    if covered is None:
        raise No("NOT_ON_CATALOGUE")
    price, amount = Decimal(detail["pric"]) * 100, from_wire(detail["det_item_fee_sumamt"])
    if price > covered["price_limit"]:
        raise No("OVER_LIMIT")
    if price * Decimal(detail["cnt"]) != amount:
        raise BadAmount("quantity times price differs from the amount")
    return amount, covered["copay"]


def _setlinfo(number: str, message: str, insured: Row, parts: Parts) -> Row:
    own = parts.account + parts.cash
    return {
        "setl_id": number, "medins_setl_id": message, "psn_no": insured["psn_no"], "psn_name": insured["name"],
        "certno": insured["resident_id"], "medfee_sumamt": to_wire(parts.total), "fund_pay_sumamt": to_wire(parts.fund),
        "psn_part_amt": to_wire(own), "acct_pay": to_wire(parts.account), "psn_cash_pay": to_wire(parts.cash),
        "acct_mulaid_pay": "0.00",
    }  # fmt: skip


def _take_back(books: Books, row: Row, state: str) -> None:
    books.execute("UPDATE settlement SET state = %s WHERE setl_id = %s", (state, row["setl_id"]))
    _move(books, row["psn_no"], row["account"])


def _move(books: Books, psn_no: str, fen: int) -> None:
    books.execute("UPDATE insured SET balance = balance + %s WHERE psn_no = %s", (fen, psn_no))
