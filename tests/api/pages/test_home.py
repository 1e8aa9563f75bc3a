"""The home page shows what is the citizen's own, the catalogue to everyone, and errors as pages."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from app.db import UnitOfWork, unit_of_work
from app.matters import service as matters
from app.notices import service as notices
from app.principal import SYSTEM, acting_as
from app.subjects import demo_people
from demo import world
from identity import demo
from tests.api.pages.markup import Markup

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture
def parties(client: FlaskClient) -> dict[str, str]:
    """The seeded demo world: party ids by key."""
    with acting_as(SYSTEM), unit_of_work():
        demo.seed()
        matters.load(world.FOLDER / "matters.yaml")
        return dict(demo_people.only().parties())


def _log_in(client: FlaskClient, key: str) -> str:
    person = next(each for each in world.load().citizens if each.key == key)
    form = {"login_name": key, "password": person.password, "csrf_token": _token(client.get("/login").text)}
    assert client.post("/login", data=form).status_code == 303
    return client.get("/").text


def _token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def _send(party: str, total: str) -> None:
    values = {"pharmacy": "禾悦大药房", "total": total, "fund": "1.00"}
    with acting_as(SYSTEM), unit_of_work():
        notices.send(party=party, kind="health.settled", reference=f"settlement-{total}", arguments=values)


def test_home_shows_my_messages_and_nobody_elses(client: FlaskClient, parties: dict[str, str]) -> None:
    _send(parties["lin"], "32.00")
    _send(parties["gu"], "77.77")

    page = _log_in(client, "lin")

    assert Markup(page).faults == []
    assert "合计 32.00 元" in page
    assert "1 条未读" in page
    assert "77.77" not in page
    assert "/api/" not in page


def test_a_message_is_read_once_by_its_owner(client: FlaskClient, parties: dict[str, str]) -> None:
    _send(parties["lin"], "32.00")
    page = _log_in(client, "lin")
    address = re.search(r'action="(/messages/[^"]+/read)"', page)
    assert address is not None

    forged = client.post(address[1], data={"csrf_token": "guessed"})
    read = client.post(address[1], data={"csrf_token": _token(page)})

    assert forged.status_code == 403
    assert (read.status_code, read.location) == (303, "/#messages")
    assert "条未读" not in client.get("/").text


def test_a_strangers_message_is_not_found(client: FlaskClient, parties: dict[str, str]) -> None:
    _send(parties["gu"], "77.77")
    with acting_as(SYSTEM), unit_of_work():
        theirs = notices.inbox(party=parties["gu"], language="en", cursor=None, limit=1).items[0]
    page = _log_in(client, "lin")

    answer = client.post(f"/messages/{theirs.id}/read", data={"csrf_token": _token(page)})

    assert answer.status_code == 404
    assert client.post(f"/messages/{theirs.id}/read").status_code == 403


def test_own_log_in_is_told_apart_from_the_looks_of_others(client: FlaskClient, parties: dict[str, str]) -> None:
    page = _log_in(client, "lin")

    looks, _, own = page.partition("我自己的操作")
    assert "登录" in own
    assert "<td>本人</td>" not in looks.partition('id="looks"')[2]


@pytest.mark.parametrize("tongue", ["zh-CN", "en"])
def test_the_catalogue_is_open_to_everyone(client: FlaskClient, parties: dict[str, str], tongue: str) -> None:
    client.set_cookie("suxin-language", tongue)

    home, shelves, guide = (client.get(path) for path in ("/", "/matters/", "/matters/insurance-transfer"))

    assert 'href="/matters/' in home.text
    for page in (home, shelves, guide):
        assert page.status_code == 200
        assert Markup(page.text).faults == []
    assert ("15 个工作日" if tongue == "zh-CN" else "15 working days") in guide.text


@pytest.mark.parametrize("path", ["/nothing-here", "/matters/no-such-matter"])
def test_a_reader_gets_an_error_as_a_page(client: FlaskClient, work: UnitOfWork, path: str) -> None:
    problem = client.get(path).get_json()

    page = client.get(path, headers=BROWSER)

    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert Markup(page.text).faults == []
    assert problem["title"] in page.text
    assert problem["next_step"] in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert re.search(r"<code>request_\w+</code>", page.text)


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/api/notices", BROWSER["Accept"]), ("/oauth2/nothing", BROWSER["Accept"]), ("/nothing-here", "*/*"),
        ("/nothing-here", "application/json, text/html"), ("/nothing-here", ""),
    ],
)  # fmt: skip
def test_a_program_always_gets_a_problem(client: FlaskClient, path: str, accept: str) -> None:
    answer = client.get(path, headers={"Accept": accept})

    assert answer.mimetype == "application/problem+json"
