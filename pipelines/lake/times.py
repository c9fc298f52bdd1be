"""Event times as whole microseconds since 1970, the unit of every time column."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(time: datetime) -> int:
    """Microseconds since 1970 of a time with a zone.

    >>> to_micros(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC))
    1000005
    """
    return (time - _EPOCH) // _MICROSECOND


def from_micros(microseconds: int) -> datetime:
    """The time in UTC; the inverse of `to_micros`."""
    return _EPOCH + microseconds * _MICROSECOND
