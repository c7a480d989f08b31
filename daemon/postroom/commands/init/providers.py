"""Servers of large providers, and the usual names of servers of everyone else.

What stands here saves typing; every name is shown, and can be typed over.
"""

from __future__ import annotations

from dataclasses import dataclass

_APP_PASSWORD = "it wants an app password, made in the settings of your account there"
_ALLOW = "access by IMAP has to be allowed in the settings of your account there"


@dataclass(frozen=True)
class Provider:
    """The servers for addresses at some domains, and what one should know."""

    name: str
    domains: tuple[str, ...]
    imap: str
    smtp: str
    remark: str = ""


PROVIDERS = (
    Provider(
        "Google",
        ("gmail.com", "googlemail.com"),
        "imap.gmail.com",
        "smtp.gmail.com",
        _APP_PASSWORD,
    ),
    Provider(
        "Microsoft",
        ("outlook.com", "hotmail.com", "live.com", "msn.com"),
        "outlook.office365.com",
        "smtp-mail.outlook.com:587",
        "it refuses passwords and wants OAuth2, which postroom does not speak yet",
    ),
    Provider(
        "Apple iCloud",
        ("icloud.com", "me.com", "mac.com"),
        "imap.mail.me.com",
        "smtp.mail.me.com:587",
        f"{_APP_PASSWORD}; its IMAP login may be what stands before the @",
    ),
    Provider(
        "Yahoo",
        ("yahoo.com", "yahoo.de", "yahoo.fr", "yahoo.co.uk", "ymail.com"),
        "imap.mail.yahoo.com",
        "smtp.mail.yahoo.com",
        _APP_PASSWORD,
    ),
    Provider("AOL", ("aol.com",), "imap.aol.com", "smtp.aol.com", _APP_PASSWORD),
    Provider(
        "Fastmail",
        ("fastmail.com", "fastmail.fm"),
        "imap.fastmail.com",
        "smtp.fastmail.com",
        _APP_PASSWORD,
    ),
    Provider(
        "GMX",
        ("gmx.de", "gmx.at", "gmx.ch"),
        "imap.gmx.net",
        "mail.gmx.net",
        _ALLOW,
    ),
    Provider("GMX", ("gmx.com",), "imap.gmx.com", "mail.gmx.com", _ALLOW),
    Provider("WEB.DE", ("web.de",), "imap.web.de", "smtp.web.de:587", _ALLOW),
    Provider("mailbox.org", ("mailbox.org",), "imap.mailbox.org", "smtp.mailbox.org"),
    Provider("Posteo", ("posteo.de", "posteo.net"), "posteo.de", "posteo.de"),
    Provider(
        "T-Online",
        ("t-online.de", "magenta.de"),
        "secureimap.t-online.de",
        "securesmtp.t-online.de",
        "it wants the password for e-mail programs, made in your account there",
    ),
    Provider("IONOS", ("online.de",), "imap.ionos.de", "smtp.ionos.de"),
    Provider(
        "Zoho", ("zohomail.com", "zoho.com"), "imap.zoho.com", "smtp.zoho.com", _ALLOW
    ),
    Provider(
        "Yandex",
        ("yandex.com", "yandex.ru", "ya.ru"),
        "imap.yandex.com",
        "smtp.yandex.com",
        _APP_PASSWORD,
    ),
    Provider("Migadu", ("migadu.com",), "imap.migadu.com", "smtp.migadu.com"),
    Provider("Runbox", ("runbox.com",), "mail.runbox.com", "mail.runbox.com"),
    Provider(
        "Proton",
        ("proton.me", "protonmail.com", "pm.me"),
        "127.0.0.1:1143",
        "127.0.0.1:1025",
        "it is reached through Proton Mail Bridge, which must run on this machine",
    ),
)


def provider_of(address: str) -> Provider:
    """The provider of an address; of an unknown domain, the usual names of servers."""
    domain = address.rpartition("@")[2].lower()
    for provider in PROVIDERS:
        if domain in provider.domains:
            return provider
    return Provider("", (domain,), f"imap.{domain}", f"smtp.{domain}")


def other_guesses(address: str) -> tuple[str, ...]:
    """Further names that servers of an unknown domain often have."""
    provider = provider_of(address)
    domain = provider.domains[0]
    return () if provider.name else (f"mail.{domain}", domain)
