"""What SMTP carries as it is: octets that no server on the way has to change."""

from __future__ import annotations

from postroom.mail.writing import CRLF, MOST_LINE_OCTETS


def why_not_travel(octets: bytes) -> str:
    """Why a server might refuse these octets or change them; empty if none does."""
    ends = octets.count(CRLF)
    if not octets.count(b"\r") == ends == octets.count(b"\n"):
        # RFC 5321, section 2.3.8: CR and LF come only together.
        return "its lines do not all end with CR and LF"
    if b"\0" in octets:
        return "it has a NUL, which most servers refuse"
    if _has_long_line(octets):
        return f"it has a line of more than {MOST_LINE_OCTETS} octets"
    return ""


def _has_long_line(octets: bytes) -> bool:
    """True if a line is longer than it may be; looks at few of the line ends."""
    begin, most = 0, MOST_LINE_OCTETS + len(CRLF)
    while len(octets) - begin > MOST_LINE_OCTETS:
        end = octets.rfind(b"\n", begin, begin + most)
        if end < 0:
            return True
        begin = end + 1
    return False
