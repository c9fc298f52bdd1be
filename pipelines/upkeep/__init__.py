"""Keeping a lake small: files put together, rows that are too old, versions nobody reads any more."""

from pipelines.upkeep.running import Kept, execute_upkeep, plan_upkeep, tend, upkeep

__all__ = ["Kept", "execute_upkeep", "plan_upkeep", "tend", "upkeep"]
