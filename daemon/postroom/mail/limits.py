"""How much of a stranger's message is looked at; applied to octets, before decoding."""

from __future__ import annotations

HEADER_OCTETS = 256 * 1024
FIELD_OCTETS = 32 * 1024
FIELDS = 1000
ENCODED_WORDS = 200
# In the fields of one name, all together.
ADDRESSES = 1000
ADDRESS_TOKENS = 16_384
NESTING = 30
PARTS = 500
PARAMETERS = 500
# Of a media type, a disposition or a transfer encoding.
KIND_CHARACTERS = 256
# Each level of nesting is read anew: in all no more than so many times the message, or
# so many times these octets where it is smaller.
WALKS = 4
WALKED_OCTETS = 256 * 1024
BOUNDARY_OCTETS = 70
TEXT_CHARACTERS = 1024 * 1024
