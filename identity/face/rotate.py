"""Change every template's basis or every citizen's key while terminals go on asking.

Each batch is one transaction, so a reader sees a template before or after,
never between. A run that was stopped goes on where it ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update

from app import audit, crypto
from app.db import add, now, session, unit_of_work
from app.ids import new_id
from identity.face import service, vault, weights
from identity.face.basis import BASIS, KEYS, FaceRotation
from identity.face.gallery import Row, label_of, open_row
from identity.face.models import FaceKey, FaceTemplate
from identity.face.vault import Label
from identity.face.vector import Vector

BATCH = 200


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rotation is."""

    done: int
    left: int


def bases(*, batch: int = BATCH) -> Iterator[Progress]:
    """Move all templates into a new secret basis, or finish moving them; no photograph is needed."""
    run = _begin(BASIS, prefix="r")
    yield from _through(run, FaceTemplate.rotation != run.name, batch)


def keys(*, batch: int = BATCH) -> Iterator[Progress]:
    """Seal all templates under new keys of their citizens and shred the old ones, or finish doing so."""
    run = _begin(KEYS, prefix="k")
    older = FaceTemplate.key_id.in_(select(FaceKey.id).where(FaceKey.created_at < run.started_at))
    yield from _through(run, older, batch)


def retire_models(*, batch: int = BATCH) -> Iterator[Progress]:
    """Erase templates of other models than the one in use: they are compared with nothing any more.

    No picture is kept, so a new model needs the citizens to enrol again.
    """
    done = 0
    while True:
        with unit_of_work():
            other = FaceTemplate.model != weights.MODEL_ID
            people = session().scalars(select(FaceTemplate.person_id).where(other).limit(batch)).all()
            for person in people:
                service.erase(person)
        done += len(people)
        with unit_of_work():
            left = _count(other)
        yield Progress(done, left)
        if not left:
            return


def _begin(kind: str, *, prefix: str) -> FaceRotation:
    with unit_of_work():
        held = session().scalars(
            select(FaceRotation).where(FaceRotation.kind == kind, FaceRotation.finished_at.is_(None))
        ).first()  # fmt: skip
        if held is not None:
            return held
        number = session().scalars(select(func.count()).where(FaceRotation.kind == kind)).one() + 1
        started = add(FaceRotation(kind=kind, name=f"{prefix}{number}"))
        audit.record("identity.face-rotation-started", object=started.id, details={"kind": kind, "name": started.name})
        return started


def _through(run: FaceRotation, behind: Any, batch: int) -> Iterator[Progress]:
    done = 0
    while True:
        with unit_of_work():
            done += _one_batch(run, behind, batch)
        with unit_of_work():
            left = _finish(run, behind)
        yield Progress(done, left)
        if not left:
            return


def _one_batch(run: FaceRotation, behind: Any, batch: int) -> int:
    # Rows that a withdrawal or an enrolment holds are left to it, and looked at again.
    held = session().execute(
        select(FaceTemplate, FaceKey)
        .join(FaceKey, FaceKey.id == FaceTemplate.key_id)
        .where(behind, FaceTemplate.model == weights.MODEL_ID, FaceKey.wrapped.is_not(None))
        .order_by(FaceTemplate.id)
        .limit(batch)
        .with_for_update(of=FaceTemplate, skip_locked=True)
    ).all()  # fmt: skip
    for template, key in held:
        row = Row(template.person_id, label_of(template), key.wrapped or b"", template.sealed, template.photographs)
        vector = open_row(row)
        if run.kind == BASIS:
            _turn(template, key, vector, run.name)
        else:
            _rekey(template, key, vector)
    session().flush()
    return len(held)


def _turn(template: FaceTemplate, key: FaceKey, vector: Vector, name: str) -> None:
    plain = crypto.unwrap_key(key.wrapped or b"", place=vault.key_place(key.id, template.person_id))
    turned = vault.turned(vector, before=template.rotation, after=name)
    template.rotation = name
    template.sealed = vault.seal(turned, key=plain, label=label_of(template))


def _rekey(template: FaceTemplate, old: FaceKey, vector: Vector) -> None:
    plain, key_id = crypto.new_data_key(), new_id("facekey")
    wrapped = crypto.wrap_key(plain, place=vault.key_place(key_id, template.person_id))
    add(FaceKey(id=key_id, person_id=template.person_id, wrapped=wrapped))
    template.key_id = key_id
    label: Label = label_of(template)
    template.sealed = vault.seal(vector, key=plain, label=label)
    old.wrapped, old.shredded_at = None, now()


def _finish(run: FaceRotation, behind: Any) -> int:
    # Enrolments hold the newest basis they read until they end: after this lock, those of before are counted.
    if run.kind == BASIS:
        session().execute(
            select(FaceRotation.id)
            .where(FaceRotation.kind == BASIS, FaceRotation.id != run.id)
            .order_by(FaceRotation.id)
            .with_for_update()
        )
    left = _count(behind & (FaceTemplate.model == weights.MODEL_ID))
    if not left:
        session().execute(update(FaceRotation).where(FaceRotation.id == run.id).values(finished_at=now()))
        audit.record("identity.face-rotation-finished", object=run.id, details={"kind": run.kind, "name": run.name})
    return left


def _count(condition: Any) -> int:
    return session().scalars(select(func.count()).select_from(FaceTemplate).where(condition)).one()
