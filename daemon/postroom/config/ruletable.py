"""The keys of a rule in a file, before its conditions and actions are read."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    model_validator,
)

from postroom.config.fields import WatchedName
from postroom.mail.charset import one_line
from postroom.rules.options import Duration
from postroom.rules.schedule import Schedule, check_cron, check_interval


class ScheduleTable(BaseModel):
    """`on = { every = "1h" }`, or `{ cron = "0 3 * * *" }`: minute, hour, day of the
    month, month, day of the week (by its name)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    every: Annotated[Duration, AfterValidator(check_interval)] | None = None
    cron: Annotated[str, AfterValidator(check_cron)] = ""

    @model_validator(mode="after")
    def _check_both(self) -> Self:
        self.schedule()
        return self

    def schedule(self) -> Schedule:
        """The schedule that the table means."""
        return Schedule(self.every, self.cron)


def _choose_on(value: object) -> object:
    """Read `on` as the one or the other, to complain about one of them only."""
    if isinstance(value, dict):
        return ScheduleTable.model_validate(value)
    if value != "arrival":
        raise ValueError("expected 'arrival', { every = \"1h\" } or { cron = … }")
    return value


def _check_name(value: str) -> str:
    if not value.strip():
        raise ValueError("expected a name that is not blank")
    if one_line(value) != value.strip():
        raise ValueError("expected one line, without control characters")
    return value


class RuleTable(BaseModel):
    """The keys of a `[[rule]]`."""

    # Descriptions stand in the fields: to find docstrings beneath them, pydantic reads
    # the source of all that is being loaded, which takes longer than to load it.
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            description="What logs and reports call it; unique.",
        ),
        AfterValidator(_check_name),
    ]
    enabled: StrictBool = Field(True, description="False puts it to rest.")
    accounts: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        (),
        description="The accounts it is for, by their names in the settings; "
        "all without it.",
    )
    mailboxes: Annotated[tuple[WatchedName, ...], Field(min_length=1)] = Field(
        (),
        description="The watched mailboxes it is for; every one without it.",
    )
    on: Annotated[Literal["arrival"] | ScheduleTable, BeforeValidator(_choose_on)] = (
        Field(
            "arrival",
            description="When it is asked: as a message arrives, or by a schedule.",
        )
    )
    when: dict[str, Any] = Field(
        {},
        description="Conditions, all of which must hold; every message without it.",
    )
    then: Annotated[
        tuple[dict[str, Any], ...],
        Field(min_length=1, description="What is done."),
    ]
    stop: StrictBool | None = Field(
        None,
        description="Whether no later rule is asked; without it, a rule that moves, "
        "archives or deletes ends the run.",
    )
