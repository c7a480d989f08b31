"""postroom sorts, files, saves, answers and passes on IMAP and POP3 mail.

This is what a plugin may import; nothing is loaded before it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from postroom.errors import PermanentError as PermanentError
    from postroom.errors import PluginError as PluginError
    from postroom.errors import TemporaryError as TemporaryError
    from postroom.hooks.hookspecs import RegisterAction as RegisterAction
    from postroom.hooks.hookspecs import RegisterCondition as RegisterCondition
    from postroom.hooks.hookspecs import hookimpl as hookimpl
    from postroom.mail.addresses import Address as Address
    from postroom.mail.attachments import Attachment as Attachment
    from postroom.mail.attachments import read_attachments as read_attachments
    from postroom.mail.envelope import Envelope as Envelope
    from postroom.mail.envelope import Outgoing as Outgoing
    from postroom.mail.filenames import clean_file_name as clean_file_name
    from postroom.mail.message import Depth as Depth
    from postroom.mail.message import Message as Message
    from postroom.mail.message import MessageKey as MessageKey
    from postroom.rules.action import Action as Action
    from postroom.rules.clocks import in_zone as in_zone
    from postroom.rules.clues import Clue as Clue
    from postroom.rules.clues import Place as Place
    from postroom.rules.condition import Condition as Condition
    from postroom.rules.destinations import Destination as Destination
    from postroom.rules.destinations import MaildirFolder as MaildirFolder
    from postroom.rules.destinations import Subfolder as Subfolder
    from postroom.rules.effects import Copy as Copy
    from postroom.rules.effects import Delete as Delete
    from postroom.rules.effects import Effect as Effect
    from postroom.rules.effects import FileInto as FileInto
    from postroom.rules.effects import Perform as Perform
    from postroom.rules.effects import SetFlags as SetFlags
    from postroom.rules.intents import Forward as Forward
    from postroom.rules.intents import Intent as Intent
    from postroom.rules.intents import Redirect as Redirect
    from postroom.rules.intents import Reply as Reply
    from postroom.rules.moments import Hours as Hours
    from postroom.rules.moments import Moment as Moment
    from postroom.rules.moments import Weekdays as Weekdays
    from postroom.rules.moments import ZoneName as ZoneName
    from postroom.rules.options import AddressTexts as AddressTexts
    from postroom.rules.options import Duration as Duration
    from postroom.rules.options import FlagNames as FlagNames
    from postroom.rules.options import Keyword as Keyword
    from postroom.rules.options import MailboxName as MailboxName
    from postroom.rules.options import Octets as Octets
    from postroom.rules.options import Recipients as Recipients
    from postroom.rules.options import ReplyPeriod as ReplyPeriod
    from postroom.rules.options import Texts as Texts
    from postroom.rules.paths import FileNames as FileNames
    from postroom.rules.paths import FolderPath as FolderPath
    from postroom.rules.paths import LocalFolder as LocalFolder
    from postroom.rules.placeholders import Heading as Heading
    from postroom.rules.placeholders import Wording as Wording
    from postroom.rules.rule import Rule as Rule
    from postroom.rules.services import Ended as Ended
    from postroom.rules.services import Response as Response
    from postroom.rules.services import Services as Services
    from postroom.rules.text import AddressText as AddressText
    from postroom.rules.text import Text as Text
    from postroom.rules.textset import AnyOf as AnyOf

__version__ = "0.1.0"

_HOMES = {
    "postroom.errors": ("PermanentError", "PluginError", "TemporaryError"),
    "postroom.hooks.hookspecs": ("RegisterAction", "RegisterCondition", "hookimpl"),
    "postroom.mail.addresses": ("Address",),
    "postroom.mail.attachments": ("Attachment", "read_attachments"),
    "postroom.mail.envelope": ("Envelope", "Outgoing"),
    "postroom.mail.filenames": ("clean_file_name",),
    "postroom.mail.message": ("Depth", "Message", "MessageKey"),
    "postroom.rules.action": ("Action",),
    "postroom.rules.clocks": ("in_zone",),
    "postroom.rules.clues": ("Clue", "Place"),
    "postroom.rules.condition": ("Condition",),
    "postroom.rules.destinations": ("Destination", "MaildirFolder", "Subfolder"),
    "postroom.rules.effects": (
        "Copy",
        "Delete",
        "Effect",
        "FileInto",
        "Perform",
        "SetFlags",
    ),
    "postroom.rules.intents": ("Forward", "Intent", "Redirect", "Reply"),
    "postroom.rules.moments": ("Hours", "Moment", "Weekdays", "ZoneName"),
    "postroom.rules.options": (
        "AddressTexts",
        "Duration",
        "FlagNames",
        "Keyword",
        "MailboxName",
        "Octets",
        "Recipients",
        "ReplyPeriod",
        "Texts",
    ),
    "postroom.rules.paths": ("FileNames", "FolderPath", "LocalFolder"),
    "postroom.rules.placeholders": ("Heading", "Wording"),
    "postroom.rules.rule": ("Rule",),
    "postroom.rules.services": ("Ended", "Response", "Services"),
    "postroom.rules.text": ("AddressText", "Text"),
    "postroom.rules.textset": ("AnyOf",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> object:
    """Load a name on its first use (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'postroom' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The names a plugin may import."""
    return sorted({*globals(), *__all__})
