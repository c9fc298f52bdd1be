"""All contracts; docs, conformance tests and quality suites iterate over this."""

from dataclasses import replace

from schemas.alert import ALERT
from schemas.call import SAMPLED_CALL
from schemas.campaign import CAMPAIGN
from schemas.campaign_test import CAMPAIGN_TEST
from schemas.contract import Contract
from schemas.embedding import EMBEDDING
from schemas.event import EVENT
from schemas.finding import FINDING, FLAGGED_ACCOUNT
from schemas.foreign import FOREIGN
from schemas.hit import HIT
from schemas.hunt import HUNT
from schemas.model import MODEL
from schemas.pin import PIN
from schemas.quality import QUALITY
from schemas.registry import REGISTRY
from schemas.reject import REJECT
from schemas.release import RELEASE
from schemas.run import RUN
from schemas.score import SCORE
from schemas.scored import SCORED
from schemas.session import SESSION
from schemas.shared import SHARED
from schemas.snapshot import PARTS
from schemas.tally import TALLY
from schemas.tested import TESTED
from schemas.tie import TIE, TIED
from schemas.trait import TRAIT
from schemas.truth import ATTACK, TRUTH
from schemas.verdict import VERDICT
from schemas.window import WINDOW

TOO_LATE = replace(
    EVENT, name="too_late", doc="One row is one event whose tick had closed before it arrived; `rebuild` takes it in."
)

CONTRACTS: tuple[Contract, ...] = (
    EVENT, REJECT, TOO_LATE, SAMPLED_CALL, TALLY, TRAIT, SESSION, WINDOW, EMBEDDING, FOREIGN, SHARED, TIE, TIED, HIT, SCORED, TESTED,
    SCORE, CAMPAIGN, CAMPAIGN_TEST, FINDING, FLAGGED_ACCOUNT, HUNT, VERDICT, RELEASE, PIN, REGISTRY, QUALITY, MODEL, ALERT, RUN, TRUTH, ATTACK, *PARTS,
)  # fmt: skip

TABLES: dict[str, Contract] = {contract.name: contract for contract in CONTRACTS if contract.is_table}

PARITY_TABLES = (
    "sessions",
    "account_windows",
    "account_embeddings",
    "account_scores",
    "traits",
    "campaigns",
    "campaign_tests",
    "flagged_accounts",
    "findings",
    "models",
)
"""Byte-identical however the log was read (DESIGN invariant 1), without provisional rows."""

COMMIT_ORDER = (
    "events", "rejects", "too_late", "registry", "verdicts", "releases", "reference_pins", "traits", "sessions", "account_windows",
    "account_embeddings", "account_scores", "campaigns", "campaign_tests", "findings", "quality", "models", "alerts", "flagged_accounts",
    "hunts", "runs",
)  # fmt: skip
"""Referenced tables before referencing ones, the review list late, `runs` last."""
