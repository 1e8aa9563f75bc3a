"""The dangerous acts of identity, each for two persons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from app.ports import Provider
from app.text import Text
from identity import handles
from identity.admin import departments, persons, signing_keys
from identity.privacy import erasure, exports
from identity.staff import desks, service
from identity.staff.approvals import Act, dangerous_acts

Arguments = Mapping[str, Any]


class NoArguments(Schema):
    """An act that takes none."""


class PersonArguments(Schema):
    """An act on one person."""

    person = fields.String(required=True, validate=validate.Length(1, 60))


class OrganisationArguments(Schema):
    """An act on one organisation."""

    organisation = fields.String(required=True, validate=validate.Length(18, 18))


class AdministratorArguments(PersonArguments, OrganisationArguments):
    """Who shall administer below which area, for whom."""

    area = fields.String(required=True, validate=validate.Regexp(r"[0-9]{2,12}\Z"))
    valid_until = fields.AwareDateTime(load_default=None, allow_none=True)


def _administrator_reach(given: Arguments) -> None:
    organisation = departments.by_code(given["organisation"])
    desks.need_reach(desks.ADMINISTRATOR, organisation, area=given["area"])
    handles.person_of(given["person"])


def _give_administrator(given: Arguments) -> dict[str, str]:
    role = service.give(
        person_id=handles.person_of(given["person"]),
        organisation_id=departments.by_code(given["organisation"]).id,
        role=desks.ADMINISTRATOR,
        area=given["area"],
        valid_until=given["valid_until"],
        approved=True,
    )
    return {"staff_role": role.id}


def _city(_: Arguments) -> None:
    desks.need_reach(desks.ADMINISTRATOR, None)


def _rotate_early(_: Arguments) -> dict[str, list[str]]:
    return {"kids": signing_keys.rotate_early()}


def _organisation_reach(given: Arguments) -> None:
    departments.by_code(given["organisation"])


def _suspend(given: Arguments) -> None:
    departments.suspend(departments.by_code(given["organisation"]).id)


def _resume(given: Arguments) -> None:
    departments.resume(departments.by_code(given["organisation"]).id)


def _person_reach(given: Arguments) -> None:
    desks.need_administrator()
    persons.by_handle(given["person"])


def _disable(given: Arguments) -> None:
    persons.disable(persons.by_handle(given["person"]).id)


def _duplicates(given: Arguments) -> dict[str, list[str]]:
    return {"persons": persons.duplicates(persons.by_handle(given["person"]).id)}


def _export(given: Arguments) -> dict[str, Any]:
    return exports.of_person(persons.by_handle(given["person"]).id)


def _erase(given: Arguments) -> dict[str, str]:
    return {"request": erasure.request(persons.by_handle(given["person"]).id).id}


ACTS = {
    "staff.make-administrator": Act(
        title=Text("授予管理员岗位", "Make somebody an administrator"),
        arguments=AdministratorArguments,
        check=_administrator_reach,
        run=_give_administrator,
    ),
    "signing-key.rotate-early": Act(
        title=Text("提前轮换签名密钥", "Rotate the signing key before its time"),
        arguments=NoArguments,
        check=_city,
        run=_rotate_early,
    ),
    "department.suspend": Act(
        title=Text("停用单位", "Stop an organisation's clients, terminals and officials"),
        arguments=OrganisationArguments,
        check=_organisation_reach,
        run=_suspend,
    ),
    "department.resume": Act(
        title=Text("恢复单位", "Let an organisation run again"),
        arguments=OrganisationArguments,
        check=_organisation_reach,
        run=_resume,
    ),
    "person.disable": Act(
        title=Text("停用个人身份", "Stop a person's identity"),
        arguments=PersonArguments,
        check=_person_reach,
        run=_disable,
    ),
    "person.search-duplicates": Act(
        title=Text("查找重复身份", "Search for the same human under another number"),
        arguments=PersonArguments,
        check=_person_reach,
        run=_duplicates,
    ),
    "person.export": Act(
        title=Text("导出他人数据", "Export another person's data"),
        arguments=PersonArguments,
        check=_person_reach,
        run=_export,
    ),
    "person.erase": Act(
        title=Text("注销他人账户", "Ask for another person's erasure"),
        arguments=PersonArguments,
        check=_person_reach,
        run=_erase,
    ),
}
PROVIDERS = tuple(Provider(dangerous_acts, name, act) for name, act in ACTS.items())
