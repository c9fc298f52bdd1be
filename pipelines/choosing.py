"""Which format each source has, and why."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipelines.ingest_worker import rule_for
from pipelines.request import Request
from pipelines.sources.files import FileSource, head
from schemas.errors import SourceRefused
from transforms.ingest.registry import choose


@dataclass(frozen=True)
class Chosen:
    """Sources with their formats, and those that cannot be read."""

    sources: tuple[FileSource, ...]
    refused: tuple[tuple[str, str], ...]
    why: dict[str, str]


def choose_formats(listed: Sequence[FileSource], request: Request) -> Chosen:
    """The format of each source: the one named on the command line, else in its rule, else recognised by its head."""
    sources, refused, why = [], [], {}
    for source in listed:
        if source.refused is not None:
            refused.append((source.name, source.refused))
            continue
        rule = rule_for(request.policy, source.name)
        wanted = request.input_format if request.input_format != "auto" else rule.format
        if source.container == "parquet":
            sources.append(replace(source, format="canonical"))
            why[source.name] = "canonical, because Parquet sources hold canonical records"
            continue
        try:
            start = head(source)
            if not start.strip():
                sources.append(replace(source, format="canonical"))
                continue
            adapter, framing, reason = choose(start, source.name, wanted)
        except SourceRefused as error:
            refused.append((source.name, f"{error.problem}; {error.fix}"))
            continue
        sources.append(replace(source, format=adapter.name, framing=framing))
        why[source.name] = f"{adapter.name} ({reason})"
    return Chosen(tuple(sources), tuple(refused), why)
