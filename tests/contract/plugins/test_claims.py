"""Whose name it is, and whose certificate type: the city's own plugins come first, broken or not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.crypto import KeyRing
from app.factory import create_app
from app.registry.check import sound
from app.registry.find import Candidate
from app.registry.mount import IdentityRefused
from app.registry.refusal import Refused, Stage
from tests.contract.plugins.small_city import SETTINGS, identity, made, mounted, offered

TYPE = "{title: {zh: 证, en: Paper}, issuer: {zh: 局, en: Office}, validity_days: 1, claims: {type: object}}"


def refused(name: str, distribution: str) -> Candidate:
    refusal = Refused(Stage.IMPORT, "ImportError")
    return Candidate(name=name, distribution=distribution, version="1", refused=refusal)


@pytest.mark.parametrize("thief", ["aaa", "zzz"])
def test_the_citys_own_plugin_keeps_its_name_whatever_the_other_distribution_is_called(thief: str) -> None:
    kept, refusals = sound([offered(made("housing"), thief), offered(made("housing"), "suxin")])

    assert [each.candidate.distribution for each in kept] == ["suxin"]
    assert [(candidate.distribution, refusal.stage) for candidate, refusal in refusals] == [(thief, Stage.NAME)]


def test_no_distribution_inherits_the_name_of_the_citys_own_plugin_when_that_is_broken() -> None:
    kept, refusals = sound([offered(made("housing"), "acme"), refused("housing", "suxin")])

    assert kept == []
    assert {candidate.distribution: refusal.stage for candidate, refusal in refusals} == {
        "acme": Stage.NAME, "suxin": Stage.IMPORT,
    }  # fmt: skip


def test_a_broken_distribution_does_not_keep_a_name_from_a_good_one() -> None:
    kept, _ = sound([refused("housing", "acme-a"), offered(made("housing"), "acme-b")])

    assert [each.candidate.distribution for each in kept] == ["acme-b"]


def test_the_city_does_not_start_without_identity() -> None:
    with pytest.raises(IdentityRefused):
        create_app(SETTINGS, candidates=[refused("identity", "suxin")], ring=KeyRing.fresh())


def test_identity_from_another_distribution_is_refused() -> None:
    kept, refusals = sound([offered(made("identity"), "acme"), identity()])

    assert [each.candidate.distribution for each in kept] == ["suxin"]
    assert [refusal.stage for _, refusal in refusals] == [Stage.NAME]


def test_identity_cannot_be_disabled() -> None:
    settings = replace(SETTINGS, disabled_plugins=("identity", "zoo"))

    city = create_app(settings, candidates=[identity(), offered(made("zoo"))], ring=KeyRing.fresh())

    states = {state.name: state.state for state in city.extensions["suxin.registry"].states}
    assert states == {"identity": "mounted", "zoo": "disabled"}


def declaring(name: str, folder: Path, text: str, file: str = "certificates.yaml"):  # type: ignore[no-untyped-def]
    place = folder / name
    place.mkdir()
    (place / file).write_text(text, "utf-8")
    return made(name, declarations=place)


def fate(name: str, *plugins):  # type: ignore[no-untyped-def]
    _, registry = mounted(*plugins)
    return next((each.state, each.stage) for each in registry.states if each.name == name)


def test_a_certificate_type_belongs_to_one_plugin(tmp_path: Path) -> None:
    one, two = (declaring(name, tmp_path, f"permit: {TYPE}") for name in ("housing", "zoo"))

    assert fate("housing", two, one) == ("mounted", None)
    assert fate("zoo", two, one) == ("refused", "declarations")


@pytest.mark.parametrize(
    "text", ["- a list", "permit: 5", f"Permit!: {TYPE}", "permit: [", f"permit: {TYPE.replace('object', 'nonsense')}",
             f"permit: {TYPE.replace('days: 1', 'days: true')}", f"permit: {TYPE.replace('{type: object}', 'text')}",
             f"permit: {TYPE.replace('{type: object}', '{$ref: http://127.0.0.1:1/x}')}", "1: {}", "\x00"],
)  # fmt: skip
def test_a_plugin_with_a_wrong_certificate_type_is_refused_and_the_rest_serves(tmp_path: Path, text: str) -> None:
    wrong = declaring("housing", tmp_path, text)

    assert fate("housing", wrong, made("zoo")) == ("refused", "declarations")
    assert fate("zoo", wrong, made("zoo")) == ("mounted", None)


@pytest.mark.parametrize(
    "body", ["{0}", "{a.__class__}", "{a!r}", "{a:>9}", "{", "{}"],
)  # fmt: skip
def test_a_plugin_whose_notice_cannot_be_worded_is_refused(tmp_path: Path, body: str) -> None:
    text = f"housing.told: {{title: {{zh: 甲, en: A}}, body: {{zh: 乙, en: 'B {body}'}}}}"

    assert fate("housing", declaring("housing", tmp_path, text, "notices.yaml")) == ("refused", "declarations")


def test_a_notice_under_another_plugins_name_is_refused(tmp_path: Path) -> None:
    text = "health.told: {title: {zh: 甲, en: A}, body: {zh: 乙, en: B}}"

    assert fate("housing", declaring("housing", tmp_path, text, "notices.yaml")) == ("refused", "declarations")


MATTER = (
    "categories: []\nmatters:\n- {code: CODE, category: health, title_zh: 甲, title_en: A, owner: 市局, area: '321300',"
    " statutory_days: 5, promised_days: 1, materials: [], channels: [app], source: unverified}\n"
)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (MATTER.replace("CODE", "housing.permit"), ("mounted", None)),
        (MATTER.replace("CODE", "health.permit"), ("refused", "declarations")),
        (MATTER.replace("CODE", "housing.permit").replace("321300", "999999"), ("refused", "declarations")),
        ("matters: 5", ("refused", "declarations")),
    ],
)
def test_a_plugin_declares_matters_under_its_own_name(tmp_path: Path, text: str, state: tuple[str, str | None]) -> None:
    assert fate("housing", declaring("housing", tmp_path, text, "matters.yaml")) == state
