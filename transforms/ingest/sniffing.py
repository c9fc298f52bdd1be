"""What the first bytes of a source say, before a format is chosen."""

import re

import msgspec

from transforms.ingest.framing import BLANK, BOM, elements

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NAME = re.compile(rb'"([A-Za-z_][A-Za-z0-9_.]{0,63})"\s*:')
_RECORDS = 20


def first_records(head: bytes) -> list[bytes]:
    """Up to twenty texts that look like JSON objects: lines, elements of an array, or the one value of a document."""
    text = head.removeprefix(BOM).lstrip(BLANK)
    found: list[bytes] = []
    for line in text.split(b"\n")[:_RECORDS]:
        start = line.strip(BLANK)
        if start[:1] == b"[" and len(start) > 1:
            found += [start[low:high] for low, high in elements(start)[:_RECORDS]]
        elif start[:1] == b"{" and len(start) > 1:
            found.append(start)
    if not found or not any(_is_object(record) for record in found):
        found = [text[low:high] for low, high in elements(text)[:_RECORDS]] if text[:1] == b"[" else [text]
    return found[:_RECORDS]


def top_level_names(head: bytes) -> set[str]:
    """Names of the fields of the first records; of a record cut off by the head's end all names that can be seen."""
    names: set[str] = set()
    records = first_records(head)
    for record in records:
        try:
            names.update(_OBJECT.decode(record))
        except (msgspec.MsgspecError, RecursionError):
            continue
    if not names and records and records[0][:1] == b"{":
        names = {name.decode() for name in _NAME.findall(records[0])}
    return names


def _is_object(record: bytes) -> bool:
    try:
        _OBJECT.decode(record)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True
