"""Sessions: an account's calls without a pause of the idle timeout, derived from its ticks."""

from transforms.sessions.step import SessionState, step, still_open

__all__ = ["SessionState", "step", "still_open"]
