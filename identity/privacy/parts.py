"""Other parts' personal data: called under their own audience, by the id they know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from app.outbox import enqueue
from app.principal import CORE_AUDIENCE, SYSTEM, acting_as
from app.privacy import PersonalData, personal_data
from identity.parties.directory import directory


def exported(person_id: str) -> dict[str, Any]:
    """Return what every part hands out about a person, by the part's name."""
    found = {}
    for name, part in sorted(personal_data.all().items()):
        with _called(part, person_id) as subject:
            found[name] = part.export(subject)
    return found


def tell_all(person_id: str) -> None:
    """Queue the erasure in every part, each as a job of its own: one that fails keeps nobody else back."""
    for name in sorted(personal_data.all()):
        enqueue("identity.erase_part", part=name, person=person_id)


def erase(part: str, person: str) -> None:
    """Let one part erase a person; a part that is gone has no data here any more."""
    found = personal_data.get(part)
    if found is not None:
        with _called(found, person) as subject:
            found.erase(subject)


def kept() -> list[dict[str, str]]:
    """Return what the law keeps in every part, in both languages."""
    return [
        {"part": name, "what_zh": each.what.zh, "what_en": each.what.en, "law_zh": each.law.zh, "law_en": each.law.en}
        for name, part in sorted(personal_data.all().items())
        for each in part.keeps
    ]


@contextmanager
def _called(part: PersonalData, person_id: str) -> Iterator[str]:
    with acting_as(replace(SYSTEM, audience=part.audience)):
        yield person_id if part.audience == CORE_AUDIENCE else directory.subject_of(person_id, part.audience)
