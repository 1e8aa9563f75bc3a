"""The main job as a story: a woman buys her blood-pressure medicine by face, and the city refuses what it must.

`python -m demo.story --base-url http://127.0.0.1:8000`. It knows the API and the
demo world's public secrets, nothing else. Exit code 0 only if every step was as expected.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import click
import httpx

from demo.story_clients import Json, Phone, Till, Unexpected, expect
from demo.story_pictures import frames_of
from demo.story_telling import Teller, yuan

FACES = Path(__file__).parent / "faces"
PROBE = FACES / "person_b_2.jpg"
CUSTOMER, TILL = "lin", "heyue"
WAIT_SECONDS = 30


@dataclass(slots=True, kw_only=True)
class Story:
    """What the story remembers from step to step."""

    base_url: str
    world: Json
    tell: Teller
    slow: bool
    till: Till
    phone: Phone
    tail: str
    session: Json = field(default_factory=dict)
    evidence: Json = field(default_factory=dict)
    proof: str = ""
    quote: Json = field(default_factory=dict)
    key: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    receipt: Json = field(default_factory=dict)

    @classmethod
    def begin(cls, base_url: str, world: Json, tell: Teller, *, slow: bool) -> Story:
        """Return the story at its start."""
        person = _of(world["persons"], "key", CUSTOMER)
        return cls(
            base_url=base_url, world=world, tell=tell, slow=slow, tail=person["mobile"][-4:],
            till=Till(base_url, _of(world["terminals"], "organisation", TILL)),
            phone=Phone(base_url, world["clients"][0], person),
        )  # fmt: skip


def terminal_signs_in(story: Story) -> None:
    """The till shows its key and gets one token per audience."""
    for resource in (story.base_url, f"{story.base_url}/api/health"):
        said = story.till.sign_in(resource)
        story.tell.detail(f"{resource}: {said['scope']}")


def customer_is_recognised(story: Story) -> None:
    """Session, phone tail, two frames, signed liveness statement: one proof."""
    story.session = story.till.open_session()
    frames = frames_of(PROBE)
    story.evidence = story.till.evidence(story.session, frames, story.tail)
    said = expect(story.till.show(story.session, story.evidence), 200)
    _must(said["decision"] == "matched", f"the face of the customer: {said['decision']} ({said['reason']})")
    story.proof = said["proof"]["id"]
    story.tell.detail(f"two frames derived from one portrait; enrolled was another portrait; tail …{story.tail}")
    story.tell.detail(f"proof {story.proof}, liveness level: {said['proof']['level']}")


def insurance_is_asked(story: Story) -> None:
    """Is she insured? The till learns yes or no, never who she is."""
    said = expect(story.till.send("POST", "/api/health/eligibility", {"proof": story.proof}), 200)
    _must(said["eligible"] is True, "the customer is not eligible")
    story.tell.detail(f"eligible, scheme: {said['scheme']}; no name, no number, no balance")


def purchase_is_quoted(story: Story) -> None:
    """What it costs and who pays."""
    medicines = expect(story.till.send("GET", "/api/health/medicines?q=氨氯地平"), 200)["items"]
    story.quote = _quote(story, medicines[0], story.proof)
    parts = (story.quote[name] for name in ("total_fen", "fund_fen", "account_fen", "cash_fen"))
    story.tell.detail("total {}, fund {}, account {}, cash {}".format(*map(yuan, parts)))
    story.tell.detail(f"digest {story.quote['digest'][:16]}…")


def customer_confirms(story: Story) -> None:
    """A tap binds the proof to exactly these amounts."""
    body = {"digest": story.quote["digest"], "method": "tap"}
    expect(story.till.send("POST", f"/api/presence/proofs/{story.proof}/confirmations", body), 201)


def purchase_is_settled(story: Story) -> None:
    """The insurer books it; the receipt is printed."""
    answer = _settle(story, story.key)
    if answer.status_code == 202:
        story.receipt = _final(story, answer.headers["Location"])
    else:
        story.receipt = expect(answer, 201)
    _must(story.receipt["state"] == "settled", f"the settlement is {story.receipt['state']}")
    story.tell.receipt(story.receipt)


def repeated_request_gets_the_same_receipt(story: Story) -> None:
    """The till's line dropped, it asks again: same key, same receipt, nothing charged twice."""
    again = expect(_settle(story, story.key), 201)
    _must(again == story.receipt, "the repeated request got another receipt")
    story.tell.detail(f"{again['id']}, once")


def poor_picture_is_refused(story: Story) -> None:
    """A portrait below the quality gate."""
    other = _of(story.world["persons"], "face", "person_a")["mobile"][-4:]
    said = _judged(story, frames_of(FACES / "person_a_1.jpg"), other)
    _must(said["decision"] == "retry", f"a poor picture was answered with {said['decision']}")
    story.tell.refusal(said)


def stranger_is_refused(story: Story) -> None:
    """Another person claims to be the customer."""
    said = _judged(story, frames_of(FACES / "impostor_1.jpg"), story.tail)
    _must(said["decision"] == "not_matched" and said["proof"] is None, f"a stranger was answered: {said['decision']}")
    story.tell.refusal(said)


def replay_is_refused(story: Story) -> None:
    """Old evidence again: the same session, the same nonce, the same pictures."""
    _refused(story, story.till.show(story.session, story.evidence), 409, "session-used")
    fresh = story.till.open_session()
    old_nonce = story.till.statement({**fresh, "nonce": story.session["nonce"]}, frames := frames_of(PROBE))
    replayed = story.till.evidence(fresh, frames, story.tail, statement=old_nonce)
    _refused(story, story.till.show(fresh, replayed), 422, "liveness-refused")
    frames = frames_of(PROBE)
    first = story.till.open_session()
    expect(story.till.show(first, story.till.evidence(first, frames, story.tail)), 200)
    second = story.till.open_session()
    signed_anew = story.till.evidence(second, frames, story.tail)
    _refused(story, story.till.show(second, signed_anew), 409, "capture-seen")


def used_proof_is_refused(story: Story) -> None:
    """The proof paid once; it pays no second time, under no key."""
    lines = [{name: line[name] for name in ("code", "quantity", "price_fen")} for line in story.quote["lines"]]
    answer = story.till.send("POST", "/api/health/quotes", {"proof": story.proof, "lines": lines})
    _refused(story, answer, 409, "proof-used")
    _refused(story, _settle(story, secrets.token_urlsafe(18)), 409, "already-settling")


def expired_session_is_refused(story: Story) -> None:
    """Evidence that comes too late."""
    seconds = 60 if story.slow else 1
    late = story.till.open_session(ttl_seconds=seconds)
    time.sleep(seconds + 0.2)
    body = story.till.evidence(late, frames_of(PROBE), story.tail)
    _refused(story, story.till.show(late, body), 410, "session-expired")


def citizen_logs_in(story: Story) -> None:
    """At home she opens the app: password, consent, authorization code with PKCE."""
    for resource in (story.base_url, f"{story.base_url}/api/health"):
        said = story.phone.log_in(resource)
        story.tell.detail(f"{resource}: {said['scope']}")


def message_and_card_arrive(story: Story) -> None:
    """Two jobs left through the outbox and Celery: a notice and a certificate."""
    notice = _wait(lambda: _about(story.phone.get("/api/notices")["items"], story.receipt["id"]))
    story.tell.detail(f"notice: {notice.get('title') or notice.get('text') or notice['id']}")
    card = _wait(lambda: _about(story.phone.get("/api/certificates")["items"], story.receipt["id"]))
    story.tell.detail(f"receipt certificate: {card['id']}")


def citizen_sees_the_purchase(story: Story) -> None:
    """Her purchases, in her own words and amounts."""
    mine = story.phone.get("/api/health/me/settlements")["items"]
    found = next((each for each in mine if each["id"] == story.receipt["id"]), None)
    _must(found is not None and found["total_fen"] == story.receipt["total_fen"], "the purchase is not in her list")
    story.tell.detail(f"{story.receipt['pharmacy']}, {yuan(story.receipt['total_fen'])}, {story.receipt['state']}")


def citizen_sees_who_looked(story: Story) -> None:
    """Who looked at her data, and why."""
    entries = story.phone.get("/api/identity/me/activity")["items"]
    actions = {each["action"] for each in entries}
    wanted = {"presence.decided", "health.eligibility-read", "health.quoted", "health.settled"}
    _must(wanted <= actions, f"not in her list: {', '.join(sorted(wanted - actions))}")
    for each in [each for each in entries if each["action"] in wanted][:6]:
        story.tell.detail(f"{each['at'][11:19]} {each['by']}: {each['words']} ({each['purpose'] or '-'})")


STEPS: tuple[tuple[str, str, Callable[[Story], None]], ...] = (
    ("药店终端以自有密钥登录", "The terminal signs in with its own key", terminal_signs_in),
    ("刷脸核验顾客", "The customer is recognised by face", customer_is_recognised),
    ("查询医保待遇", "The insurance says she is entitled", insurance_is_asked),
    ("预结算", "The purchase is quoted", purchase_is_quoted),
    ("顾客确认金额", "The customer confirms the amounts", customer_confirms),
    ("结算并打印单据", "Settled; the receipt is printed", purchase_is_settled),
    ("重发请求得到同一单据", "The same request again: the same receipt", repeated_request_gets_the_same_receipt),
    ("拒绝：照片质量不足", "Refused: a picture below the quality gate", poor_picture_is_refused),
    ("拒绝：他人面孔", "Refused: another person's face", stranger_is_refused),
    ("拒绝：重放的核验", "Refused: replayed session, nonce, pictures", replay_is_refused),
    ("拒绝：凭据重复使用", "Refused: a proof used twice", used_proof_is_refused),
    ("拒绝：核验超时", "Refused: an expired session", expired_session_is_refused),
    ("市民登录手机应用", "The citizen logs in to her app", citizen_logs_in),
    ("消息与电子单据送达", "The notice and the receipt certificate arrived", message_and_card_arrive),
    ("市民查看购药记录", "She sees the purchase", citizen_sees_the_purchase),
    ("市民查看谁用过数据", "She sees who looked at her data", citizen_sees_who_looked),
)


def play(story: Story) -> None:
    """Play every step; raises `Unexpected` at the first that is not as told."""
    for zh, en, act in STEPS:
        with story.tell.step(zh, en):
            act(story)


def _quote(story: Story, medicine: Json, proof: str) -> Json:
    line = {"code": medicine["code"], "quantity": 2, "price_fen": medicine["price_limit_fen"] - 80}
    return expect(story.till.send("POST", "/api/health/quotes", {"proof": proof, "lines": [line]}), 201)


def _settle(story: Story, key: str) -> httpx.Response:
    body = {"quote": story.quote["id"], "proof": story.proof}
    return story.till.send("POST", "/api/health/settlements", body, key=key)


def _final(story: Story, address: str) -> Json:
    def look() -> Json | None:
        said = expect(story.till.send("GET", address), 200)
        return said if said["ended_at"] else None

    return _wait(look)


def _judged(story: Story, frames: list[bytes], tail: str) -> Json:
    session = story.till.open_session()
    return expect(story.till.show(session, story.till.evidence(session, frames, tail)), 200)


def _refused(story: Story, answer: httpx.Response, status: int, kind: str) -> None:
    said = expect(answer, status)
    _must(said["type"].endswith(f"/{kind}"), f"refused as {said['type']}, not {kind}")
    story.tell.refusal(said)


def _wait(look: Callable[[], Json | None]) -> Json:
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        found = look()
        if found is not None:
            return found
        time.sleep(0.2)
    raise Unexpected(f"nothing came within {WAIT_SECONDS} s")


def _about(items: list[Json], reference: str) -> Json | None:
    return next((each for each in items if reference in json.dumps(each)), None)


def _of(rows: list[Json], name: str, value: str) -> Json:
    found = next((row for row in rows if row[name] == value), None)
    if found is None:
        raise Unexpected(f"the demo world has no {name} {value}")
    return found


def _must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Unexpected(otherwise)


def _world(path: str | None) -> Json:
    if path is not None:
        raw = Path(path).read_text("utf-8")
    else:
        done = subprocess.run(
            [sys.executable, "-m", "app.cli", "demo", "export"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Unexpected(f"`suxin demo export` failed: {done.stderr.strip()[-400:]}")
        raw = done.stdout
    found: Json = json.loads(raw)
    return found


@click.command()
@click.option("--base-url", required=True, help="Where the city serves.")
@click.option("--export", "export_file", help="File with what `suxin demo export` printed; else the command is run.")
@click.option("--plain", is_flag=True, help="Plain lines, no colour or animation.")
@click.option("--slow", is_flag=True, help="Wait a whole minute for the session that expires.")
def main(base_url: str, export_file: str | None, plain: bool, slow: bool) -> None:
    """Play "medicine by face" against a served city."""
    tell, began = Teller(plain=plain), time.monotonic()
    try:
        play(Story.begin(base_url.rstrip("/"), _world(export_file), tell, slow=slow))
    except (Unexpected, httpx.HTTPError, OSError, KeyError, ValueError) as error:
        tell.end(f"The story FAILED: {type(error).__name__}: {error}", well=False)
        sys.exit(1)
    tell.end(f"刷脸买药：全部符合预期 · Medicine by face: all {tell.told} steps as expected, "
             f"{time.monotonic() - began:.1f} s", well=True)  # fmt: skip


if __name__ == "__main__":
    main()
