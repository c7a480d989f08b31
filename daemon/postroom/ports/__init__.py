"""What the core asks of the outside: Protocols, and the data that passes through."""

from __future__ import annotations

from postroom.ports.clock import Clock as Clock
from postroom.ports.clock import Uptime as Uptime
from postroom.ports.mailboxes import Account as Account
from postroom.ports.mailboxes import AccountReport as AccountReport
from postroom.ports.mailboxes import Halfway as Halfway
from postroom.ports.mailboxes import Mailbox as Mailbox
from postroom.ports.mailboxes import Placement as Placement
from postroom.ports.mailboxes import SentMail as SentMail
from postroom.ports.mailboxes import Session as Session
from postroom.ports.mailboxes import Standing as Standing
from postroom.ports.maildrops import Item as Item
from postroom.ports.maildrops import Listed as Listed
from postroom.ports.maildrops import Maildrop as Maildrop
from postroom.ports.maildrops import Maildrops as Maildrops
from postroom.ports.maildrops import Roll as Roll
from postroom.ports.maildrops import Stored as Stored
from postroom.ports.maildrops import as_maildrop as as_maildrop
from postroom.ports.maildrops import is_maildrop as is_maildrop
from postroom.ports.records import PAUSED as PAUSED
from postroom.ports.records import Cursor as Cursor
from postroom.ports.records import Decision as Decision
from postroom.ports.records import EffectResult as EffectResult
from postroom.ports.records import EffectState as EffectState
from postroom.ports.records import Hold as Hold
from postroom.ports.records import HoldKind as HoldKind
from postroom.ports.records import MessageState as MessageState
from postroom.ports.records import NotSent as NotSent
from postroom.ports.records import OpenEffect as OpenEffect
from postroom.ports.records import OpenPerform as OpenPerform
from postroom.ports.records import PerformResult as PerformResult
from postroom.ports.records import RelayReport as RelayReport
from postroom.ports.records import Restored as Restored
from postroom.ports.records import Ruleset as Ruleset
from postroom.ports.records import Sighting as Sighting
from postroom.ports.records import WatchReport as WatchReport
from postroom.ports.relays import DeliveryResult as DeliveryResult
from postroom.ports.relays import DeliveryState as DeliveryState
from postroom.ports.relays import Doubt as Doubt
from postroom.ports.relays import DueDelivery as DueDelivery
from postroom.ports.relays import Receipt as Receipt
from postroom.ports.relays import Relay as Relay
from postroom.ports.store import Memories as Memories
from postroom.ports.store import Store as Store
