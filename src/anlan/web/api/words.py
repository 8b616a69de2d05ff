"""The API's own sentences beside those of the site, and the language of a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from anlan.kernel.i18n import Messages, language_of, negotiate

__all__ = ["FOLDER", "Words"]

FOLDER = Path(__file__).parent / "messages"
_TAGS = {"zh": "zh-CN", "en": "en"}


class Words:
    """Sentences by code: the API's own first, then the site's (the kernel's and its packs')."""

    def __init__(self, own: Messages) -> None:
        self._own = own

    @classmethod
    def load(cls) -> Words:
        """Read messages/ of the API."""
        return cls(Messages.load([FOLDER]))

    def language(self, headers: Mapping[str, str], caller: Any) -> str:
        """`zh` or `en`: what `Accept-Language` asks for, else the caller's own, else the default."""
        asked = headers.get("accept-language")
        if asked and asked != "*":
            return negotiate(asked)
        return language_of(caller.language if caller is not None else None)

    def tag(self, headers: Mapping[str, str], caller: Any) -> str:
        """The language as the kernel's Context has it: `zh-CN` or `en`."""
        return _TAGS[self.language(headers, caller)]

    def say(self, language: str, site: Any) -> Callable[[str, Mapping[str, Any]], str]:
        """A function from a code and its parameters to the sentence in `language`."""

        def sentence(code: str, given: Mapping[str, Any]) -> str:
            shown = {
                name: _shown(site, name, value)
                for name, value in given.items()
                if name not in ("code", "language")
            }
            if code in self._own.sentences[language]:
                return self._own.text(code, language, **shown)
            return str(site.messages.text(code, language, **shown))

        return sentence


def _shown(site: Any, name: str, value: Any) -> Any:
    """A form is named by its label, not by its key."""
    if name == "form" and isinstance(value, str):
        form = site.catalogue.forms.get(value)
        if form is not None:
            return {"zh": form.label("zh"), "en": form.label("en")}
    return value
