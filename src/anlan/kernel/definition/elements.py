"""What all definitions are made of: keys, names, formulas, labels, grants, and the base of the models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

__all__ = [
    "KEY",
    "NAME",
    "Action",
    "FormulaText",
    "Grant",
    "Key",
    "Label",
    "LabelText",
    "Model",
    "Name",
]

KEY = r"^[a-z][a-z0-9_]*$"
NAME = r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$"

Key = Annotated[str, Field(pattern=KEY, max_length=40)]
Name = Annotated[str, Field(pattern=NAME, max_length=60)]
FormulaText = Annotated[str, Field(max_length=8192)]


class Model(BaseModel):
    """Base of all definitions: unknown attributes are errors, instances do not change.

    `retained`: a newer pack no longer has the element, but the company uses it (docs/internals/merge.md).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    retained: bool = False


class Label(Model):
    """A text in every language of the screen; a plain string counts for all of them."""

    zh: str
    en: str

    def text(self, language: str) -> str:
        """The text for a language tag such as `zh-CN` or `en`."""
        return self.en if language.startswith("en") else self.zh


def _label(value: Any) -> Any:
    return {"zh": value, "en": value} if isinstance(value, str) else value


LabelText = Annotated[Label, BeforeValidator(_label)]


Action = str


class Grant(Model):
    """What a role may do with a form: actions (`read create update delete export import print share` and
    transitions; `*` for all), on which rows, with which fields (`none < read < write`)."""

    actions: list[Action] = Field(default_factory=list)
    rows: FormulaText | None = None
    fields: dict[str, Literal["none", "read", "write"]] = Field(default_factory=dict)
