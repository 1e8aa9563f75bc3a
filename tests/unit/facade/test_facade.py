"""The core as a plugin sees it: pairwise subjects outside, parties inside, nothing about strangers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import audit, subjects
from app.api import NotFound, certificates, notices, record, settings_of
from app.certificates import service as core_certificates
from app.certificates import types
from app.facade.subjects import party_of, subject_of
from app.ids import new_id
from app.notices import kinds
from app.notices import service as core_notices
from app.notices.kinds import NoticeKind
from app.notices.service import UnknownNoticeKind
from app.principal import Kind, Principal, acting_as
from app.text import Text

TOLD = NoticeKind(Text("通知", "Told"), Text("您好", "Hello"))
PERMIT = "permit: {title: {zh: 证, en: Paper}, issuer: {zh: 局, en: Office}, validity_days: 1, claims: {type: object}}"


def plugin(name: str, **who: Any) -> acting_as:
    return acting_as(Principal(**{"kind": Kind.SYSTEM, "actor": "system", "audience": name, **who}))


@pytest.fixture
def lin() -> str:
    return new_id("person")


@pytest.fixture(autouse=True)
def _declared(app: Flask, tmp_path: Path) -> Iterator[None]:
    file = tmp_path / "certificates.yaml"
    file.write_text(PERMIT, "utf-8")
    types.install(app, types.read(file, "housing"))
    kinds.install(app, {"housing.told": TOLD, "zoo.told": TOLD})
    yield
    types.declared(app).pop("permit")
    for name in ("housing.told", "zoo.told"):
        app.extensions["suxin.notice_kinds"].pop(name)


def test_each_plugin_knows_a_party_by_an_id_of_its_own_and_back(work: Any, lin: str) -> None:
    found = {}
    for name in ("housing", "zoo"):
        with plugin(name):
            found[name] = subject_of(lin)
            assert party_of(found[name]) == lin

    assert found["housing"] != found["zoo"]
    assert not any(lin in subject for subject in found.values())


def test_another_plugins_subject_id_means_nobody(work: Any, lin: str) -> None:
    with plugin("zoo"):
        theirs = subject_of(lin)

    with plugin("housing"), pytest.raises(NotFound):
        party_of(theirs)


def test_an_audit_line_about_a_subject_is_kept_for_the_party(work: Any, lin: str) -> None:
    with plugin("housing"):
        record("housing.looked", subject=subject_of(lin), purpose="housing:apply")
    work.commit()

    [line] = audit.about(lin)
    assert (line.action, line.purpose) == ("housing.looked", "housing:apply")


@pytest.mark.parametrize("stranger", ["sub_nobody", "", "person_1"])
def test_an_audit_line_about_an_unknown_subject_is_refused(work: Any, stranger: str) -> None:
    with plugin("housing"), pytest.raises(NotFound):
        record("housing.looked", subject=stranger)


def test_an_audit_line_about_another_plugins_subject_is_refused(work: Any, lin: str) -> None:
    with plugin("zoo"):
        theirs = subject_of(lin)

    with plugin("housing"), pytest.raises(NotFound):
        record("housing.looked", subject=theirs)
    work.commit()

    assert audit.about(lin) == []


def test_a_citizens_own_doing_in_a_plugin_is_kept_as_their_own(work: Any, lin: str) -> None:
    with plugin("housing"):
        subject = subject_of(lin)
    with plugin("housing", kind=Kind.CITIZEN, actor=subject, subject=subject):
        record("housing.applied", subject=subject)
    work.commit()

    [line] = audit.about(lin)
    assert line.actor == lin


def test_an_organisation_is_kept_by_the_cores_id(work: Any, lin: str) -> None:
    org = new_id("org")
    pairwise = subjects.directory.only().subject_of(org, "housing")
    with plugin("housing", kind=Kind.TERMINAL, actor="terminal_1", organisation=pairwise):
        record("housing.looked", subject=subject_of(lin))
    work.commit()

    [line] = audit.about(lin)
    assert (line.actor, line.organisation) == ("terminal_1", org)


def test_a_notice_to_a_subject_reaches_the_party(work: Any, lin: str) -> None:
    with plugin("housing"):
        notices.send(subject=subject_of(lin), kind="housing.told", reference="case_1", arguments={})

    assert core_notices.unread(lin) == 1


def test_a_plugin_sends_no_notice_in_anothers_name(work: Any, lin: str) -> None:
    with plugin("housing"), pytest.raises(UnknownNoticeKind):
        notices.send(subject=subject_of(lin), kind="zoo.told", reference="case_1", arguments={})


def test_a_certificate_for_a_subject_is_the_partys(work: Any, lin: str) -> None:
    with plugin("housing"):
        number = certificates.issue("permit", subject=subject_of(lin), content={}, reference="case_1")

    assert core_certificates.card(number, holder=lin, language="en").id == number


def test_a_plugin_issues_no_certificate_of_anothers_type(work: Any, lin: str) -> None:
    with plugin("zoo"), pytest.raises(core_certificates.UnknownCertificateType):
        certificates.issue("permit", subject=subject_of(lin), content={}, reference="case_1")


def test_nothing_is_sent_to_an_unknown_subject(work: Any) -> None:
    with plugin("housing"), pytest.raises(NotFound):
        notices.send(subject="sub_nobody", kind="housing.told", reference="case_1", arguments={})


def test_nothing_is_issued_to_an_unknown_subject(work: Any) -> None:
    with plugin("housing"), pytest.raises(NotFound):
        certificates.issue("permit", subject="sub_nobody", content={}, reference="case_1")


def test_a_setting_comes_from_the_environment_and_an_empty_one_is_the_default(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUXIN_HEALTH_ANSWER_WITHIN_MS", "900")
    monkeypatch.setenv("SUXIN_HEALTH_SETTLE_DEADLINE_SECONDS", "")

    with app.app_context():
        settings = settings_of("health")

    assert (settings["answer_within_ms"], settings["settle_deadline_seconds"]) == ("900", "10")
