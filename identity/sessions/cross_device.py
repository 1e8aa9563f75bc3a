"""Log a screen in by a signed-in phone: the number on the screen is typed on the phone, once, within two minutes.

Against relay: whoever sends someone a photograph of a code must also make them
type the number, while the phone says where the screen is and warns when it is
not on the phone's own network.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update

from app import audit, crypto
from app.db import add, now, session, unit_of_work
from app.errors import Conflict, NotFound
from app.ids import new_id
from app.text import Text
from identity.accounts.models import Account
from identity.authenticators import guesses, telling
from identity.authenticators.guesses import Limit
from identity.parties.models import Person
from identity.sessions.models import CrossDeviceLogIn
from identity.sessions.service import Live, Proven
from identity.sessions.where import Where

LIFETIME = timedelta(seconds=120)
SHOWN_PER_SOURCE = 60
_NUMBERS = 1000


class NotApproved(Conflict):
    title = Text("尚未在手机上确认", "The phone has not confirmed yet")
    next_step = Text("请在手机上输入屏幕上的数字，再点“继续”", "Type the number on your phone, then continue here")


class CodeOver(Conflict):
    title = Text("二维码已失效", "This code is over")
    next_step = Text("请在屏幕上换一个新的二维码", "Ask for a new code on the screen")


class WrongNumber(Conflict):
    """One wrong number ends the request: there is nothing to guess at."""

    title = Text("数字不一致，已取消", "The number does not fit; the log-in was cancelled")
    next_step = Text("如需登录，请在屏幕上换一个新的二维码", "Ask for a new code on the screen")


@dataclass(frozen=True, slots=True)
class Shown:
    """What the screen shows, and the secret by which it asks for its session."""

    screen: str
    link: str
    number: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What the phone shows of the screen that asks."""

    agent: str
    place: str
    same_network: bool


def show(*, browser: bytes, where: Where) -> Shown:
    """Return a code for a screen to show; raises `TooManyGuesses` for a source that asks for too many."""
    guesses.count(Limit("qr-shown", guesses.network(where.source), SHOWN_PER_SOURCE))
    screen, link = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
    number, held_id = str(secrets.randbelow(_NUMBERS)).zfill(3), new_id("qr")
    add(
        CrossDeviceLogIn(
            id=held_id, screen_hash=_hash(screen), browser_hash=browser, link_hash=_hash(link),
            number_hash=_number_hash(held_id, number), network_hash=_network_hash(where),
            place=where.place, agent=where.agent, expires_at=now() + LIFETIME,
        )
    )  # fmt: skip
    return Shown(screen, link, number)


def asked(link: str, *, phone: Where) -> Asked:
    """Return what a phone is asked to let in; raises `CodeOver`."""
    held = _open(link)
    return Asked(held.agent, held.place, hmac.compare_digest(held.network_hash, _network_hash(phone)))


def approve(link: str, number: str, *, who: Live, phone: Where) -> None:
    """Let the screen in, at the phone's own level; raises `WrongNumber`, which ends it, and `CodeOver`.

    Of parallel answers one is heard.
    """
    guesses.admit(f"qr/{who.account_id}", phone.source)
    held = _open(link)
    fits = hmac.compare_digest(held.number_hash, _number_hash(held.id, "".join(number.split())))
    right = fits and who.assisted_by is None
    values: dict[str, object] = (
        {"state": "approved", "account_id": who.account_id, "authentication_level": who.authentication_level}
        if right
        else {"state": "denied"}
    )
    if not _turn(held.id, "shown", values):
        raise CodeOver
    if not right:
        raise WrongNumber
    guesses.forgive(f"qr/{who.account_id}", phone.source)
    audit.record("identity.device-let-in", subject=who.person_id, object=held.id)
    telling.about(who.person_id, "device-log-in", agent=held.agent or "?", place=held.place or "?")


def deny(link: str) -> None:
    """Refuse the screen; a second time changes nothing."""
    _turn(_open(link).id, "shown", {"state": "denied"})


def enter(screen: str, *, browser: bytes, where: Where) -> tuple[Account, Proven]:
    """Return whom the screen is logged in as, once; raises `NotApproved` while it waits, then `CodeOver`."""
    held = session().scalars(
        select(CrossDeviceLogIn)
        .where(CrossDeviceLogIn.screen_hash == _hash(screen))
        .execution_options(populate_existing=True)
    ).first()  # fmt: skip
    if held is None or held.browser_hash != browser or held.expires_at <= now() or held.state in ("denied", "used"):
        raise CodeOver
    if held.state == "shown":
        raise NotApproved
    if not _turn(held.id, "approved", {"state": "used"}):
        raise CodeOver
    found = session().scalars(
        select(Account)
        .join(Person, Person.id == Account.person_id)
        .where(Account.id == held.account_id, Account.state == "active", Person.state == "active")
    ).first()  # fmt: skip
    if found is None:
        raise CodeOver
    return found, Proven(authentication_level=held.authentication_level, methods=("qr",), where=where, shared=True)


def state(screen: str, *, browser: bytes) -> str:
    """Return `waiting`, `approved` or `over` for a screen."""
    held = session().scalars(select(CrossDeviceLogIn).where(CrossDeviceLogIn.screen_hash == _hash(screen))).first()
    if held is None or held.browser_hash != browser or held.expires_at <= now():
        return "over"
    return {"shown": "waiting", "approved": "approved"}.get(held.state, "over")


def _open(link: str) -> CrossDeviceLogIn:
    held = session().scalars(select(CrossDeviceLogIn).where(CrossDeviceLogIn.link_hash == _hash(link))).first()
    if held is None:
        raise NotFound
    if held.state != "shown" or held.expires_at <= now():
        raise CodeOver
    return held


def _turn(held_id: str, state: str, values: dict[str, object]) -> bool:
    with unit_of_work():
        turned = session().execute(
            update(CrossDeviceLogIn)
            .where(
                CrossDeviceLogIn.id == held_id, CrossDeviceLogIn.state == state, CrossDeviceLogIn.expires_at > now()
            )
            .values(**values)
            .returning(CrossDeviceLogIn.id)
        )  # fmt: skip
        return turned.first() is not None


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def _number_hash(held_id: str, number: str) -> bytes:
    return crypto.blind_index(f"{held_id}/{number}", purpose="qr-number")


def _network_hash(where: Where) -> bytes:
    return crypto.blind_index(guesses.network(where.source), purpose="qr-network")
