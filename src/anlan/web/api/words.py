"""The language of a request, and the sentences of refusals in it.

say = sentences(site, "en")
say("wrong_type", {"field": "lines[0].quantity", "wanted": "quantity"})
->  "lines[0].quantity must be a quantity."
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from anlan.kernel.definition.model import Label
from anlan.kernel.i18n import LANGUAGES, language_of, negotiate

__all__ = ["in_language", "language", "sentences", "tag"]

_TAGS = {"zh": "zh-CN", "en": "en"}
_BOTH = set(LANGUAGES)
_MOST_CHARACTERS = 200  # of what was sent, repeated in a sentence


def language(headers: Mapping[str, str], caller: Any) -> str:
    """`zh` or `en`: what `Accept-Language` asks for, else the caller's own, else the default."""
    asked = headers.get("accept-language")
    if asked and asked != "*":
        return negotiate(asked)
    return language_of(caller.language if caller is not None else None)


def tag(headers: Mapping[str, str], caller: Any) -> str:
    """The language as the kernel's Context has it: `zh-CN` or `en`."""
    return _TAGS[language(headers, caller)]


def in_language(value: Any, spoken: str) -> Any:
    """The same JSON value with every label `{"zh", "en"}` in it replaced by its text in one language.

    >>> in_language({"label": {"zh": "订单", "en": "Order"}, "lines": [{"zh": "一", "en": "One"}]}, "en")
    {'label': 'Order', 'lines': ['One']}
    """
    if isinstance(value, dict):
        if value.keys() == _BOTH:
            return value[spoken]
        return {key: in_language(item, spoken) for key, item in value.items()}
    if isinstance(value, list):
        return [in_language(item, spoken) for item in value]
    return value


def sentences(site: Any, spoken: str) -> Callable[[str, Mapping[str, Any]], str]:
    """A function from a code and its parameters to the sentence in a language.

    A form is named by its label, a kind of value and an action by words.
    """

    def sentence(code: str, given: Mapping[str, Any]) -> str:
        params = {name: _shown(site, spoken, name, value) for name, value in given.items()}
        if isinstance(given.get("action"), str):
            params["action"] = _action(site, spoken, str(given.get("form")), given["action"])
        params.pop("code", None)
        params.pop("language", None)
        return str(site.messages.text(code, spoken, **params))

    return sentence


def _action(site: Any, spoken: str, form: str, action: str) -> str:
    """What somebody wanted to do: the label of the form's own step, or the word of a basic action."""
    known = site.catalogue.forms.get(form)
    if known is not None and action in known.transitions:
        return str(known.transitions[action].label.text(spoken))
    word = str(site.messages.text(f"action.{action}", spoken))
    return action[:_MOST_CHARACTERS] if word == f"action.{action}" else word


def _shown(site: Any, spoken: str, name: str, value: Any) -> Any:
    if isinstance(value, Label):
        return value.text(spoken)
    if not isinstance(value, str):
        return value
    if len(value) > _MOST_CHARACTERS:
        return value[:_MOST_CHARACTERS] + "…"
    if name == "form" and value in site.catalogue.forms:
        return site.catalogue.forms[value].label(spoken)
    if name == "wanted":
        words = site.messages.text(f"kind.{value}", spoken)
        return value if words == f"kind.{value}" else words
    return value
