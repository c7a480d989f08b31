"""The octets of the sample messages that wait in the maildrop of the POP3 account.

They are for the same rules as the others, and end in the folders of a Maildir.
"""

from __future__ import annotations

from postroom.commands.demo.letterpress import write_letter

ANSWER = write_letter(
    """
    From: Ibo <ibo@hives.example>
    To: Beekeepers <bees@lists.example>
    Subject: Re: [bees] Candles from last year's wax
    Date: Mon, 05 Jan 2026 10:00:00 +0000
    Message-ID: <wicks@hives.example>
    List-Id: Beekeepers <bees.lists.example>
    Precedence: list

    Cotton burns well. Keep the bees away from the candles.
    """
)

ELECTRICITY = write_letter(
    """
    From: Power & Light <accounts@power.example>
    To: demo@isp.example
    Subject: Your invoice for December
    Date: Mon, 05 Jan 2026 10:05:00 +0000
    Message-ID: <december@power.example>

    31.00 EUR. It was a dark month.
    """
)

KETTLE = write_letter(
    """
    From: Ben Baker <ben@ours.example>
    To: demo@isp.example
    Subject: Who has the kettle?
    Date: Mon, 05 Jan 2026 10:10:00 +0000
    Message-ID: <kettle@ours.example>

    The big one. No questions will be asked.
    """
)

TICKET = write_letter(
    """
    From: Railway <tickets@railway.example>
    To: demo@isp.example
    Subject: Receipt for your ticket to the sea
    Date: Mon, 05 Jan 2026 10:15:00 +0000
    Message-ID: <sea@railway.example>

    Second class, by the window.
    """
)

# A line with nothing but a dot is also what ends a message in POP3.
DOTS = write_letter(
    """
    From: Aunt Dot <dot@elsewhere.example>
    To: demo@isp.example
    Subject: Three dots for you
    Date: Mon, 05 Jan 2026 10:20:00 +0000
    Message-ID: <dots@elsewhere.example>

    Here they are:
    .
    ..
    ...
    and nothing of this is cut off.
    """
)
