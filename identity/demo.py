"""The demo world's people, pharmacies, terminals and clients, and their credentials for `demo export`."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from flask import current_app
from sqlalchemy import select

from app import crypto
from app.config import Settings
from app.db import add, session
from app.errors import NotFound
from app.guards import CORE_AUDIENCE, Kind, access_of
from app.ids import new_id
from demo import world
from identity import demo_clients
from identity.accounts.service import open_account
from identity.authenticators import password
from identity.cards import demo as cards
from identity.demo_clients import DECISION_FORMS, MOBILE
from identity.devices.models import Device
from identity.devices.service import enrol
from identity.face import demo as faces
from identity.oidc import jose
from identity.oidc.keys import public_members
from identity.oidc.models import Client
from identity.oidc.settings import issuer, resource_of
from identity.parties import demo as parties
from identity.parties.models import Organisation
from identity.parties.service import register_organisation, register_person
from identity.sessions.browser import CSRF_FIELD, OWN_PAGES, STAFF_PAGES
from identity.staff import demo as offices

_KEY_PURPOSE = "demo-terminal-key"
_PROTOCOL_SCOPES = ("openid", "profile", "phone", "offline_access")


def seed() -> None:
    """Fill an empty identity with the demo world; does nothing a second time."""
    if session().get(Client, MOBILE) is not None:
        return
    _clients()
    _citizens()
    for pharmacy in world.load().pharmacies:
        _pharmacy(pharmacy)
    parties.seed()
    offices.seed()
    cards.seed()
    faces.seed()


def _clients() -> None:
    access = _scopes_by_audience(Kind.CITIZEN)
    access[CORE_AUDIENCE] = [
        *_PROTOCOL_SCOPES,
        *(s for s in access.get(CORE_AUDIENCE, []) if s not in _PROTOCOL_SCOPES),
    ]
    demo_clients.seed(access)
    add(Client(id=OWN_PAGES, title_zh="宿心办网页", title_en="Suxin's own pages", redirect_uris=[], access=access))
    office = _scopes_by_audience(Kind.OFFICIAL)
    add(Client(id=STAFF_PAGES, title_zh="宿心办办公", title_en="Suxin's staff pages", redirect_uris=[], access=office))


def _citizens() -> None:
    citizens = world.load().citizens
    # argon2 lets go of the interpreter's lock, so two cores hash at once; one hash serves equal demo passwords.
    words = list(dict.fromkeys(citizen.password for citizen in citizens))
    with ThreadPoolExecutor(2) as pool:
        hashes = dict(zip(words, pool.map(password.hashed, words), strict=True))
    for citizen in citizens:
        person = register_person(
            name=citizen.name,
            resident_id=citizen.resident_id,
            mobile=citizen.mobile,
            area=citizen.area,
            source="demo",
            method="name-number-document",
            level=4,
            demo_key=citizen.key,
        )
        account = open_account(login_name=citizen.key, person_id=person.id)
        password.set_hash(account, hashes[citizen.password])


def _pharmacy(pharmacy: world.Pharmacy) -> None:
    organisation = register_organisation(
        name=pharmacy.name, credit_code=pharmacy.credit_code, area=pharmacy.area, demo_key=pharmacy.key
    )
    for terminal in pharmacy.terminals:
        _terminal(organisation, terminal)


def _terminal(organisation: Organisation, terminal: world.Terminal) -> None:
    key, device_id = jose.new_key(), new_id("terminal")
    private = json.dumps(key.as_dict(private=True)).encode()
    enrol(
        device_id=device_id,
        organisation_id=organisation.id,
        place=terminal.area,
        label=terminal.place,
        public_jwk=public_members(key),
        access=_scopes_by_audience(Kind.TERMINAL),
        demo_key_sealed=crypto.seal(private, purpose=_KEY_PURPOSE, place=_place(device_id)),
    )


def export() -> dict[str, Any]:
    """Return issuer, clients, persons and terminals with their secrets; raises `NotFound` outside the demo."""
    if not cast(Settings, current_app.config["SETTINGS"]).demo:
        raise NotFound
    return {
        "issuer": issuer(),
        "form_fields": {
            "log_in": {"path": "/login", "login_name": "login_name", "password": "password", "csrf": CSRF_FIELD},
            "consent": {"path": "/oauth2/authorize", "decision": "decision", "approve": "approve", "csrf": CSRF_FIELD},
            **DECISION_FORMS,
        },
        "clients": demo_clients.export(),
        "persons": [
            {
                "key": each.key,
                "login_name": each.key,
                "password": each.password,
                "face": each.face,
                "mobile": each.mobile,
                "card": {"number": cards.number_of(each.key), "pin": cards.PIN},
            }
            for each in world.load().citizens
        ]
        + parties.persons(),
        "acting_for": parties.exported(),
        "officials": offices.exported(),
        "terminals": _terminals(),
    }


def _terminals() -> list[dict[str, Any]]:
    rows = session().execute(
        select(Device, Organisation)
        .join(Organisation, Organisation.id == Device.organisation_id)
        .where(Device.demo_key_sealed.is_not(None))
        .order_by(Organisation.demo_key, Device.label)
    )
    return [
        {
            "client_id": device.id,
            "organisation": organisation.demo_key,
            "name": organisation.name,
            "label": device.label,
            "place": device.place,
            "token_endpoint_auth_method": "private_key_jwt",
            "scopes": _by_resource(device.access),
            "private_jwk": json.loads(_opened(device)),
        }
        for device, organisation in rows
    ]


def _opened(device: Device) -> bytes:
    return crypto.open_sealed(device.demo_key_sealed or b"", purpose=_KEY_PURPOSE, place=_place(device.id))


def _by_resource(access: dict[str, list[str]]) -> dict[str, str]:
    return {resource_of(audience): " ".join(scopes) for audience, scopes in access.items()}


def _place(device_id: str) -> str:
    return f"device/{device_id}/demo_key"


def _scopes_by_audience(kind: Kind) -> dict[str, list[str]]:
    """Return every scope that routes open to this kind ask for: the demo's clients may do all of it."""
    owners: dict[str, str] = current_app.extensions.get("suxin.audiences", {})
    found: dict[str, set[str]] = {CORE_AUDIENCE: set()}
    for rule in current_app.url_map.iter_rules():
        blueprint = rule.endpoint.rpartition(".")[0]
        audience = owners.get(blueprint, CORE_AUDIENCE)
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            access = access_of(current_app.view_functions[rule.endpoint], method)
            if access is not None and kind in access.kinds:
                found.setdefault(audience, set()).update(access.scopes)
    return {audience: sorted(scopes) for audience, scopes in sorted(found.items())}
