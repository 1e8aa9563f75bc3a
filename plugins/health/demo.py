"""The demo world's part of the health plugin: medicines, designated pharmacies, e-voucher tokens."""

from __future__ import annotations

from app.api import add, demo_subject, session
from plugins.health.insurer.simulator.world import demo_token
from plugins.health.models import Pharmacy
from plugins.health.service import catalogue
from plugins.health.service.entitlement import keep_voucher


def seed() -> None:
    """Seed once; a second call changes nothing."""
    from demo import world

    found = world.load()
    catalogue.publish(
        catalogue.Medicine(
            code=each.code, name=each.name, spec=each.spec, price_limit_fen=each.price_limit_fen,
            copay_basis_points=each.copay_basis_points, prescription=each.prescription,
        )
        for each in found.medicines
    )  # fmt: skip
    for pharmacy in found.pharmacies:
        designate(
            demo_subject(pharmacy.key), institution=pharmacy.institution_code, area=pharmacy.area, title=pharmacy.name
        )
    for citizen in found.citizens:
        keep_voucher(demo_subject(citizen.key), demo_token(citizen.key))


def designate(organisation: str, *, institution: str, area: str, title: str) -> None:
    """Let an organisation settle on insurance under its institution code."""
    if session().get(Pharmacy, organisation) is None:
        add(Pharmacy(organisation=organisation, institution=institution, area=area[:6], title=title))
