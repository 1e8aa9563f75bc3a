"""What a person reads, in the city's two languages."""

from __future__ import annotations

from dataclasses import dataclass

LANGUAGES = ("zh-CN", "en")


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence or title in Chinese and English; Chinese is the default."""

    zh: str
    en: str

    def __post_init__(self) -> None:
        if not self.zh.strip() or not self.en.strip():
            raise ValueError("a text needs both languages: zh and en")

    def to(self, language: str) -> str:
        """Return the wording for a language tag such as `en-GB` or `zh-CN`."""
        return self.en if language.lower().startswith("en") else self.zh
