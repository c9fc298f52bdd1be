"""How good a lake's findings are, held against the truth of its world; frames in, frames out.

`outcomes` says what happened to each account; everything else counts over it: `recall` thieves found and what they had
taken by then, `false_alarms` honest accounts and account-days per look-alike, `headline` the few figures that sum it up, `by_detector` what each detector did,
`ranking` and `daily` what the scores alone could do, `matched` and `found_campaigns` what became of campaigns. Grey accounts count neither as found nor as wrong.
"""

from transforms.evaluate.campaigns import FLAGGED, found_campaigns, matched, poisson_upper, timeline
from transforms.evaluate.damage import attacking, found_at_once, taken
from transforms.evaluate.detectors import SAID, by_detector, said
from transforms.evaluate.intervals import Rate, bootstrapped, wilson
from transforms.evaluate.outcomes import OUTCOME, POOLED, outcomes
from transforms.evaluate.page import page
from transforms.evaluate.ranking import average_precision, curve, daily, ranking, share_above
from transforms.evaluate.rates import false_alarms, headline, recall

__all__ = [
    "FLAGGED", "OUTCOME", "POOLED", "SAID", "Rate", "attacking", "average_precision", "bootstrapped", "by_detector", "curve", "daily", "false_alarms",
    "found_at_once", "found_campaigns", "headline", "matched", "outcomes", "page", "poisson_upper", "ranking", "recall", "said", "share_above", "taken", "timeline", "wilson",
]  # fmt: skip
