"""The operator's commands do what the API does, and never approve."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from app.crypto import KeyRing
from app.db import UnitOfWork, add, session, unit_of_work
from app.factory import create_app
from app.telemetry import configure_logs
from demo import world
from identity.commands import COMMANDS
from identity.devices.models import Device
from identity.oidc import jose
from identity.oidc.keys import public_members
from identity.oidc.models import Client, ClientKey
from identity.parties.models import Organisation
from identity.parties.service import register_person
from tests.api.identity.offices import official
from tests.api.identity.world import Citizen, new_citizen

CODE = "11321300014329580M"
GROUPS = {each.name: each for each in COMMANDS}


def _run(city: Flask, line: str, *more: str, **options: Any) -> Result:
    group, *arguments = line.split()
    return CliRunner().invoke(GROUPS[group], [*arguments, *more], obj=SimpleNamespace(app=lambda: city), **options)


def _office(city: Flask) -> list[Citizen]:
    with city.app_context(), unit_of_work():
        add(Organisation(name="市政务办", credit_code=CODE, area="321302"))
        return [new_citizen() for _ in range(3)]


def test_a_client_is_entered_keyed_changed_and_stopped(app: Flask, work: UnitOfWork, tmp_path: Path) -> None:
    _office(app)
    jwk = tmp_path / "key.jwk"
    jwk.write_text(json.dumps(public_members(jose.new_key())))
    made = _run(
        app,
        "client create --title-zh 应用 --title-en App --profile fapi2 --auth-method private_key_jwt"
        f" --redirect-uri https://app.example/cb --access suxin=openid,profile --organisation {CODE}",
    )
    client = made.output.strip()

    steps = [
        _run(app, f"client add-key {client} --kid one --jwk {jwk}"),
        _run(app, f"client retire-key {client} one"),
        _run(app, f"client change {client} --title-en Renamed"),
        _run(app, f"client disable {client}"),
        _run(app, f"client enable {client}"),
        _run(app, f"client disable {client}"),
    ]

    shown = json.loads(_run(app, f"client show {client}").output)
    assert [each.exit_code for each in steps] == [0] * 6, [each.output for each in steps]
    assert (shown["title_en"], shown["state"], shown["organisation"]) == ("Renamed", "disabled", CODE)
    assert client in _run(app, "client list").output
    with app.app_context(), unit_of_work(read_only=True):
        assert session().query(ClientKey).filter_by(client_id=client).one().revoked_at is not None


def test_a_new_secret_is_printed_once_and_kept_as_its_hash(app: Flask, work: UnitOfWork) -> None:
    made = _run(
        app,
        "client create --title-zh 应用 --title-en App --auth-method client_secret_basic"
        " --redirect-uri https://app.example/cb --access suxin=openid",
    )
    client = made.output.strip()

    secret = _run(app, f"client rotate-secret {client}").output.strip()

    with app.app_context(), unit_of_work(read_only=True):
        held = session().get_one(Client, client).secret_hash
    assert len(secret) == 43
    assert held is not None
    assert secret.encode() not in held


def test_a_third_administrator_and_a_foreign_redirect_are_refused_in_words(app: Flask, work: UnitOfWork) -> None:
    people, post = _office(app), f"--organisation {CODE} --role administrator --area 3213"
    given = [_run(app, f"staff give --login-name {each.login_name} {post}") for each in people]
    refused = _run(
        app, "client create --title-zh 应 --title-en App --redirect-uri http://x.example --access suxin=openid"
    )

    assert [each.exit_code for each in given] == [0, 0, 1]
    assert "This act needs two persons" in given[2].output
    assert refused.exit_code == 1
    assert len(_run(app, "staff list").output.splitlines()) == 2
    assert _run(app, f"staff end {given[0].output.strip()}").exit_code == 0


def test_a_code_is_printed_and_terminals_are_listed_and_retired(app: Flask, work: UnitOfWork) -> None:
    _office(app)
    options = f"--organisation {CODE} --place 321302 --label till --access suxin=presence:verify"

    code = _run(app, f"device code {options}").output.strip()
    with app.app_context(), unit_of_work():
        owner = session().query(Organisation).filter_by(credit_code=CODE).one()
        held = Device(organisation_id=owner.id, place="321302", label="x", public_jwk={}, access={}, thumbprint="t")
        device = add(held).id
    retired = _run(app, f"device retire {device}")

    assert len(code) == 19
    assert retired.exit_code == 0
    assert f"{device}\tretired" in _run(app, "device list").output


def test_the_operator_proposes_and_does_and_never_approves(app: Flask, work: UnitOfWork) -> None:
    _office(app)
    arguments = json.dumps({"organisation": CODE})

    proposed = _run(app, "approval propose department.suspend --reason audit --arguments", arguments)
    done = _run(app, f"approval execute {proposed.output.strip()}")

    assert proposed.exit_code == 0
    assert "approve" not in set(getattr(GROUPS["approval"], "commands", {}))
    assert (done.exit_code, "decided" in done.output) == (1, True)
    assert "proposed\tdepartment.suspend" in _run(app, "approval list").output


def test_keys_are_listed_and_a_young_one_does_not_sign(app: Flask, work: UnitOfWork) -> None:
    with app.app_context(), unit_of_work():
        from identity.oidc import keys

        keys.active()

    listed = _run(app, "signing-key list").output

    assert {line.split("\t")[2] for line in listed.splitlines()} == {"active", "next"}
    assert _run(app, "signing-key rotate").exit_code == 1


def test_a_person_is_found_by_a_number_that_stays_out_of_the_command_line(app: Flask, work: UnitOfWork) -> None:
    citizen = world.load().citizens[0]
    with app.app_context(), unit_of_work():
        register_person(
            name=citizen.name, resident_id=citizen.resident_id, mobile=citizen.mobile, area="321302", source="test",
            method="test", level=4, demo_key=None,
        )  # fmt: skip

    found = _run(app, "person find --reason fraud", input=citizen.resident_id + "\n")

    assert (found.exit_code, citizen.name in found.output, citizen.resident_id in found.output) == (0, False, False)
    assert found.output.splitlines()[-1].startswith("sub_")
    assert _run(app, "person find --reason curious", input="x\n").exit_code == 2


def test_no_log_line_holds_numbers_codes_or_secrets(
    clean_city: Flask, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = io.StringIO()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", lines)
        city = create_app(replace(clean_city.config["SETTINGS"], log_level="debug"), ring=ring)
    citizen = world.load().citizens[3]
    with city.app_context(), unit_of_work():
        who = official("administrator")
        headers = [who.headers() for _ in range(4)]
        credit_code = who.organisation.credit_code
    browser = city.test_client(use_cookies=False)
    codes = {"organisation": credit_code, "place": "321302", "label": "x", "access": {"suxin": ["presence:verify"]}}

    browser.post("/api/identity/admin/persons/find", headers=headers[0],
                 json={"resident_id": citizen.resident_id, "reason": "fraud"})  # fmt: skip
    browser.post("/api/identity/admin/persons/find", headers=headers[1],
                 json={"resident_id": f"{citizen.resident_id}9", "reason": "fraud"})  # fmt: skip
    code = browser.post("/api/identity/admin/device-codes", headers=headers[2], json=codes).json["code"]
    browser.post("/api/identity/devices/enrolments", json={"code": code, "public_jwk": {"d": "x"}, "proof": "canary"})
    city.extensions["suxin.db"].dispose()

    configure_logs("error")
    logged = lines.getvalue()
    assert "/api/identity/admin/persons/find" in logged
    assert not any(each in logged for each in (citizen.resident_id, code, who.secret, "canary"))
