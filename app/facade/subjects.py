"""Translate between a plugin's subject ids and the core's party ids.

The audience is the plugin that acts now: the called route's, or the job's owner.
"""

from __future__ import annotations

from app.errors import NotFound
from app.principal import principal
from app.subjects import demo_people, directory


def subject_of(party: str) -> str:
    """Return the id by which the acting plugin knows a party."""
    return directory.only().subject_of(party, principal().audience)


def party_of(subject: str) -> str:
    """Return the party behind one of the acting plugin's subject ids; raises `NotFound`."""
    party = directory.only().party_of(subject, principal().audience)
    if party is None:
        raise NotFound()
    return party


def demo_subject(key: str) -> str:
    """Return the subject id of a demo citizen; raises `NotFound` outside the demo."""
    party = demo_people.only().parties().get(key)
    if party is None:
        raise NotFound()
    return subject_of(party)
