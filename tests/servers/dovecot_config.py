"""The configuration of the private Dovecot, in the words of 2.3 and of 2.4."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.servers.certificates import Certificates

DOMAIN = "dovecot.test"


@dataclass(frozen=True)
class Ports:
    """Where the private Dovecot listens on loopback."""

    imap: int
    imaps: int
    pop3: int
    pop3s: int
    lmtp: int
    auth: int


# The same in both languages. Login processes are kept ready and no wrong password slows
# down the next login, so that tests are quick; a directory `rawlog` in a user's home
# records what that user's IMAP clients say.
_COMMON = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
protocols = imap pop3 lmtp
listen = 127.0.0.1
ssl = yes
auth_mechanisms = plain login
auth_failure_delay = 0 secs
first_valid_uid = 1000
first_valid_gid = 1000
postmaster_address = postmaster@{domain}
recipient_delimiter =
default_process_limit = 1000
default_client_limit = 5000
mail_fsync = never
namespace inbox {{
  inbox = yes
  {namespace}
}}
protocol imap {{
  mail_max_userip_connections = 1000
  {capability}
}}
protocol pop3 {{
  mail_max_userip_connections = 1000
}}
service imap-login {{
  process_min_avail = 2
  inet_listener imap {{
    port = {ports.imap}
  }}
  inet_listener imaps {{
    port = {ports.imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {ports.pop3}
  }}
  inet_listener pop3s {{
    port = {ports.pop3s}
    ssl = yes
  }}
}}
service auth {{
  inet_listener auth-client {{
    port = {ports.auth}
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {ports.lmtp}
  }}
}}
"""

_VERSION_2_3 = """
ssl_cert = <{certificates.certificate}
ssl_key = <{certificates.key}
disable_plaintext_auth = no
auth_username_format = %Ln
mail_location = maildir:~/Maildir
rawlog_dir = %h/rawlog
passdb {{
  driver = passwd-file
  args = {home}/users
}}
userdb {{
  driver = passwd-file
  args = {home}/users
}}
"""

_VERSION_2_4 = """
ssl_server_cert_file = {certificates.certificate}
ssl_server_key_file = {certificates.key}
auth_allow_cleartext = yes
auth_username_format = %{{user | username | lower}}
mail_driver = maildir
mail_path = ~/Maildir
rawlog_dir = %{{home}}/rawlog
passdb passwd-file {{
  passwd_file_path = {home}/users
}}
userdb passwd-file {{
  passwd_file_path = {home}/users
}}
"""

# Users are who their certificate says; where one is shown, a password is not wanted.
_CLIENT_CERTIFICATES_2_3 = """
ssl_ca = <{certificates.authority}
ssl_require_crl = no
ssl_verify_client_cert = yes
auth_ssl_require_client_cert = yes
auth_ssl_username_from_cert = yes
auth_mechanisms = plain login external
passdb {{
  driver = static
  args = nopassword
  mechanisms = external
}}
"""

_SLASHED = "separator = /"
# As Courier and Cyrus call mailboxes.
_DOTTED = "prefix = INBOX.\n  separator = ."

# The first lines of a file of 2.4 must be these.
_HEAD_2_4 = "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n"


def configuration(
    version: str,
    home: Path,
    ports: Ports,
    certificates: Certificates,
    capability: str | None,
    client_certificates: bool = False,
    dotted: bool = False,
) -> str:
    """The text of dovecot.conf for this version of Dovecot (as it prints it).

    With `client_certificates` (2.3 only) they are required, and log their owners in.
    With `dotted` a mailbox `Work` is called `INBOX.Work`.
    """
    is_new = version.startswith("2.4")
    head, own = (_HEAD_2_4, _VERSION_2_4) if is_new else ("", _VERSION_2_3)
    if client_certificates:
        own += _CLIENT_CERTIFICATES_2_3
    return head + (_COMMON + own).format(
        home=home,
        ports=ports,
        certificates=certificates,
        domain=DOMAIN,
        namespace=_DOTTED if dotted else _SLASHED,
        capability=f"imap_capability = {capability}" if capability else "",
    )
