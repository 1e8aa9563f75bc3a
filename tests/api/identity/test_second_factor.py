"""App codes, codes by text message, and the step between the first factor and the session."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.db import UnitOfWork, now, session, unit_of_work
from identity.accounts.models import Account
from identity.authenticators import guesses, second, totp
from identity.authenticators.levels import Wanted, reached
from identity.authenticators.models import Authenticator, GuessCount, PendingLogIn, SentCode
from identity.authenticators.sms import codes, operator
from identity.authenticators.sms.operator import NotSent
from identity.authenticators.sms.simulator import SimulatedOperator
from tests.api.identity import ways, world
from tests.api.identity.world import Citizen

RFC_SECRET = b"12345678901234567890"


@pytest.fixture
def citizen(work: UnitOfWork) -> Citizen:
    world.own_pages()
    return world.new_citizen()


def app_code(citizen: Citizen, *, later: int = 0) -> str:
    """Return what the citizen's app shows, or will show so many steps later."""
    with unit_of_work(read_only=True):
        held = totp.of(citizen.account_id)
        assert held is not None
        secret = totp.crypto.open_sealed(held.sealed or b"", purpose="totp", place=f"authenticator/{held.id}/sealed")
    return totp.code_at(secret, int(time.time()) // totp.STEP_SECONDS + later)


def set_up_app(client: FlaskClient, citizen: Citizen) -> None:
    """Set an authenticator app up on its page, then forget the step it used."""
    page = ways.text(client.get("/account/authenticators/app"))
    offer = ways.hidden(page, "offer")
    with unit_of_work(read_only=True):
        secret = totp.opened(session().get_one(Account, citizen.account_id), offer)
    code = totp.code_at(secret, int(time.time()) // totp.STEP_SECONDS)
    form = {"csrf_token": world.form_token(page), "offer": offer, "code": code}
    assert client.post("/account/authenticators/app", data=form).status_code == 303
    with unit_of_work():
        session().execute(update(Authenticator).values(last_step=None))


@pytest.fixture
def with_app(client: FlaskClient, citizen: Citizen) -> Citizen:
    world.log_in(client, citizen.login_name)
    set_up_app(client, citizen)
    return citizen


def give(client: FlaskClient, page: str, code: str, **more: Any) -> Any:
    """Answer the page for the second factor."""
    form = {name: ways.hidden(page, name) for name in ("csrf_token", "pending", "way", "code_id", "return_to", "acr")}
    return client.post("/login/second", data={**form, "code": code, **more})


@pytest.mark.parametrize(
    ("at", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037"),
     (20000000000, "353130")],
)  # fmt: skip
def test_codes_are_those_of_the_standard(at: int, code: str) -> None:
    assert totp.code_at(RFC_SECRET, at // totp.STEP_SECONDS) == code


@pytest.mark.parametrize(
    "path",
    ["/login/passkey", "/login/second", "/login/second/code", "/login/code/check", "/login/qr", "/login/qr/continue"],
)
def test_a_page_shown_by_a_form_leads_back_to_its_start_when_reloaded(client: FlaskClient, path: str) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")


@pytest.mark.parametrize(
    ("methods", "level"),
    [((), 0), (("password",), 1), (("sms",), 1), (("totp",), 1), (("totp", "sms"), 1), (("password", "sms"), 2),
     (("sms", "password"), 2), (("password", "totp"), 2), (("passkey",), 2)],
)  # fmt: skip
def test_levels_take_two_different_kinds_of_factor(methods: tuple[str, ...], level: int) -> None:
    assert reached(methods) == level


@pytest.mark.parametrize(
    ("acr", "wanted"),
    [("aal2", (0, 2)), ("ial4.aal2", (4, 2)), ("ial4", (4, 1)), ("aal1", (0, 1)), ("", (0, 1)), ("aal3", (0, 1)),
     ("loa-high aal2", (0, 2)), ("aal2 aal1", (0, 1)), ("aal22", (0, 1)), ("<script>", (0, 1)), (".", (0, 1))],
)  # fmt: skip
def test_wanted_level_is_the_lowest_named_that_we_know(acr: str, wanted: tuple[int, int]) -> None:
    found = Wanted.parse(acr)

    assert (found.proofing, found.authentication) == wanted
    assert Wanted.parse(str(found)) == found


def test_an_app_is_asked_for_after_the_password(app: Flask, client: FlaskClient, with_app: Citizen) -> None:
    fresh = app.test_client()

    page = world.log_in(fresh, with_app.login_name, return_to="/account/")

    assert page.status_code == 200
    assert fresh.get("/account/").status_code == 303
    done = give(fresh, ways.text(page), app_code(with_app))
    assert (done.status_code, done.headers["Location"]) == (303, "/account/")
    assert ways.level(fresh) == 2


def test_a_step_of_the_app_counts_once(app: Flask, client: FlaskClient, with_app: Citizen) -> None:
    code, first, second_browser = app_code(with_app), app.test_client(), app.test_client()
    assert give(first, ways.text(world.log_in(first, with_app.login_name)), code).status_code == 303

    again = give(second_browser, ways.text(world.log_in(second_browser, with_app.login_name)), code)

    assert again.status_code == 401
    assert second_browser.get("/account/").status_code == 303


@pytest.mark.parametrize("code", ["", "000000", "12345", "1234567", "۱۲۳۴۵۶", "abcdef", "-12345", "1e5"])
def test_a_wrong_app_code_opens_nothing(app: Flask, client: FlaskClient, with_app: Citizen, code: str) -> None:
    fresh = app.test_client()

    answer = give(fresh, ways.text(world.log_in(fresh, with_app.login_name)), code)

    assert answer.status_code == 401
    assert fresh.get("/account/").status_code == 303


def test_app_codes_may_be_a_step_early_or_late_but_no_more(
    app: Flask, client: FlaskClient, with_app: Citizen, monkeypatch: pytest.MonkeyPatch
) -> None:
    present = int(time.time())
    monkeypatch.setattr(totp.time, "time", lambda: present)
    codes_then = {later: app_code(with_app, later=later) for later in (-2, 2)}

    for code in codes_then.values():
        fresh = app.test_client()
        assert give(fresh, ways.text(world.log_in(fresh, with_app.login_name)), code).status_code == 401
    late = app.test_client()
    assert (
        give(late, ways.text(world.log_in(late, with_app.login_name)), app_code(with_app, later=-1)).status_code == 303
    )


def test_guesses_at_an_app_are_limited_from_wherever_they_come(
    app: Flask, client: FlaskClient, with_app: Citizen
) -> None:
    statuses = []
    for number in range(6):
        fresh = app.test_client()
        there = {"REMOTE_ADDR": f"198.51.100.{number}"}
        page = ways.text(fresh.get("/login", environ_overrides=there))
        form = {"csrf_token": world.form_token(page), "login_name": with_app.login_name, "password": world.PASSWORD}
        step = ways.text(fresh.post("/login", data=form, environ_overrides=there))
        hidden = {name: ways.hidden(step, name) for name in ("csrf_token", "pending", "way", "code_id")}
        answer = fresh.post("/login/second", data={**hidden, "code": "000000"}, environ_overrides=there)
        statuses.append(answer.status_code)

    assert statuses == [401] * 5 + [429]


def test_nobody_without_the_password_can_use_up_the_apps_guesses(
    app: Flask, client: FlaskClient, with_app: Citizen
) -> None:
    stranger = app.test_client()
    for _ in range(5):
        world.log_in(stranger, with_app.login_name, "wrong")

    owner = app.test_client()
    page = ways.text(owner.get("/login", environ_overrides={"REMOTE_ADDR": "203.0.113.9"}))
    form = {"csrf_token": world.form_token(page), "login_name": with_app.login_name, "password": world.PASSWORD}
    step = owner.post("/login", data=form, environ_overrides={"REMOTE_ADDR": "203.0.113.9"})

    assert give(owner, ways.text(step), app_code(with_app)).status_code == 303


@pytest.mark.parametrize(
    "change", [{"pending": ""}, {"pending": "x"}, {"way": "sms"}, {"way": "password"}, {"way": ""}, {"way": "none"}]
)
def test_the_second_step_cannot_be_bent(
    app: Flask, client: FlaskClient, with_app: Citizen, change: dict[str, str]
) -> None:
    fresh = app.test_client()
    page = ways.text(world.log_in(fresh, with_app.login_name))

    answer = give(fresh, page, app_code(with_app), **change)

    assert answer.status_code in (401, 409)
    assert fresh.get("/account/").status_code == 303


def test_a_half_done_log_in_is_worth_nothing_in_another_browser(
    app: Flask, client: FlaskClient, with_app: Citizen
) -> None:
    page = ways.text(world.log_in(app.test_client(), with_app.login_name))
    other = app.test_client()
    token = world.form_token(ways.text(other.get("/login")))

    answer = give(other, page, app_code(with_app), csrf_token=token)

    assert answer.status_code == 409


def test_a_half_done_log_in_ends_after_ten_minutes(app: Flask, client: FlaskClient, with_app: Citizen) -> None:
    fresh = app.test_client()
    page = ways.text(world.log_in(fresh, with_app.login_name))
    with unit_of_work():
        session().execute(update(PendingLogIn).values(expires_at=now() - timedelta(seconds=1)))

    assert give(fresh, page, app_code(with_app)).status_code == 409


def test_step_up_asks_for_a_code_by_message_and_rotates_the_session(
    app: Flask, client: FlaskClient, citizen: Citizen
) -> None:
    world.log_in(client, citizen.login_name)
    before = client.get_cookie("suxin-session")
    assert before is not None
    assert ways.level(client) == 1

    step = ways.text(world.log_in(client, citizen.login_name, acr="ial4.aal2", return_to="/account/"))
    asked = {name: ways.hidden(step, name) for name in ("csrf_token", "pending", "return_to", "acr")}
    page = ways.text(client.post("/login/second/code", data=asked))
    done = give(client, page, ways.carry(ways.hidden(page, "code_id")))

    after = client.get_cookie("suxin-session")
    assert (done.status_code, done.headers["Location"]) == (303, "/account/")
    assert ways.level(client) == 2
    assert after is not None
    assert after.value != before.value
    thief = app.test_client()
    thief.set_cookie("suxin-session", before.value)
    assert thief.get("/account/").status_code == 303


def test_only_ways_that_reach_the_wanted_level_are_shown(client: FlaskClient, citizen: Citizen) -> None:
    plain, strong = (ways.text(client.get(path)) for path in ("/login", "/login?acr=aal2"))

    assert "/login/code?" in plain
    assert "/login/code?" not in strong
    assert 'name="acr" value="aal2"' in strong


def test_a_level_no_way_reaches_is_said_so(
    app: Flask, client: FlaskClient, citizen: Citizen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second, "offered", lambda: False)

    answer = world.log_in(client, citizen.login_name, acr="aal2")

    assert answer.status_code == 409
    assert client.get("/account/").status_code == 303


def test_a_code_by_message_logs_in_at_level_one(client: FlaskClient, citizen: Citizen) -> None:
    page = ways.text(ways.ask_code(client, citizen.login_name))

    done = ways.give_code(client, page, ways.carry(ways.hidden(page, "code_id")))

    assert done.status_code == 303
    assert ways.level(client) == 1


def test_a_code_by_message_does_not_get_round_the_app(app: Flask, client: FlaskClient, with_app: Citizen) -> None:
    fresh = app.test_client()
    page = ways.text(ways.ask_code(fresh, with_app.login_name))

    step = ways.give_code(fresh, page, ways.carry(ways.hidden(page, "code_id")))

    assert step.status_code == 200
    assert ways.hidden(ways.text(step), "way") == "password"
    assert give(fresh, ways.text(step), "not-it").status_code == 401
    assert give(fresh, ways.text(step), world.PASSWORD).status_code == 303
    assert ways.level(fresh) == 2


def test_codes_are_kept_hashed_and_forgotten_once_sent(client: FlaskClient, citizen: Citizen) -> None:
    page = ways.text(ways.ask_code(client, citizen.login_name))
    code_id = ways.hidden(page, "code_id")

    code = ways.carry(code_id)

    held = ways.sent(code_id)
    assert held.message_sealed is None
    assert code.encode() not in held.code_hash
    assert len(held.code_hash) == 32
    assert held.expires_at <= now() + timedelta(minutes=5)


def test_an_unknown_name_is_answered_like_a_known_one(client: FlaskClient, citizen: Citizen) -> None:
    known, unknown = (ways.ask_code(client, name) for name in (citizen.login_name, "nobody-here"))

    first, other = ways.text(known), ways.text(unknown)
    assert known.status_code == unknown.status_code == 200
    assert first.replace(ways.hidden(first, "code_id"), "") == other.replace(ways.hidden(other, "code_id"), "")
    assert ways.queued(codes.JOB) == 2
    with unit_of_work():
        codes.send(ways.hidden(other, "code_id"))
    assert ways.give_code(client, other, "000000").status_code == 401


def test_codes_are_limited_by_name_and_source_whether_the_name_is_known_or_not(
    app: Flask, client: FlaskClient, citizen: Citizen
) -> None:
    for name in (citizen.login_name, "nobody-here"):
        assert [ways.ask_code(client, name).status_code for _ in range(4)] == [200] * 3 + [429]


def test_a_number_is_left_in_peace_however_many_ask(client: FlaskClient, citizen: Citizen) -> None:
    with unit_of_work():
        ids = [
            codes._new(session().get_one(Account, citizen.account_id), b"b" * 32) for _ in range(codes.PER_MOBILE + 2)
        ]
    for each in ids:
        with unit_of_work():
            codes.send(each)

    assert len(ways.messages()) == codes.PER_MOBILE


def test_a_code_dies_with_its_fifth_wrong_try(client: FlaskClient, citizen: Citizen) -> None:
    page = ways.text(ways.ask_code(client, citizen.login_name))
    right = ways.carry(ways.hidden(page, "code_id"))
    wrong = str((int(right) + 1) % 10**6).zfill(6)

    assert [ways.give_code(client, page, wrong).status_code for _ in range(5)] == [401] * 5
    assert ways.give_code(client, page, right).status_code == 401


def test_a_code_is_worth_nothing_elsewhere_late_or_twice(app: Flask, client: FlaskClient, citizen: Citizen) -> None:
    page = ways.text(ways.ask_code(client, citizen.login_name))
    code_id = ways.hidden(page, "code_id")
    right, other = ways.carry(code_id), app.test_client()
    theirs = world.form_token(ways.text(other.get("/login")))

    stolen = other.post("/login/code/check", data={"csrf_token": theirs, "code_id": code_id, "code": right})
    assert stolen.status_code == 401
    with unit_of_work():
        session().execute(update(SentCode).values(expires_at=now() - timedelta(seconds=1)))
    assert ways.give_code(client, page, right).status_code == 401
    with unit_of_work():
        session().execute(update(SentCode).values(expires_at=now() + timedelta(seconds=60)))
    assert ways.give_code(client, page, right).status_code == 303
    client.post("/logout", data={"csrf_token": world.form_token(ways.text(client.get("/account/")))})
    with pytest.raises(totp.WrongCode), unit_of_work():
        codes.prove(code_id, right, browser=bytes(ways.sent(code_id).browser_hash), source="192.0.2.1")


@pytest.mark.parametrize("behaviour", ["down", "refusing"])
def test_an_operator_that_fails_is_asked_again(
    app: Flask, client: FlaskClient, citizen: Citizen, monkeypatch: pytest.MonkeyPatch, behaviour: str
) -> None:
    failing = SimulatedOperator(behaviour)
    monkeypatch.setattr(codes, "chosen", lambda: failing)
    code_id = ways.hidden(ways.text(ways.ask_code(client, citizen.login_name)), "code_id")

    with pytest.raises(NotSent), unit_of_work():
        codes.send(code_id)
    assert ways.sent(code_id).message_sealed is not None
    failing.behaviour = "good"
    with unit_of_work():
        codes.send(code_id)

    assert ways.sent(code_id).message_sealed is None


def test_without_an_operator_no_code_is_offered(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operator, "chosen", lambda: None)

    assert client.get("/login/code").status_code == 404
    assert "/login/code?" not in ways.text(client.get("/login"))


def test_log_in_takes_at_most_eight_statements(
    app: Flask, client: FlaskClient, citizen: Citizen, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    page = ways.text(client.get("/login"))
    form = {"csrf_token": world.form_token(page), "login_name": citizen.login_name, "password": world.PASSWORD}
    seen: list[str] = []
    real = psycopg.Cursor.execute

    def counting(self: Any, query: Any, *args: Any, **more: Any) -> Any:
        if not str(query).upper().startswith(("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT")):
            seen.append(str(query))
        return real(self, query, *args, **more)

    monkeypatch.setattr(psycopg.Cursor, "execute", counting)
    assert client.post("/login", data=form).status_code == 303

    assert 3 <= len(seen) <= 8, seen


def parallel(city: Flask, acts: list[Callable[[], int]]) -> list[int]:
    """Run all at the same moment and return how each was answered."""
    barrier = Barrier(len(acts), timeout=20)

    def one(act: Callable[[], int]) -> int:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return sorted(pool.map(one, acts))


def steps_used(city: Flask, use: Callable[[str, int], bool]) -> int:
    """Use one step of one app from six threads and return how many were told it was theirs."""
    with city.app_context(), unit_of_work():
        citizen = world.new_citizen()
        made = Authenticator(account_id=citizen.account_id, kind="totp", sealed=b"x")
        session().add(made)
        session().flush()
        held = made.id

    def act() -> int:
        with city.app_context():
            return int(use(held, 57_000_000))

    return sum(parallel(city, [act] * 6))


def test_of_parallel_uses_of_one_step_one_counts(clean_city: Flask) -> None:
    assert steps_used(clean_city, totp.use_step) == 1


def test_the_trial_finds_a_step_that_is_read_before_it_is_written(clean_city: Flask) -> None:
    together = Barrier(6, timeout=20)

    def broken(held: str, step: int) -> bool:
        with unit_of_work():
            last = session().scalar(select(Authenticator.last_step).where(Authenticator.id == held))
            together.wait()
            session().execute(update(Authenticator).where(Authenticator.id == held).values(last_step=step))
        return last is None or last < step

    assert steps_used(clean_city, broken) > 1


def guesses_admitted(city: Flask, admit: Callable[[str, str], None]) -> int:
    """Guess twelve times at once and return how many guesses were let through."""

    def act() -> int:
        with city.app_context():
            try:
                admit("authn_x", "192.0.2.7")
            except guesses.TooManyGuesses:
                return 0
        return 1

    return sum(parallel(city, [act] * 12))


@pytest.mark.parametrize("admit", [guesses.admit, guesses.admit_second], ids=["first", "second"])
def test_parallel_guesses_stay_within_the_limit(clean_city: Flask, admit: Callable[[str, str], None]) -> None:
    assert guesses_admitted(clean_city, admit) == guesses.PER_TARGET


def test_the_trial_finds_guesses_that_are_counted_afterwards(clean_city: Flask) -> None:
    together = Barrier(12, timeout=20)

    def broken(name: str, source: str) -> None:
        with unit_of_work():
            seen = session().scalar(select(GuessCount.guesses)) or 0
        together.wait()
        if seen >= guesses.PER_TARGET:
            raise guesses.TooManyGuesses
        guesses.within(guesses.Limit(name, guesses.EVERYWHERE, guesses.PER_TARGET))

    assert guesses_admitted(clean_city, broken) > guesses.PER_TARGET
