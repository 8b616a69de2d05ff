"""Sentences by code: a room or pack brings `zh.yaml` and `en.yaml`, each a flat mapping code → sentence.

    # en.yaml
    not_found: "{form} {id} does not exist, or you may not see it."

    Messages.load([folder]).text("not_found", "en", form="Item", id="A1")
    →  "Item A1 does not exist, or you may not see it."
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import yaml

from anlan.kernel.i18n.formats import format_date, format_number
from anlan.kernel.i18n.languages import LANGUAGES, language_of

# Either is a safe loader; the C one reads the sentences of all packs in a tenth of the time.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Only a bare name: `str.format` would let a sentence walk attributes of its parameters.
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class BadMessages(Exception):
    """A message file cannot be read; the text names the file and what is wrong with it."""


class Missing(NamedTuple):
    """A code that one language lacks, or whose sentence there uses other parameters."""

    code: str
    language: str
    reason: str


@dataclass(frozen=True)
class Messages:
    """Sentences per language: `sentences[language][code]`. Immutable; `load` merges any number of folders."""

    sentences: Mapping[str, Mapping[str, str]]

    @classmethod
    def load(cls, paths: Iterable[Path]) -> Messages:
        """Read `zh.yaml` and `en.yaml` of each folder; a code may stand in one folder only.

        Reads files. Raises BadMessages for a file that is not a flat mapping of texts, or a code given twice.
        """
        merged: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
        origin: dict[tuple[str, str], Path] = {}
        for folder in paths:
            for language in LANGUAGES:
                file = folder / f"{language}.yaml"
                for code, sentence in _read(file).items():
                    if (language, code) in origin:
                        raise BadMessages(f"{file}: {code} is already defined in {origin[language, code]}")
                    origin[language, code] = file
                    merged[language][code] = sentence
        return cls(merged)

    def text(self, code: str, language: str, /, **params: object) -> str:
        """The sentence of `code`; in another language if this one lacks it; an unknown code is its own text.

        A parameter that is not given stays visible as `{name}`, so that a wrong call is seen and never fails.
        """
        wanted = language_of(language)
        if not params and code in self.sentences.get(wanted, {}):
            return self.sentences[wanted][code]
        sentence = next((self.sentences[one][code] for one in (wanted, *LANGUAGES)
                         if code in self.sentences.get(one, {})), code)  # fmt: skip

        def fill(match: re.Match[str]) -> str:
            name = match.group(1)
            return _written(params[name], wanted) if name in params else match.group(0)

        return _PLACEHOLDER.sub(fill, sentence)

    def missing(self) -> list[Missing]:
        """What a translator has to do: codes absent in a language, or with other parameters there."""
        found = []
        for code in sorted({code for texts in self.sentences.values() for code in texts}):
            names = {one: set(_PLACEHOLDER.findall(self.sentences[one][code]))
                     for one in LANGUAGES if code in self.sentences[one]}  # fmt: skip
            first = next(iter(names.values()))
            for language in LANGUAGES:
                if language not in names:
                    found.append(Missing(code, language, "no sentence"))
                elif names[language] != first:
                    found.append(Missing(code, language, "other parameters"))
        return found


def _read(file: Path) -> dict[str, str]:
    if not file.exists():
        return {}
    try:
        content = yaml.load(file.read_text("utf-8"), Loader=_LOADER)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadMessages(f"{file}: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise BadMessages(f"{file}: must be a mapping of codes to sentences")
    for code, sentence in content.items():
        if not (isinstance(code, str) and isinstance(sentence, str)):
            raise BadMessages(f"{file}: {code!r} must be a text with a text beside it")
    return content


def _written(value: object, language: str) -> str:
    """A parameter inside a sentence: a label in its language, figures and days as the reader expects them."""
    if isinstance(value, Mapping):  # a label {zh, en}
        return str(next((value[one] for one in (language, *LANGUAGES) if one in value), ""))
    if hasattr(value, "zh") and hasattr(value, "en"):  # a definition's Label
        return str(value.en if language.startswith("en") else value.zh)
    if isinstance(value, Decimal):
        return format_number(value, language)
    if isinstance(value, date) and not isinstance(value, datetime):
        return format_date(value, language)
    return str(value)
