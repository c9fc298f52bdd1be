"""Raw log records in, events without text out: one adapter a format, one signature, keyed fingerprints.

A new format is one module that defines `ADAPTER`, and fixtures in tests/fixtures/ingest/NAME; the registry and the
conformance suite find it.
"""

from transforms.ingest.accounts_file import Accounts, read_accounts
from transforms.ingest.adapter import Adapter, Block, Context, Decoded, Framing, Guess, merged
from transforms.ingest.key import FingerprintKey
from transforms.ingest.registry import ADAPTERS, choose, framing_of

__all__ = [
    "ADAPTERS",
    "Accounts",
    "Adapter",
    "Block",
    "Context",
    "Decoded",
    "FingerprintKey",
    "Framing",
    "Guess",
    "choose",
    "framing_of",
    "merged",
    "read_accounts",
]
