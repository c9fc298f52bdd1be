"""What an account's calls had in common within one tick, and the catalogue of trait kinds."""

from dataclasses import dataclass

import pyarrow as pa

from schemas.contract import UTC_MICROSECONDS, Contract, field


@dataclass(frozen=True)
class TraitKind:
    """One kind of trait.

    Attributes:
        name: the kind.
        doc: what the key stands for.
        per_tick: how many keys an account keeps in one tick.
        keep: `most` keeps the commonest keys (ties: smaller key), `least` the smallest keys: a bottom-k sample
            whose union over ticks is again the bottom-k of the whole.
        in_lake: whether the kind goes to the lake.
        group: what two accounts have in common that show the same key: `content`, `software`, `identity`, `network` or
            `prompt`; empty for kinds that tie nobody together. Kinds of one group are not independent of each other.
        labelled: whether the readable value may be stored beside the key.
    """

    name: str
    doc: str
    per_tick: int
    keep: str = "most"
    in_lake: bool = True
    group: str = ""
    labelled: bool = False

    @property
    def links(self) -> bool:
        """Whether accounts that share a key may belong together."""
        return self.group != ""


SAMPLED = 16
"""Exact prompts are compared across accounts in a sample of one in so many."""

LAST_SAMPLED = -(2**63) + 2**64 // SAMPLED - 1
"""The sample is the lowest keys, because an account keeps its lowest ones of a tick."""


TRAIT_KINDS = (
    TraitKind("head", "First eight words of the prompt.", 32, group="content"),
    TraitKind("tail", "Last eight words of the prompt.", 32, group="content"),
    TraitKind("line", "A line of the prompt.", 32, group="content"),
    TraitKind(
        "shingle",
        "A minhash slot of the prompt's three-word shingles: those of policy traits.shingle_slots, a key's slot being its top four bits.",
        32,
        group="content",
    ),
    TraitKind("system", "The system prompt.", 16, group="content"),
    TraitKind("tools", "The set of tools offered.", 16, group="content"),
    TraitKind("client", "Client fingerprint set by the edge.", 16, group="software", labelled=True),
    TraitKind("agent", "User agent.", 16, group="software", labelled=True),
    TraitKind("prefix", "Network prefix of the caller.", 32, group="network", labelled=True),
    TraitKind("model", "Model requested.", 16, labelled=True),
    TraitKind("language", "Language of the prompt, where decided.", 16, labelled=True),
    TraitKind("operation", "Kind of call.", 8, labelled=True),
    TraitKind("object", "Object downloaded.", 64, group="content", labelled=True),
    TraitKind("handle_issued", "Reasoning handle given out.", 1024, group="content"),
    TraitKind("handle_used", "Last of the reasoning handles sent in.", 1024, group="content"),
    TraitKind("end_user", "The account's own user.", 64),
    TraitKind("api_key", "API key.", 32, group="identity", labelled=True),
    TraitKind("payment", "Payment instrument (accounts file, else as logged); once a day.", 8, group="identity"),
    TraitKind(
        "signup",
        "Hour and path of the account's creation (accounts file, else as logged); once a day.",
        8,
        group="identity",
        labelled=True,
    ),
    TraitKind(
        "payer",
        "Payment instrument by the accounts file, in every tick, where it pays for at least policy campaigns.least_accounts accounts on file.",
        1,
        in_lake=False,
        group="identity",
    ),
    TraitKind(
        "answer_given",
        "Passage that an answer given out opens with, if its own prompt has it not.",
        1024,
        in_lake=False,
    ),
    TraitKind(
        "answer_carried",
        "Passage that the last answer opens with which a call brings along as its conversation.",
        1024,
        in_lake=False,
    ),
    TraitKind("answer_pasted", "Passage of the prompt, which an answer may open with.", 1024, in_lake=False),
    TraitKind("payload", "Exact prompt: bottom-k sample.", 64, keep="least", in_lake=False, group="prompt"),
    TraitKind("bias_token", "Biased token id, hashed: bottom-k sample.", 2048, keep="least", in_lake=False),
    TraitKind("download", "Object downloaded: bottom-k sample.", 1024, keep="least", in_lake=False),
    TraitKind("parameters", "Tuple of sampling parameters.", 16, in_lake=False),
    TraitKind("length_band", "Input length in bands of a factor 1.21 (plus or minus 10 %).", 32, in_lake=False),
    TraitKind("gap_second", "Seconds since the account's previous call, whole.", 32, in_lake=False),
)

TRAIT = Contract(
    name="traits",
    version=1,
    doc="One row is one key an account showed within one tick, and how often.",
    key=("account_id", "tick", "kind", "key"),
    arrow=pa.schema(
        [
            field("account_id", pa.string(), "The account.", required=True),
            field("account_hash", pa.int64(), "xxh3-64 of account_id.", required=True),
            field("tick", UTC_MICROSECONDS, "Start of the tick.", required=True),
            field(
                "kind", pa.string(), "Kind of trait.", required=True, one_of=tuple(kind.name for kind in TRAIT_KINDS)
            ),
            field("key", pa.int64(), "Fingerprint or value of the trait.", required=True),
            field(
                "label",
                pa.string(),
                "Readable value, for kinds that hold no text.",
                null="the kind keeps no readable value",
            ),
            field("count", pa.int64(), "Calls that showed it, each once.", required=True, unit="calls", at_least=1),
            field(
                "refused", pa.int64(), "Calls that showed it and were refused.", required=True, unit="calls", at_least=0
            ),
            field("first_time", UTC_MICROSECONDS, "Earliest call that showed it.", required=True),
            field(
                "elicited",
                pa.int64(),
                "Calls that showed it and carry an extraction claim: elicits_reasoning, has_reasoning_tags or has_rubric.",
                null="none of the calls carries a prompt or response, or the row is older than the column",
                unit="calls",
                at_least=0,
            ),
            field(
                "output_tokens",
                pa.int64(),
                "Output tokens of the calls that showed it.",
                null="none of the calls carries them, or the row is older than the column",
                unit="tokens",
                at_least=0,
            ),
            field(
                "blocked",
                pa.int64(),
                "Calls that showed it and were answered 401, 403 or 429.",
                null="none of the calls carries a status, or the row is older than the column",
                unit="calls",
                at_least=0,
            ),
        ]
    ),
)
