"""A citizen's messages: worded by their kind, listed, read, never somebody else's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.notices import kinds, service
from app.notices.kinds import NoticeKind
from app.principal import Kind
from app.text import Text

READ = ["notices:read"]
SOLD = NoticeKind(Text("已购{what}", "Bought {what}"), Text("共{total}元", "{total} yuan in all"))


@pytest.fixture(autouse=True)
def _sold(app: Flask) -> Iterator[None]:
    kinds.install(app, {"shop.sold": SOLD})
    yield
    app.extensions["suxin.notice_kinds"].pop("shop.sold")


def send(reference: str, *, party: str = "person_lin", **values: str) -> None:
    service.send(
        party=party, kind="shop.sold", reference=reference, arguments={"what": "tea", "total": "9.00", **values}
    )


@pytest.fixture
def lin(sign_in: Any) -> dict[str, str]:
    headers: dict[str, str] = sign_in(actor="person_lin", party="person_lin", scopes=READ)
    return {**headers, "Accept-Language": "en"}


def inbox(client: FlaskClient, headers: dict[str, str], query: str = "") -> dict[str, Any]:
    answer = client.get(f"/api/notices{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def test_a_notice_is_worded_in_the_readers_language(client: FlaskClient, lin: dict[str, str]) -> None:
    send("sale_1")

    english = inbox(client, lin)["items"][0]
    chinese = inbox(client, {**lin, "Accept-Language": "zh-CN"})["items"][0]

    assert (english["title"], english["body"], english["read_at"]) == ("Bought tea", "9.00 yuan in all", None)
    assert (chinese["title"], chinese["body"]) == ("已购tea", "共9.00元")


def test_a_notice_of_one_reference_is_left_once(client: FlaskClient, lin: dict[str, str]) -> None:
    send("sale_1")
    send("sale_1", what="coffee")

    assert [each["title"] for each in inbox(client, lin)["items"]] == ["Bought tea"]


def test_pages_hold_every_notice_once_newest_first(client: FlaskClient, lin: dict[str, str]) -> None:
    for number in range(5):
        send(f"sale_{number}", what=str(number))

    seen, cursor = [], ""
    while cursor is not None:
        answer = inbox(client, lin, f"?limit=2&cursor={cursor}" if cursor else "?limit=2")
        seen += [each["title"] for each in answer["items"]]
        cursor = answer["next_cursor"]

    assert seen == [f"Bought {number}" for number in (4, 3, 2, 1, 0)]


def test_notices_of_others_are_neither_listed_nor_marked(client: FlaskClient, lin: dict[str, str]) -> None:
    send("sale_1", party="person_wang")
    theirs = service.inbox(party="person_wang", language="en", cursor=None, limit=1).items[0]

    answer = client.post(f"/api/notices/{theirs.id}/read", headers=lin)

    assert inbox(client, lin)["items"] == []
    assert answer.status_code == 404
    assert service.unread("person_wang") == 1


def test_marking_as_read_twice_keeps_the_first_time(client: FlaskClient, lin: dict[str, str]) -> None:
    send("sale_1")
    notice = inbox(client, lin)["items"][0]["id"]

    first = client.post(f"/api/notices/{notice}/read", headers=lin).get_json()
    second = client.post(f"/api/notices/{notice}/read", headers=lin).get_json()

    assert first["read_at"] is not None
    assert second == first
    assert service.unread("person_lin") == 0


@pytest.mark.parametrize(("kind", "values"), [("shop.lost", {"what": "tea"}), ("shop.sold", {"what": "tea"})])
def test_an_undeclared_kind_or_a_missing_value_is_refused(work: Any, kind: str, values: dict[str, str]) -> None:
    with pytest.raises(service.UnknownNoticeKind):
        service.send(party="person_lin", kind=kind, reference="sale_1", arguments=values)


def test_notices_of_a_disabled_plugin_stay_readable(app: Flask, client: FlaskClient, lin: dict[str, str]) -> None:
    send("sale_1")
    held = app.extensions["suxin.notice_kinds"]
    held.pop("shop.sold")

    try:
        listed = inbox(client, lin)["items"]
    finally:
        held["shop.sold"] = SOLD

    assert [(each["kind"], each["title"]) for each in listed] == [("shop.sold", "shop.sold")]


def test_an_old_notice_stays_readable_when_its_wording_gains_a_value(
    app: Flask, client: FlaskClient, lin: dict[str, str]
) -> None:
    send("sale_1")
    held = app.extensions["suxin.notice_kinds"]
    held["shop.sold"] = NoticeKind(SOLD.title, Text("在{place}共{total}元", "{total} yuan at {place}"))

    assert [each["body"] for each in inbox(client, lin)["items"]] == ["9.00 yuan at …"]


def test_values_with_braces_are_shown_as_they_are(client: FlaskClient, lin: dict[str, str]) -> None:
    send("sale_1", what="{total.__class__}")

    assert inbox(client, lin)["items"][0]["title"] == "Bought {total.__class__}"


@pytest.mark.parametrize(
    ("who", "status"),
    [({"scopes": ()}, 403), ({"kind": Kind.TERMINAL, "scopes": READ}, 403), ({"scopes": READ, "party": None}, 404)],
)
def test_only_citizens_with_the_scope_and_a_party_have_an_inbox(
    client: FlaskClient, sign_in: Any, who: dict[str, Any], status: int
) -> None:
    assert client.get("/api/notices", headers=sign_in(**{"party": "person_lin", **who})).status_code == status


def test_an_inbox_is_closed_without_a_token(client: FlaskClient) -> None:
    assert client.get("/api/notices").status_code == 401
