"""The generated pages of docs/: each a function that returns the whole text."""

import json
from pathlib import Path
from typing import Any

import click

from judging.page import evaluation_page, measured_line
from pipelines.cli.main import COMMANDS, cli
from schemas.catalogue import CONTRACTS
from schemas.event import EVENT, Presence
from schemas.feature import FEATURES, LEFT_OUT
from schemas.registry import REGISTRY
from schemas.technique import TECHNIQUES
from schemas.trait import TRAIT_KINDS
from transforms.detectors.registry import cards
from transforms.ingest.accounts_file import ALIASES
from transforms.ingest.canonical_fields import FIELDS as CANONICAL_FIELDS
from transforms.ingest.registry import ADAPTERS

_MADE = "<!-- Generated: `make docs` writes it, a test compares it. -->"

_RESULTS = Path(__file__).parents[1] / "docs" / "evaluation.json"


def _measured() -> list[dict[str, Any]]:
    """Rows of the last evaluation; none where there was none."""
    return json.loads(_RESULTS.read_text(encoding="utf-8")) if _RESULTS.exists() else []


def contracts_page() -> str:
    """docs/contracts.md: every frame with every column, the features, the traits, what a format can carry."""
    tables = [contract for contract in CONTRACTS if contract.is_table]
    inside = [contract for contract in CONTRACTS if not contract.is_table]
    return "\n".join(
        [
            "# Contracts",
            "",
            _MADE,
            "",
            "Every frame has one Arrow schema in `schemas/`; checks, Great Expectations suites, test frames and this page are",
            "derived from it. A version only grows; anything else is a new version (`schemas/frozen/` holds what was published).",
            "Missing is null, never 0 and never NaN. All times are UTC with microseconds.",
            "",
            "## Tables of the lake",
            "",
            *[contract.markdown() for contract in tables],
            "## Features",
            "",
            "Columns of `account_windows`. A feature is null where the source lacks what it needs. *Suspicious* is the side that",
            "points to an extraction (`none`: context only). Features of one family count once as evidence.",
            "",
            "| feature | family | unit | needs | suspicious | why | source |",
            "|---|---|---|---|---|---|---|",
            *[
                f"| `{f.name}` | {f.family} | {f.unit} | {_bits(f.needs)} | {f.suspicious} | {f.why} | {f.source} |"
                for f in FEATURES
            ],
            "",
            "Left out:",
            "",
            *[f"- {name} ({source}): {why}." for name, source, why in LEFT_OUT],
            "",
            "## Trait kinds",
            "",
            "Values of `traits.kind`.",
            "",
            "| kind | meaning | keys kept per account and tick | kept | in the lake | ties accounts by | label |",
            "|---|---|---|---|---|---|---|",
            *[
                f"| `{t.name}` | {t.doc} | {t.per_tick} | {'commonest' if t.keep == 'most' else 'smallest keys'} "
                f"| {'yes' if t.in_lake else 'no'} | {t.group} | {'yes' if t.labelled else 'no'} |"
                for t in TRAIT_KINDS
            ],
            "",
            "## What a format can carry",
            "",
            "Bits of `presence`. A set bit says that the format has a place for the field, so that null means *not used in this call*.",
            "",
            "| bit | group |",
            "|---|---|",
            *[f"| {int(bit)} | {(bit.name or '').lower()} |" for bit in Presence],
            "",
            "## Frames inside the pipelines",
            "",
            *[contract.markdown() for contract in inside],
        ]
    )


_HOLDS = {
    "moment": "time: RFC 3339 with a zone, or a count since 1970 in s, ms, us or ns",
    "name": "string or whole number",
    "label": "string",
    "whole": "whole number",
    "number": "number",
    "flag": "true or false",
    "names": "list of strings or whole numbers",
    "text": "string, or messages as in a chat request",
    "tools": "list of names or of tool definitions",
    "format": "string, or an object with `type`",
    "logprobs": "true or false, or a whole number",
}
"""What a field of a kind may hold, for people (transforms.ingest.canonical_fields.TYPES)."""


def formats_page() -> str:
    """docs/formats.md: what logs may look like, the fields of the canonical record, the columns of the accounts file."""
    known = {field.name: (field.metadata or {}).get(b"doc", b"").decode() for field in EVENT.arrow}
    return "\n".join(
        [
            "# Formats",
            "",
            _MADE,
            "",
            "Sources are known by their first records; `--format` names one where that is not clear. They may be plain, `.gz` or `.zst`. What a",
            "format cannot carry is null, and detectors that need it abstain ([what they need](detectors.md)).",
            "",
            *[
                line
                for name, adapter in ADAPTERS.items()
                for line in (
                    f"## `{name}`",
                    "",
                    adapter.documentation,
                    "",
                    f"Can carry: {_bits(adapter.presence)}.",
                    "",
                )
            ],
            "## The canonical record",
            "",
            "For every log that is none of these: one JSON object a line (NDJSON), or a Parquet file with these columns. All fields but `time` and `account_id`",
            "may be absent or null. Absent from a record means that the source cannot carry it, null that this call did not use it.",
            "",
            "```json",
            '{"event_id": "c-1", "time": "2026-03-20T12:00:00Z", "account_id": "acct-7", "api_key_id": "k-3", "source_ip": "192.0.2.7",',
            ' "user_agent": "sdk/1.0", "operation": "chat", "model_requested": "large", "http_status": 200, "latency_ms": 840,',
            ' "input_tokens": 312, "output_tokens": 518, "refused": false, "temperature": 0.7, "prompt": "Translate this", "response": "..."}',
            "```",
            "",
            "| field | holds | meaning |",
            "|---|---|---|",
            *[
                f"| `{f.name}` | {_HOLDS[f.kind]} | {f.doc or known.get(f.name) or known[f.column]} |"
                for f in CANONICAL_FIELDS
            ],
            "",
            "## The accounts file",
            "",
            "`--accounts FILE`, CSV or Parquet, one row an account; of several rows about one the last counts. Case, blanks and punctuation of names do not",
            "matter; other columns are not read, and named.",
            "",
            "| column | also as | meaning |",
            "|---|---|---|",
            *[
                f"| `{name}` | {', '.join(f'`{one}`' for one in aliases if one != name)} | {_registry_doc(name)} |"
                for name, aliases in ALIASES.items()
            ],
            "",
        ]
    )


def _registry_doc(name: str) -> str:
    return (REGISTRY.arrow.field(name).metadata or {}).get(b"doc", b"").decode()


def detectors_page() -> str:
    """docs/detectors.md: every detector's card."""
    found, rows = cards(), _measured()
    sections = [
        "# Detectors",
        "",
        _MADE,
        "",
        "L0 rules look at every tick, L1 models and the distribution test (L3) once an hour at accounts with enough calls. Points are",
        "decades: -log10 of the share of benign accounts at least as extreme. Thresholds are keys of the policy (`stillwatch policy`).",
        "*Measured* is what the last evaluation counted, [detector by detector](evaluation.md).",
        "",
        "| id | layer | sees | techniques | severity |",
        "|---|---|---|---|---|",
        *[
            f"| [`{c.id}`](#{c.id}) | {c.layer} | {c.sees} | {_named(c.techniques)} | {c.severity} |"
            for c in found.values()
        ],
        "",
    ]
    for card in found.values():
        sections += [
            f"## {card.id}",
            "",
            card.sees,
            "",
            f"- **Blind to**: {card.blind_to}",
            f"- **Needs**: {_bits(card.needs) or 'nothing beyond account and time'}",
            f"- **Kind**: {card.kind}; family {card.family}",
            f"- **Points**: {card.points:g} ({card.points_reason})",
            f"- **Policy**: {', '.join(f'`{name}`' for name in card.policy)}",
            f"- **Acts**: {card.act_reason or 'never without a look'}",
            f"- **Fires**: {card.firing.says}",
            f"- **Silent**: {card.silent.says}",
            f"- **Measured**: {measured_line(rows, card.id)}",
            "",
            "What to do:",
            "",
            *[f"{number}. {step}" for number, step in enumerate(card.runbook, 1)],
            "",
        ]
    return "\n".join(sections)


def cli_page() -> str:
    """docs/cli.md: the help of every command, word for word."""
    sections = [
        "# Command line",
        "",
        _MADE,
        "",
        _help("stillwatch", cli),
    ]
    context = click.Context(cli, info_name="stillwatch")
    for section in COMMANDS.values():
        for name in section:
            command = cli.get_command(context, name)
            assert command is not None
            sections += [f"## stillwatch {name}", "", _help(f"stillwatch {name}", command)]
    return "\n".join(sections)


def help_text(path: str, command: click.Command) -> str:
    """The help as a terminal of 100 columns shows it."""
    command._help_option = None  # click keeps the option names of the first context that asked for help
    settings = {**command.context_settings, "help_option_names": ["-h", "--help"], "terminal_width": 100}
    return click.Context(command, info_name=path, **settings).get_help()


def _help(path: str, command: click.Command) -> str:
    return f"```text\n{help_text(path, command)}\n```\n"


def _named(techniques: tuple[str, ...]) -> str:
    return ", ".join(f"{each} {TECHNIQUES[each]}" for each in techniques)


def _bits(needs: Presence) -> str:
    return ", ".join((bit.name or "").lower() for bit in Presence if bit in needs)


def _evaluation_page() -> str:
    """docs/evaluation.md: the goals against what was measured."""
    return evaluation_page(_measured(), _MADE)


PAGES = {
    "contracts.md": contracts_page,
    "detectors.md": detectors_page,
    "cli.md": cli_page,
    "formats.md": formats_page,
    "evaluation.md": _evaluation_page,
}

__all__ = ["PAGES", "cli_page", "contracts_page", "detectors_page", "formats_page", "help_text"]
