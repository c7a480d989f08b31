"""The tables: everything postroom remembers, in one shape from the first day.

Invariants: every state column takes only the words of its states; times are integers
(UTC microseconds); nothing refers to a row that is not there. A change of a table needs
a migration (`migrations.py`); columns are added at the end of theirs. Those that
nothing fills yet are for several daemons, budgets, undo and `why`, so that these need
no rewrite of old rows.
"""

from __future__ import annotations

from postroom.store.columns import metadata as metadata
from postroom.store.schema_ledger import account as account
from postroom.store.schema_ledger import content as content
from postroom.store.schema_ledger import content_chunk as content_chunk
from postroom.store.schema_ledger import effect as effect
from postroom.store.schema_ledger import located_message as located_message
from postroom.store.schema_ledger import mailbox as mailbox
from postroom.store.schema_ledger import message as message
from postroom.store.schema_ledger import meta as meta
from postroom.store.schema_ledger import plan as plan
from postroom.store.schema_ledger import relay as relay
from postroom.store.schema_ledger import ruleset as ruleset
from postroom.store.schema_ledger import ruleset_file as ruleset_file
from postroom.store.schema_ledger import run as run
from postroom.store.schema_ledger import watch as watch
from postroom.store.schema_maildrop import maildrop as maildrop
from postroom.store.schema_maildrop import maildrop_item as maildrop_item
from postroom.store.schema_outbox import attempt as attempt
from postroom.store.schema_outbox import counter as counter
from postroom.store.schema_outbox import delivery as delivery
from postroom.store.schema_outbox import hold as hold
from postroom.store.schema_outbox import memory as memory
from postroom.store.schema_outbox import notice as notice
from postroom.store.schema_outbox import outgoing as outgoing
from postroom.store.schema_outbox import reply_window as reply_window
from postroom.store.schema_outbox import vocabulary as vocabulary
