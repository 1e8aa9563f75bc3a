"""Time ends consents by itself; the operator learns of the filing duty and of a face that may not run."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.db import now, session
from app.people import people
from app.presence.ports import Evidence
from app.principal import Kind, Principal
from identity.attestations import service as attestations
from identity.attestations.models import PresenceAttestation
from identity.face import calibration, gallery, guardians, service, upkeep
from identity.face.calibration import NotCalibrated
from identity.face.errors import ConsentMissing, FaceOff, GuardianNeeded
from identity.face.models import FaceConsent, FaceKey, FaceTemplate
from identity.face.notice import NOTICES, current, notice
from identity.face.provider import BundledFace
from identity.face.vector import START, Bars
from identity.parties.models import Person
from tests.api.presence.builders import RESIDENT_ID, citizen, enrolled
from tests.unit.face.portraits import derived, portrait


@pytest.fixture
def lin(work):
    return enrolled()


@pytest.fixture
def production(app, monkeypatch):
    monkeypatch.setitem(app.config, "SETTINGS", dataclasses.replace(app.config["SETTINGS"], demo=False))


def judge() -> str:
    return (
        BundledFace()
        .judge(
            Evidence(
                method="face", purpose="p", place="321302", claim={"resident_id": RESIDENT_ID},
                frames=(derived("person_b_2"),),
            )
        )
        .reason
    )  # fmt: skip


def record(bars: Bars) -> None:
    calibration.record(
        bars, set_hash="0" * 64, photographs=1000, assessment="PIA-1", target_fmr=1e-5, measured={"fmr": {}}
    )


def test_a_consent_that_ran_out_matches_nobody_even_before_the_job_runs(lin) -> None:
    session().execute(update(FaceConsent).values(expires_at=now() - timedelta(seconds=1)))

    assert judge() == "not_matched"


@pytest.mark.parametrize("change", ["expired", "stopped"])
def test_the_job_erases_what_has_no_ground_any_more(lin, change: str) -> None:
    if change == "expired":
        session().execute(update(FaceConsent).values(expires_at=now() - timedelta(seconds=1)))
    else:
        session().execute(update(Person).values(state="disabled"))

    upkeep.expire()

    assert session().scalars(select(FaceTemplate)).all() == []
    assert session().scalars(select(FaceKey.wrapped)).all() == [None]
    assert session().scalars(select(FaceConsent.withdrawn_at)).one() is not None


def test_a_consent_that_ran_out_enrols_nobody_and_can_be_given_anew(lin) -> None:
    old = service._alive(lin.id)
    session().execute(update(FaceConsent).values(expires_at=now() - timedelta(seconds=1)))
    session().expire_all()

    with pytest.raises(ConsentMissing):
        service.enrol(lin.id, [portrait("person_b_1")], old.id)
    anew = service.consent(lin.id)

    assert anew.id != old.id
    assert session().scalars(select(FaceTemplate)).all() == []
    assert service.enrol(lin.id, [portrait("person_b_1")], anew.id).consent_id == anew.id


def test_attestations_of_yesterday_are_forgotten(work) -> None:
    for hours in (1, 25):
        session().add(
            PresenceAttestation(
                claim_index=b"i", terminal="t", purpose="p", official=f"o{hours}", document="passport",
                made_at=now() - timedelta(hours=hours),
            )
        )  # fmt: skip
    session().flush()

    attestations.sweep()

    assert session().scalars(select(PresenceAttestation.official)).all() == ["o1"]


def test_the_job_leaves_living_consents_alone(lin) -> None:
    upkeep.expire()

    assert judge() == "matched"


def test_the_filing_duty_is_announced_at_four_fifths(lin, monkeypatch) -> None:
    upkeep.check_filing()
    monkeypatch.setattr(upkeep, "ALARM_AT", 1)
    with pytest.raises(upkeep.FilingDutyNear):
        upkeep.check_filing()

    monkeypatch.setenv("SUXIN_IDENTITY_FACE_FILING", "FILING-2026-1")

    upkeep.check_filing()
    assert upkeep.PEOPLE._value.get() == 1
    assert upkeep.FILING_AT == 100_000


def test_production_has_no_face_without_a_calibration_of_its_own(lin, production) -> None:
    assert judge() == "provider_away"
    with pytest.raises(FaceOff):
        service.enrol(lin.id, [portrait("person_b_1")], service._alive(lin.id).id)
    with pytest.raises(NotCalibrated):
        upkeep.check_ready()

    record(START)

    assert judge() == "matched"
    upkeep.check_ready()


def test_the_newest_calibration_of_the_model_in_use_is_in_force(lin, monkeypatch) -> None:
    record(START)
    record(Bars(0.99, 0.99, 0.06, 0.03))

    assert calibration.in_force().one_to_one == 0.99
    assert judge() == "not_matched"
    monkeypatch.setattr("identity.face.weights.MODEL_ID", "other:1")
    assert calibration.in_force() == START


@pytest.mark.parametrize(
    ("name", "value"), [("PROVIDER", "magic"), ("PROVIDER", "gateway")], ids=["unknown", "unnamed gateway"]
)
def test_a_choice_that_cannot_work_shows_in_readyz(work, monkeypatch, name, value) -> None:
    monkeypatch.setenv(f"SUXIN_IDENTITY_FACE_{name}", value)

    with pytest.raises(RuntimeError):
        upkeep.check_ready()


def test_readyz_names_both_checks(client) -> None:
    checks = client.get("/readyz").get_json()["checks"]

    assert (checks["identity.face"], checks["identity.face-filing"]) == ("ok", "ok")


def test_notices_are_published_per_purpose_and_a_consent_keeps_their_digest(client, lin) -> None:
    shown = client.get("/api/identity/face/notices").get_json()

    assert [each["purpose"] for each in shown] == ["presence", "presence-gateway"]
    assert shown[0]["digest"] == service._alive(lin.id).notice_sha256
    assert len({each.digest for each in current()}) == len(NOTICES)


def test_a_published_notice_never_changes() -> None:
    # A changed text is a new version: what people agreed to stays as it was.
    assert notice("presence", "2026-01").digest == "872a0b8177e6a4173ea95843d0641eec685b0c2682f0afd7e207b05ef8e631b5"
    assert (
        notice("presence-gateway", "2026-01").digest
        == "8630b11048f63183cd918b9b104b75c0576bb4a8c04362b0b9ed0d4513d3a26e"
    )


class Parents:
    def consents_for(self, who: Principal, child: str) -> bool:
        return who.actor == "person_parent"


def test_a_child_needs_its_guardians_consent_and_the_guardian_is_on_record(work, app, acting, monkeypatch) -> None:
    child = citizen()
    young = dataclasses.replace(people.only().profile(child.id), birth_date=now().date() - timedelta(days=3000))
    monkeypatch.setattr(type(people.only()), "profile", lambda self, party: young)
    monkeypatch.setitem(app.extensions["suxin.ports"][guardians.guardians.name], "identity", Parents())

    with acting(actor=child.id), pytest.raises(GuardianNeeded):
        service.consent(child.id)
    with acting(actor="person_parent"):
        assert service.consent(child.id).given_by == "person_parent"


def test_only_somebody_else_acting_as_guardian_consents_for_a_child() -> None:
    class Acting:
        acting_for, actor, capacity = "child", "parent", "guardian"

    rights = guardians.ActingGuardians()

    assert rights.consents_for(Acting(), "child")
    for name, value in (("acting_for", "other"), ("actor", "child"), ("capacity", "agent")):
        who = Acting()
        setattr(who, name, value)
        assert not rights.consents_for(who, "child")
    assert not rights.consents_for(Principal(kind=Kind.CITIZEN, actor="child"), "child")


def test_withdrawing_the_gateways_consent_leaves_the_template(lin) -> None:
    other = service.consent(lin.id, purpose="presence-gateway")

    service.withdraw(other.id, person=lin.id)

    assert len(gallery.by_resident_id(RESIDENT_ID)) == 1
