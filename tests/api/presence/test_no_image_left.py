"""No byte of a picture outlives its answer: not on disk, in a table, a queue, a log line, a span or an error."""

from __future__ import annotations

import base64
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from app.db import session, unit_of_work
from app.outbox import enqueue
from app.principal import Kind
from identity.face import engine as engines
from tests.api.presence.builders import citizen, fresh_frames
from tests.unit.face.portraits import portrait

_opened: list[tuple[str, str]] = []
_watching: list[bool] = []


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching or event != "open" or not isinstance(arguments[1], str) or not set(arguments[1]) & set("wax+"):
        return
    # pytest itself keeps what it captures in temporary files.
    if not any("_pytest/capture.py" in frame.filename for frame in traceback.extract_stack(limit=8)):
        _opened.append((str(arguments[0]), arguments[1]))


@pytest.fixture
def written(capfd) -> Iterator[list[tuple[str, str]]]:
    """Every file that Python opened for writing during the test (an audit hook cannot be taken out again)."""
    if not getattr(sys, "_suxin_open_hook", False):
        sys.addaudithook(_note)
        sys._suxin_open_hook = True
    _opened.clear()
    _watching.append(True)
    yield _opened
    _watching.clear()


def traces(content: bytes) -> list[bytes]:
    """Return pieces by which a picture is recognised: raw, and in base64 at any offset."""
    middle = content[len(content) // 2 : len(content) // 2 + 60]
    return [middle, *(base64.b64encode(middle[start:])[:40] for start in range(3))]


def everything_stored() -> bytes:
    """Return all rows of all tables, as bytes."""
    found = []
    with unit_of_work():
        tables = session().execute(
            sa.text(
                "select table_schema, table_name from information_schema.tables"
                " where table_schema in ('app', 'identity', 'health') and table_type = 'BASE TABLE'"
            )
        ).all()  # fmt: skip
        for schema, name in tables:
            rows = session().execute(sa.text(f'select * from "{schema}"."{name}"')).all()
            found += [bytes(cell) if isinstance(cell, memoryview | bytes) else str(cell).encode() for row in rows
                      for cell in row]  # fmt: skip
    return b"\n".join(found)


def assert_nowhere(pictures: list[bytes], *places: bytes) -> None:
    """Fail where any trace of a picture is found."""
    for picture in pictures:
        for trace in traces(picture):
            assert all(trace not in place for place in places)


def test_no_byte_of_a_picture_outlives_recognition(counter, lin, client, capfd, written) -> None:
    frames = [*fresh_frames(), portrait("person_b_2") + b"\0"]
    assert counter.show(client, counter.open(client), frames).get_json()["decision"] == "matched"
    bad = [portrait("impostor_2")[:-500], b"\xff\xd8\xff" + portrait("impostor_1")[3:]]
    counter.show(client, counter.open(client), bad)

    out = capfd.readouterr()

    assert_nowhere(frames + bad, everything_stored(), out.out.encode(), out.err.encode())
    assert written == []


def test_no_byte_of_a_picture_outlives_enrolment_even_a_failed_one(client, sign_in, work, capfd, written) -> None:
    person = citizen()
    work.commit()
    phone = sign_in(kind=Kind.CITIZEN, party=person.id, proofing_level=4, scopes=["identity:face"])
    given = client.post("/api/identity/face/consents", json={"version": "2026-01"}, headers=phone).get_json()["id"]
    pictures = [portrait("person_b_1"), portrait("person_a_1")]

    for photographs in (pictures[:1], pictures):
        body = {"consent": given, "photographs": [base64.b64encode(each).decode() for each in photographs]}
        client.post("/api/identity/face/enrolments", json=body, headers=phone)

    out = capfd.readouterr()
    assert_nowhere(pictures, everything_stored(), out.out.encode(), out.err.encode())
    assert written == []


def test_an_engine_that_breaks_down_shows_no_picture(counter, lin, client, monkeypatch, capfd) -> None:
    def broken(self: object, content: bytes, **_: object) -> None:
        raise RuntimeError(content[:200], content.hex()[:200])

    monkeypatch.setattr(engines.Engine, "read", broken)
    app = client.application
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    monkeypatch.setitem(app.config, "TESTING", False)
    frames = fresh_frames()

    answer = counter.show(client, counter.open(client), frames)

    out = capfd.readouterr()
    assert answer.status_code == 500
    assert_nowhere(frames, answer.data, everything_stored(), out.out.encode(), out.err.encode())
    assert frames[0].hex()[:60] not in out.err + answer.text


def test_control_the_search_finds_a_picture_that_was_stored(work) -> None:
    enqueue("core.presence_sweep", picture=base64.b64encode(portrait("person_b_1")).decode())
    work.commit()

    with pytest.raises(AssertionError):
        assert_nowhere([portrait("person_b_1")], everything_stored())


def test_control_the_watch_sees_a_file_that_is_written(tmp_path, written) -> None:
    (tmp_path / "picture.jpg").write_bytes(portrait("person_b_1"))

    assert [name for name, _ in written] == [str(tmp_path / "picture.jpg")]
