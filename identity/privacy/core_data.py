"""What the core holds about persons, on the same seam as plugins' data."""

from __future__ import annotations

from typing import Any

from app.certificates import service as certificates
from app.errors import language
from app.notices import service as notices
from app.ports import Provider
from app.principal import CORE_AUDIENCE
from app.privacy import Kept, PersonalData, personal_data
from app.text import Text

_MOST = 1000


def _messages(party: str) -> list[dict[str, Any]]:
    held = notices.inbox(party=party, language=language(), cursor=None, limit=_MOST)
    return [{"at": each.created_at.isoformat(), "title": each.title, "body": each.body} for each in held.items]


def _certificates(party: str) -> list[dict[str, Any]]:
    held = certificates.card_pack(holder=party, language=language(), limit=_MOST)
    return [{"id": each.id, "title": each.title, "issuer": each.issuer, "state": each.state} for each in held.items]


PROVIDERS = (
    Provider(
        personal_data,
        "notices",
        PersonalData(audience=CORE_AUDIENCE, title=Text("消息", "Messages"), export=_messages, erase=notices.forget),
    ),
    Provider(
        personal_data,
        "certificates",
        PersonalData(
            audience=CORE_AUDIENCE,
            title=Text("电子证照", "Certificates"),
            export=_certificates,
            keeps=(
                Kept(
                    what=Text("已签发证照的登记", "The register of issued certificates, sealed"),
                    law=Text("国务院关于在线政务服务的若干规定", "State Council provisions on online public services"),
                ),
            ),
        ),
    ),
    Provider(
        personal_data,
        "audit",
        PersonalData(
            audience=CORE_AUDIENCE,
            title=Text("审计记录", "Audit trail"),
            keeps=(
                Kept(
                    what=Text("不含姓名号码的操作记录", "Lines of who did what, by ids without a name"),
                    law=Text("网络安全法第二十一条", "Cybersecurity Law, article 21"),
                ),
                Kept(
                    what=Text(
                        "实名核验的来源、方式、等级和时间", "Source, method, level and time of real-name proofing"
                    ),
                    law=Text("网络安全法第二十四条", "Cybersecurity Law, article 24"),
                ),
            ),
        ),
    ),
)
