"""The octets of the sample messages, written by hand, line by line.

Half of them are what no library would write: bounces, forgeries, things hardly mail.
"""

from __future__ import annotations

from base64 import encodebytes

from postroom.commands.demo.letterpress import write_letter
from postroom.commands.demo.pdf import write_pdf

NEWSLETTER = write_letter(
    """
    From: Garden Tools <news@garden.example>
    To: demo@postroom.example
    Subject: Five offers for a green January
    Date: Mon, 05 Jan 2026 08:00:00 +0000
    Message-ID: <offers-2026-01@garden.example>
    Precedence: bulk
    List-Unsubscribe: <https://garden.example/unsubscribe?demo>
    Content-Type: text/plain; charset=utf-8

    Secateurs, gloves and three things that you do not need.
    """
)

INVOICE = write_letter(
    """
    From: Hosting Ltd <billing@hosting.example>
    To: demo@postroom.example
    Subject: Invoice 2026-0117 for January
    Date: Mon, 05 Jan 2026 08:05:00 +0000
    Message-ID: <2026-0117@hosting.example>
    MIME-Version: 1.0
    Content-Type: multipart/mixed; boundary=cut

    --cut
    Content-Type: text/plain; charset=utf-8

    Please find our invoice attached. 12.00 EUR, due in 14 days.

    --cut
    Content-Type: application/pdf; name=invoice-2026-0117.pdf
    Content-Disposition: attachment; filename=invoice-2026-0117.pdf
    Content-Transfer-Encoding: base64

    {pdf}
    --cut--
    """,
    pdf=encodebytes(write_pdf("Invoice 2026-0117: 12.00 EUR")).decode().rstrip(),
)

LIST_POST = write_letter(
    """
    From: Noor <noor@elsewhere.example>
    To: Beekeepers <bees@lists.example>
    Subject: [bees] Candles from last year's wax
    Date: Mon, 05 Jan 2026 08:10:00 +0000
    Message-ID: <wax@elsewhere.example>
    List-Id: Beekeepers <bees.lists.example>
    List-Unsubscribe: <mailto:bees-leave@lists.example>
    Precedence: list

    Has anyone tried cotton wicks?
    """
)

# The subject is one that the junk rules would delete, if they were reached.
COLLEAGUE = write_letter(
    """
    From: Ann Archer <ann@ours.example>
    To: demo@postroom.example
    Subject: Office lottery: you have won the good chair
    Date: Mon, 05 Jan 2026 08:15:00 +0000
    Message-ID: <chair@ours.example>

    Congratulations. It squeaks.
    """
)

BOUNCE = write_letter(
    """
    Return-Path: <>
    From: Mail Delivery System <MAILER-DAEMON@mx.elsewhere.example>
    To: demo@postroom.example
    Subject: Undelivered Mail Returned to Sender
    Date: Mon, 05 Jan 2026 08:20:00 +0000
    Message-ID: <dsn-1@mx.elsewhere.example>
    Auto-Submitted: auto-replied
    MIME-Version: 1.0
    Content-Type: multipart/report; report-type=delivery-status; boundary=cut

    --cut
    Content-Type: text/plain

    The address <nobody@elsewhere.example> does not exist.

    --cut
    Content-Type: message/delivery-status

    Reporting-MTA: dns; mx.elsewhere.example

    Final-Recipient: rfc822; nobody@elsewhere.example
    Action: failed
    Status: 5.1.1

    --cut--
    """
)

AUTO_REPLY = write_letter(
    """
    From: Ben <ben@elsewhere.example>
    To: demo@postroom.example
    Subject: Out of office: back on the 12th
    Date: Mon, 05 Jan 2026 08:25:00 +0000
    Message-ID: <away@elsewhere.example>
    Auto-Submitted: auto-replied (vacation)

    I am skiing. Nothing is urgent.
    """
)

FORGERY = write_letter(
    """
    Authentication-Results: mx.postroom.example; spf=fail
     smtp.mailfrom=bulk.badly.example; dkim=none; dmarc=fail
     header.from=bank.example
    From: Your Bank <service@bank.example>
    To: demo@postroom.example
    Subject: Urgent: confirm your account within 24 hours
    Date: Mon, 05 Jan 2026 08:30:00 +0000
    Message-ID: <urgent@bulk.badly.example>

    Follow this link, and type your PIN.
    """
)

BROKEN = (
    b'From: \xff\xfe "unclosed <who@\xe9where>, ,,;\r\n'
    b"Subject: \x1b[31m 8-bit \xe4\xf6\xfc, \x00 and a bare \r in it\r\n"
    b"this line is no field\r\n"
    b"Date: yesterday, more or less\r\n"
    b"Message-ID: no brackets \xc3\r\n"
    b'Content-Type: multipart/mixed; boundary="never\r\n'
    b"Content-Transfer-Encoding: base65\r\n"
    b"\r\n"
    b"--never\r\n"
    b"Content-Type: text/plain; charset=x-unknown\r\n"
    b"\r\n"
    b"\x00\x01\x02 a part that does not end\r\r\n"
)

INJECTION = write_letter(
    """
    From: Sly <sly@badly.example>
    To: demo@postroom.example
    Subject: =?utf-8?q?Invoice_666=0D=0ABcc:_victim@badly.example?=
    Date: Mon, 05 Jan 2026 08:40:00 +0000
    Message-ID: <inject@badly.example>

    Decoded as it stands, this subject would be a second header field.
    """
)

FRENCH = write_letter(
    """
    From: =?iso-8859-1?q?H=E9l=E8ne?= <helene@association.example>
    To: demo@postroom.example
    Subject: =?utf-8?b?UsOpdW5pb24gZHUgbWFyZGkgOiBvcmRyZSBkdSBqb3Vy?=
    Date: Mon, 05 Jan 2026 08:45:00 +0000
    Message-ID: <ordre-du-jour@association.example>
    MIME-Version: 1.0
    Content-Type: text/plain; charset=utf-8
    Content-Transfer-Encoding: 8bit

    À mardi, à 18 h.
    """
)

LARGE_HEADER = write_letter(
    """
    From: Travel <trips@travel.example>
    To: demo@postroom.example
    Subject: Your itinerary, with a header of 300 KiB
    Date: Mon, 05 Jan 2026 08:50:00 +0000
    Message-ID: <itinerary@travel.example>
    {stops}

    Have a good trip.
    """,
    stops="\n".join(f"X-Stop-{number}: {'.' * 900}" for number in range(340)),
)

ALERT = write_letter(
    """
    From: Monitoring <watch@monitor.example>
    To: alerts@postroom.example
    Subject: [web1] state changed
    Date: Mon, 05 Jan 2026 08:55:00 +0000
    Message-ID: <web1-17@monitor.example>
    Auto-Submitted: auto-generated

    disk /var: CRITICAL, 98% full
    """
)

RECEIPT = write_letter(
    """
    From: Bookshop <orders@books.example>
    To: demo@postroom.example
    Subject: Your receipt for order 4711
    Date: Mon, 05 Jan 2026 09:00:00 +0000
    Message-ID: <4711@books.example>

    One atlas. Thank you.
    """
)

QUESTION = write_letter(
    """
    Return-Path: <carla@elsewhere.example>
    From: Carla <carla@elsewhere.example>
    To: support@postroom.example
    Subject: How do I wind the clock?
    Date: Mon, 05 Jan 2026 09:02:00 +0000
    Message-ID: <clock@elsewhere.example>

    There are two holes.
    """
)

OFFICE = write_letter(
    """
    Return-Path: <carla@elsewhere.example>
    From: Carla <carla@elsewhere.example>
    To: office@postroom.example
    Subject: The key is under the mat
    Date: Mon, 05 Jan 2026 09:03:00 +0000
    Message-ID: <key@elsewhere.example>

    Please tell whoever comes first.
    """
)

SPAM = write_letter(
    """
    From: Prince <prince@badly.example>
    To: undisclosed-recipients:;
    Subject: Dear friend, you have WON 4,000,000
    Date: Mon, 05 Jan 2026 09:05:00 +0000
    Message-ID: <won@badly.example>

    Send us your account.
    """
)
