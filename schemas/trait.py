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
        links: whether the kind goes to the lake and to linkage.
        labelled: whether the readable value may be stored beside the key.
    """

    name: str
    doc: str
    per_tick: int
    keep: str = "most"
    links: bool = True
    labelled: bool = False


TRAIT_KINDS = (
    TraitKind("head", "First eight words of the prompt.", 32),
    TraitKind("tail", "Last eight words of the prompt.", 32),
    TraitKind("line", "A line of the prompt.", 32),
    TraitKind(
        "shingle",
        "A minhash slot of the prompt's three-word shingles: those of policy traits.shingle_slots, a key's slot being its top four bits.",
        32,
    ),
    TraitKind("system", "The system prompt.", 16),
    TraitKind("tools", "The set of tools offered.", 16),
    TraitKind("client", "Client fingerprint set by the edge.", 16, labelled=True),
    TraitKind("agent", "User agent.", 16, labelled=True),
    TraitKind("prefix", "Network prefix of the caller.", 32, labelled=True),
    TraitKind("model", "Model requested.", 16, labelled=True),
    TraitKind("language", "Language of the prompt, where decided.", 16, labelled=True),
    TraitKind("operation", "Kind of call.", 8, labelled=True),
    TraitKind("object", "Object downloaded.", 64, labelled=True),
    TraitKind("handle_issued", "Reasoning handle given out.", 1024),
    TraitKind("handle_used", "Reasoning handle sent in.", 1024),
    TraitKind("end_user", "The account's own user.", 64),
    TraitKind("api_key", "API key.", 32, labelled=True),
    TraitKind("payload", "Exact prompt: bottom-k sample.", 64, keep="least", links=False),
    TraitKind("bias_token", "Biased token id, hashed: bottom-k sample.", 2048, keep="least", links=False),
    TraitKind("download", "Object downloaded: bottom-k sample.", 1024, keep="least", links=False),
    TraitKind("parameters", "Tuple of sampling parameters.", 16, links=False),
    TraitKind("length_band", "Input length in bands of a factor 1.21 (plus or minus 10 %).", 32, links=False),
    TraitKind("gap_second", "Seconds since the account's previous call, whole.", 32, links=False),
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
        ]
    ),
)
