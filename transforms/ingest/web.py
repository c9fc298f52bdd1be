"""Web access logs: which requests are API calls, and what they were."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from schemas.event import Presence
from transforms.ingest.paths import object_of, operation_of

NOT_API = "not an API path (policy ingest.api_paths)"
PRESENCE = Presence.STATUS | Presence.ADDRESS | Presence.AGENT | Presence.BYTES | Presence.OBJECT
"""What every web log carries."""

_URL = r"^(?:[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*)?([^?#]*)"


@dataclass(frozen=True)
class Requests:
    """What the method and target of requests say.

    Attributes:
        is_api: whether the path begins with one of policy ingest.api_paths.
        operation: kind of call (schemas.event.OPERATIONS).
        objects: what was downloaded, null where it is no download.
    """

    is_api: pl.Series
    operation: pl.Series
    objects: pl.Series


def requests(methods: pl.Series, targets: pl.Series, api_paths: Sequence[str]) -> Requests:
    """The requests of some log lines.

    Args:
        methods: GET, POST, ...; null where the request could not be parsed by the server.
        targets: path or URL, with its query, which is left out: it may hold secrets.
        api_paths: prefixes of API paths.
    """
    paths = targets.str.extract(_URL, 1)
    known = paths.drop_nulls().unique().to_list()
    prefixes = tuple(api_paths)
    is_api = _mapped(paths, known, [path.startswith(prefixes) for path in known], pl.Boolean).fill_null(value=False)
    kinds = _mapped(paths, known, [operation_of(path) for path in known], pl.String)
    objects = _mapped(paths, known, [object_of(path) for path in known], pl.String)
    is_get = (methods == "GET").fill_null(value=False)
    is_download = is_get & objects.is_not_null()
    size = len(paths)
    download = pl.Series(["download"], dtype=pl.String).new_from_index(0, size)
    other = pl.Series(["other"], dtype=pl.String).new_from_index(0, size)
    is_post = (methods == "POST").fill_null(value=False)
    operation = download.zip_with(is_download, kinds.fill_null("other").zip_with(is_post, other))
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, size)
    return Requests(is_api, operation, objects.zip_with(is_download, nothing))


def _mapped(paths: pl.Series, known: list[str], values: list[object], kind: type[pl.DataType]) -> pl.Series:
    if not known:
        return pl.Series([None], dtype=kind).new_from_index(0, len(paths))
    return paths.replace_strict(known, pl.Series(values, dtype=kind), default=None, return_dtype=kind)
