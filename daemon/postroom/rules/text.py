"""Patterns on text, as the user writes them.

RE2 matches in time linear in the text, so that no message can stall a rule.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated, Self

import re2  # type: ignore[import-untyped] # it has no types
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    model_validator,
)

from postroom.mail.addresses import Address, parse_addresses
from postroom.mail.composed import compose
from postroom.rules.forms import encode, fold

_WAYS = ("is", "contains", "glob", "regex")
_CARELESS_GLOB = {"*": "(?s:.*)", "?": "(?s:.)"}
# As other languages write a search that is careless of upper and lower case.
_FLAGGED_SEARCH = re.compile(r"(/.+/)[gimsuxy]{1,3}", re.DOTALL)
# None of them stands in an address.
_NOT_IN_ADDRESS = frozenset("<>,;")
_Pattern = Annotated[str, AfterValidator(compose)]


class Text(BaseModel):
    """A pattern: plain text is contained, `*` and `?` make a glob, slashes a search.

    A table says it outright: `{ is = … }`, `{ contains = … }`, `{ glob = … }` or
    `{ regex = … }`, with `case = true` to tell upper from lower case.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    is_: _Pattern | None = Field(None, alias="is")
    contains: _Pattern | None = None
    glob: _Pattern | None = None
    regex: _Pattern | None = None
    case: StrictBool = False

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        if isinstance(value, str):
            return cls._read_plain(value)
        if isinstance(value, dict):
            return value
        raise ValueError(f"expected a text or a table of {', '.join(_WAYS)}")

    @classmethod
    def _read_plain(cls, value: str) -> dict[str, str]:
        if len(value) > 2 and value.startswith("/") and value.endswith("/"):
            return {"regex": value[1:-1]}
        if flagged := _FLAGGED_SEARCH.fullmatch(value):
            raise ValueError(
                f"upper and lower case are the same anyhow: a search is {flagged[1]!r}"
                f"; to look for the slashes, write {{ contains = {value!r} }}"
            )
        return {"glob": value} if set(value) & {"*", "?"} else {"contains": value}

    @model_validator(mode="after")
    def _check(self) -> Self:
        ways = (self.is_, self.contains, self.glob, self.regex)
        given = [way for way in ways if way is not None]
        if len(given) != 1 or not given[0]:
            raise ValueError(f"expected one of {', '.join(_WAYS)}, and not empty")
        if self.regex is not None:
            self._compile(self.regex)
        return self

    def matches(self, text: str) -> bool:
        """True if the text is, contains or fits what the user wrote."""
        if self._pattern is not None:
            return self._pattern.search(encode(text)) is not None
        text = compose(text) if self.case else fold(text)
        return text == self._literal if self.is_ else self._literal in text

    @property
    def is_folded(self) -> bool:
        """True if it looks at the folded text."""
        return not self.case and (self.is_ is not None or self.contains is not None)

    @property
    def pattern(self) -> str:
        """The same as an RE2 search that tells upper from lower case; it looks at the
        text, or at the folded one if `is_folded`."""
        if self.is_ is not None:
            return rf"\A{re2.escape(self._literal)}\z"
        if self.contains is not None:
            return str(re2.escape(self._literal))
        careless = "" if self.case else "(?i)"
        return careless + (self.regex or _translate_for_search(self.glob or ""))

    @cached_property
    def _literal(self) -> str:
        literal = self.is_ or self.contains or ""
        return literal if self.case else fold(literal)

    @cached_property
    def _pattern(self) -> re2._Regexp[bytes] | None:
        if self.regex is not None:
            return self._compile(self.regex)
        return self._compile(_translate(self.glob)) if self.glob is not None else None

    def _compile(self, pattern: str) -> re2._Regexp[bytes]:
        options = re2.Options()
        options.case_sensitive = self.case
        options.log_errors = False
        try:
            return re2.compile(pattern.encode(), options)
        except re2.error as error:
            reason = error.args[0]
            reason = reason.decode() if isinstance(reason, bytes) else str(reason)
            raise ValueError(f"RE2 can't read it: {reason}") from error

    def __str__(self) -> str:
        """The pattern as a rule file writes it, in its shortest form."""
        values = (self.is_, self.contains, self.glob, self.regex)
        given = {way: v for way, v in zip(_WAYS, values, strict=True) if v is not None}
        ((way, value),) = given.items()
        for plain in (value.removeprefix("*"), value, f"/{value}/"):
            if not self.case and self._read_plain(plain) == given:
                return plain if way == "regex" else repr(plain)
        case = ", case = true" if self.case else ""
        return f"{{ {way} = {value!r}{case} }}"


class AddressText(Text):
    """A pattern on addresses: `ann@example.org` that address, `@example.org` anyone
    there, `@*.example.org` anyone below it, a glob, or any other text: a part of the
    address or of the display name. A domain is found in both its forms, `ä.example` and
    `xn--4ca.example` (RFC 5890, section 2.3.2.1)."""

    @classmethod
    def _read_plain(cls, value: str) -> dict[str, str]:
        _require_one_part(value)
        if value.startswith("@") and not set(value) & {"/", " "}:
            return {"glob": f"*{value}"}
        if set(value) & {"*", "?", "/", " "}:
            return super()._read_plain(value)
        return {"is": value} if "@" in value else {"contains": value}

    def fits(self, address: Address) -> bool:
        """True if the address fits, or for a part or a search the display name."""
        in_name = self.contains is not None or self.regex is not None
        return self.matches(address.address) or (in_name and self.matches(address.name))

    def matches(self, text: str) -> bool:
        """True if the text fits, or would with its domain in the other form."""
        twin = self._twin
        return super().matches(text) or (twin is not None and twin.matches(text))

    @property
    def pattern(self) -> str:
        """The same as an RE2 search, for either form of the domain."""
        pattern, twin = super().pattern, self._twin
        return f"(?:{pattern})|(?:{twin.pattern})" if twin else pattern

    @cached_property
    def _twin(self) -> Text | None:
        """The pattern with the other form of its domain, if it has two."""
        way = "is" if self.is_ is not None else "glob"
        local, at, domain = (self.is_ or self.glob or "").rpartition("@")
        other = _other_form(domain) if at else ""
        if not other:
            return None
        return Text.model_validate({way: f"{local}@{other}", "case": self.case})


def _require_one_part(value: str) -> None:
    """Refuse what is neither one address nor a part of a name, and so never fits."""
    is_search = value.startswith("/") and value.endswith("/")
    is_padded = value != value.strip()
    if is_search or "@" not in value or not (is_padded or _NOT_IN_ADDRESS & set(value)):
        return
    found = [f'"{address.address}"' for address in parse_addresses(value)]
    written = f"[{', '.join(found)}]" if len(found) > 1 else "".join(found)
    raise ValueError(
        "an address and a display name are compared each by itself, without blanks "
        f"around them, brackets and commas; write {written or 'one of them'}"
    )


def _other_form(domain: str) -> str:
    """The domain on the wire as a person reads it, or the other way round; empty if
    it is the same."""
    convert = _read_label if domain.isascii() else _write_label
    try:
        other = ".".join(map(convert, domain.lower().split(".")))
    except UnicodeError:
        return ""
    return other if other != domain.lower() else ""


def _write_label(label: str) -> str:
    return label if label.isascii() else f"xn--{label.encode('punycode').decode()}"


def _read_label(label: str) -> str:
    encoded = label.removeprefix("xn--")
    return label if encoded == label else encoded.encode().decode("punycode")


def _translate(glob: str) -> str:
    return rf"\A(?:{_translate_part(glob)})\z"


def _translate_for_search(glob: str) -> str:
    """The same without the `*` at its ends, which cost a machine of many most."""
    begin = "" if glob.startswith("*") else r"\A"
    end = "" if glob.endswith("*") else r"\z"
    return f"{begin}{_translate_part(glob.strip('*'))}{end}"


def _translate_part(glob: str) -> str:
    return "".join(_CARELESS_GLOB.get(c) or re2.escape(c) for c in glob)
