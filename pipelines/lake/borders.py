"""Where event time is cut: into ticks, and into days at midnight in UTC."""

from datetime import datetime, timedelta


def floor_to_tick(time: datetime, tick: timedelta) -> datetime:
    """The start of the tick a time lies in; ticks divide the UTC hour."""
    midnight = floor_to_day(time)
    return midnight + (time - midnight) // tick * tick


def floor_to_day(time: datetime) -> datetime:
    """The midnight (UTC) at or before a time."""
    return time.replace(hour=0, minute=0, second=0, microsecond=0)


def midnight_after(time: datetime) -> datetime:
    """The first midnight (UTC) after a time."""
    return floor_to_day(time) + timedelta(days=1)
