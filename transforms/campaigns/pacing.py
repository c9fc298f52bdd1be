"""Who calls at a pool's pace: heads of one program share its work; who merely uses the same software calls as he pleases."""

from collections.abc import Collection
from datetime import datetime

from schemas.policy import Campaigns
from transforms.campaigns.membership import SHORTEST, Members


def at_its_pace(members: Members, told: Collection[int], now: datetime, policy: Campaigns) -> Members:
    """Members of a campaign that has nothing but software in common, without those whose pace is another one.

    The pace is the median of the accounts that have called for at least as long as half of them: of those that the campaign was
    counted against before, where there are any. An account calls at it as long as its calls are neither more than
    `pace_factor` times what the pace gives in the time since its first, nor less than one in so many; both from
    `pace_calls` expected calls on, fewer are chance. Who comes to a campaign that has spoken already is waited for until so
    many are expected and it has called in the later half of its time too: one that tries the same software out calls a few times in a row.

    Args:
        members: accounts with their holdings of the campaign's keys.
        told: accounts that it was counted against before.
        now: end of the tick.
        policy: `pace_factor`, `pace_calls`.
    """
    if not members:
        return members
    calls = {account: max(holding.calls for holding in holdings) for account, holdings in members.items()}
    began = {account: min(holding.first_time for holding in holdings) for account, holdings in members.items()}
    ended = {
        account: max(holding.last_tick for holding in holdings) + SHORTEST for account, holdings in members.items()
    }
    lasting = {account: max(1.0, (now - first) / SHORTEST) for account, first in began.items()}
    known = [account for account in members if account in told] or [*members]
    usual = sorted(lasting[account] for account in known)[len(known) // 2]
    paces = sorted(calls[account] / lasting[account] for account in known if lasting[account] >= usual)
    pace = paces[len(paces) // 2]
    cards = {members[account][0].card for account in known} - {None}
    kept: Members = {}
    for account, holdings in members.items():
        expected = pace * lasting[account]
        is_known, is_new = (
            expected >= policy.pace_calls,
            bool(told) and account not in told and holdings[0].card not in cards,
        )
        if calls[account] > policy.pace_factor * max(expected, policy.pace_calls):
            continue
        if is_known and policy.pace_factor * calls[account] < expected:
            continue
        if is_new and not (is_known and 2 * ((ended[account] - began[account]) / SHORTEST) >= lasting[account]):
            continue
        kept[account] = holdings
    return kept
