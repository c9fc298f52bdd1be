"""Guessed objects: numbers are walked one by one, and most of them are not there, or not the account's."""

from schemas.card import Card, Example
from schemas.event import Presence
from schemas.harvest import AT_LEAST
from schemas.shape import Property, steps
from transforms.detectors.shape import Shape

WALKED = Property(
    "walked",
    "{observed} of the numbered downloads ask for the number after the one before",
    "the prior of sequential_share_24h (features); in a public access log (elastic/examples) none of 54 client-days with 20 numbered requests walks in a fifth of them",
    steps("sequential_share_24h", AT_LEAST, (0.5, 0.02), (0.9, 0.005)),
    is_needed=True,
)

MISSED = Property(
    "missed",
    "{observed} of the downloads fail, throttling not counted: who asks does not know what there is",
    "the same log: of 89 client-days with 20 requests or more 2 have as many answers of 400 to 499",
    steps("missed_share_24h", AT_LEAST, (0.5, 0.03)),
    is_needed=True,
)

ASKED = Property(
    "objects",
    "{observed} distinct objects were asked for",
    "the same log: of 89 client-days with 20 requests or more 10 reach 50 objects and 2 reach 100; and the prior of objects_24h (features)",
    steps("objects_24h", AT_LEAST, (50.0, 0.12), (100.0, 0.03)),
    is_needed=True,
)

CARD = Card(
    id="walk_shape",
    layer="L0",
    family="shape",
    sees="Object numbers walked one by one of which at least half are refused or not there, from a hundred calls and fifty objects on: somebody guesses what others have.",
    blind_to="Walks in strides, backwards or by several workers at once, and guesses beside much other use. A walk over the account's own numbered files that have expired, or during an outage, looks the same.",
    needs=Presence.OBJECT | Presence.STATUS,
    techniques=("AML.T0024",),
    severity="medium",
    kind="bulk_download",
    points=3.6,
    points_reason="policy shapes.share, one honest account-day in 4,000; a hit's own points are how rare it is",
    policy=("shapes.share", "shapes.least_calls"),
    runbook=(
        "See whether the objects that were there belong to the account, and what the others were answered with: 404, or 403.",
        "If they do not belong to it, close the listing, and give objects names that cannot be counted up.",
    ),
    firing=Example(
        says="140 files with consecutive numbers in an hour, 100 of them not there.",
        window={
            "calls_24h": 140.0,
            "downloads_24h": 140.0,
            "objects_24h": 140.0,
            "sequential_share_24h": 0.98,
            "error_share_24h": 0.71,
            "throttled_share_24h": 0.0,
        },
    ),
    silent=Example(
        says="An export of one's own 400 numbered results, five of them gone.",
        window={
            "calls_24h": 400.0,
            "downloads_24h": 400.0,
            "objects_24h": 400.0,
            "sequential_share_24h": 0.98,
            "error_share_24h": 0.0125,
            "throttled_share_24h": 0.0,
        },
    ),
)

SHAPE = Shape(CARD, (WALKED, MISSED, ASKED))
