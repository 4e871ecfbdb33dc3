"""Every sentence the dashboard shows: one module per view, each sentence in both languages side by side."""

from typing import Literal, NamedTuple, get_args

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


class Text(NamedTuple):
    """One sentence, or one word, with the same {fields} in each language."""

    en: str
    ko: str

    def in_(self, language: Language, **values: object) -> str:
        """Return the text in a language, with the values filled in.

        >>> Text("Return {days}d", "{days}일 수익률").in_("ko", days=20)
        '20일 수익률'
        """
        return str(getattr(self, language)).format(**values)
