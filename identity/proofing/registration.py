"""A person registers with mobile, name and number, and is proven as far as the registers answer."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.db import session
from app.errors import DomainError
from app.identifiers import AreaCode, BadIdentifier, MobileNumber, ResidentId
from identity.accounts.models import Account
from identity.accounts.service import open_account
from identity.authenticators import password as passwords
from identity.parties import people
from identity.parties.ages import Stage, stage
from identity.parties.errors import GuardianMustAct
from identity.parties.service import register_person
from identity.proofing import levels, service
from identity.proofing.errors import IdentifierUnusable, NotMatched, ProvenElsewhere, RegisterUnavailable

_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What a new citizen states. `mobile` counts as stated until a code sent to it came back."""

    login_name: str
    password: str = field(repr=False)
    name: str = field(repr=False)
    resident_id: str = field(repr=False)
    mobile: str = field(repr=False)
    area: str


@dataclass(frozen=True, slots=True)
class Registered:
    """A new account and how well its person is proven; `problem` says why not better."""

    account: Account
    level: int
    problem: DomainError | None


def register(application: Application) -> Registered:
    """Register a citizen at level 2, then try name and number: level 3.

    Whether a number is known here shows only to who proves to bear it.
    Raises `IdentifierUnusable`, `GuardianMustAct` below 14, `WeakPassword`,
    `Conflict` for a log-in name in use.
    """
    number = _checked(application)
    if stage(number.birth_date) is Stage.CHILD:
        raise GuardianMustAct
    passwords.check_strength(application.password, login_name=application.login_name)
    person = register_person(
        name=application.name.strip(),
        resident_id=number.reveal(),
        mobile=application.mobile,
        area=application.area,
        source=levels.SELF.source,
        method=levels.SELF.method,
        level=levels.SELF_STATED,
        demo_key=None,
    )
    account = open_account(login_name=application.login_name, person_id=person.id)
    passwords.set_password(account, application.password)
    level, problem = _first_match(person.id)
    found = session().get(Account, account.id)
    assert found is not None
    return Registered(found, level, problem)


def _first_match(person_id: str) -> tuple[int, DomainError | None]:
    try:
        return service.match(person_id), None
    except (NotMatched, ProvenElsewhere, RegisterUnavailable) as problem:
        return levels.SELF_STATED, problem


def _checked(application: Application) -> ResidentId:
    wrong: dict[str, list[str]] = {}
    for name, check in (
        ("resident_id", lambda: people.resident(application.resident_id)),
        ("mobile", lambda: MobileNumber.parse(application.mobile)),
        ("area", lambda: AreaCode.parse(application.area)),
    ):
        try:
            check()
        except BadIdentifier as error:
            wrong[name] = [error.reason]
    if not 1 <= len(application.name.strip()) <= _LONGEST_NAME or not application.name.isprintable():
        wrong["name"] = ["1 to 60 signs"]
    if not _log_in_name(application.login_name):
        wrong["login_name"] = ["4 to 32 small letters, digits, `-`, `_` or `.`"]
    if wrong:
        raise IdentifierUnusable(errors=wrong)
    return people.resident(application.resident_id)


def _log_in_name(text: str) -> bool:
    plain = text.strip().lower()
    return 4 <= len(plain) <= 32 and plain.isascii() and all(sign.isalnum() or sign in "-_." for sign in plain)
