"""The exceptions of the project: each says where, what is wrong and how to fix it."""


class StillwatchError(Exception):
    """Root of every error a user can cause or mend.

    Args:
        where: the file, table, field or command the problem was found in.
        problem: what is wrong, as one clause.
        fix: what to do about it, as one imperative clause.

    >>> str(StillwatchError("calls.jsonl", "it is empty", "check the export"))
    'calls.jsonl: it is empty. Fix: check the export.'
    """

    def __init__(self, where: str, problem: str, fix: str) -> None:
        super().__init__(where, problem, fix)
        self.where = where
        self.problem = problem
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}. Fix: {self.fix}."


class ContractViolation(StillwatchError):
    """A frame is not what its contract says."""


class PolicyError(StillwatchError):
    """The policy file holds an unknown key or an unusable value."""


class SourceRefused(StillwatchError):
    """A source as a whole cannot be read; nothing of it was taken in."""


class SourceMoved(SourceRefused):
    """Where a planned source lay there is another file now, or less of it; planned anew, it is found wherever it went."""


class SourceGone(SourceMoved):
    """Where a planned source lay there is nothing any more."""


class LakeError(StillwatchError):
    """The lake is missing, damaged, of another version, or keyed with another key."""


class LeaseHeld(LakeError):
    """Another writer holds the lake."""


class QueryRefused(StillwatchError):
    """A query is not a single reading statement, or the engine refused it."""
