"""Bulk download: hundreds of objects, each fetched once, by an account that does nothing else."""

from schemas.card import Card, Example
from schemas.event import Presence
from schemas.harvest import AT_LEAST, YOUTH
from schemas.shape import Bound, Property, Step, steps
from transforms.detectors.shape import Shape

OBJECTS = Property(
    "objects",
    "{observed} distinct objects were fetched, and hardly anything else was called",
    "a public access log (elastic/examples, 2,034 client-days): 2 reach 100 objects, none 200; a tail that falls as one over the objects would have 0.0005 at 200 and 0.0002 at 500, and no more than 0.0015 have 200 (95 %): our judgement is between, as nightly exports of one's own results are of hundreds",
    (
        Step(0.0007, (Bound("objects_24h", AT_LEAST, 200.0), Bound("download_share_24h", AT_LEAST, 0.95))),
        Step(0.0004, (Bound("objects_24h", AT_LEAST, 500.0), Bound("download_share_24h", AT_LEAST, 0.95))),
    ),
    is_needed=True,
)

ONCE = Property(
    "once",
    "{observed} of the downloads fetch an object that was not fetched before: a copy, no use",
    "the same log: of 89 client-days with 20 requests or more, 45",
    steps("fetched_once_24h", AT_LEAST, (0.95, 0.5)),
    is_needed=True,
)

CARD = Card(
    id="download_shape",
    layer="L0",
    family="shape",
    sees="Hundreds of distinct objects fetched within 24 hours, each once, by an account that calls hardly anything else: from 500 on, in whatever order; from 200 on by an account of at most a month.",
    blind_to="Backups, mirrors and nightly exports of one's own results look the same; copies beside other use, slower ones, and those that fetch objects twice are not seen.",
    needs=Presence.OBJECT,
    techniques=("AML.T0024",),
    severity="medium",
    kind="bulk_download",
    points=3.6,
    points_reason="policy shapes.share, one honest account-day in 4,000; a hit's own points are how rare it is",
    policy=("shapes.share", "shapes.least_calls"),
    runbook=(
        "See whose objects they are: an export of the account's own results is no theft.",
        "Ask the owner whether a backup or mirror runs; record it in the accounts file.",
    ),
    firing=Example(
        says="700 files of an account of 100 days, each fetched once, in the order of a listing.",
        window={"calls_24h": 700.0, "downloads_24h": 700.0, "objects_24h": 700.0, "age_days": 100.0},
    ),
    silent=Example(
        says="A nightly export of 300 results by an old customer.",
        window={"calls_24h": 310.0, "downloads_24h": 300.0, "objects_24h": 300.0, "age_days": 400.0},
    ),
)

SHAPE = Shape(CARD, (OBJECTS, ONCE, YOUTH))
