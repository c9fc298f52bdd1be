"""All thieves whose single accounts can be seen."""

from transforms.simulate.activity import Population
from transforms.simulate.harvests import AGENT, BULK, COT, EMBEDDING, GRADE, REPLAY
from transforms.simulate.probes import BOUNDARY, BREADTH, LEAK, LOGIT, PROBE, SIGNATURE, WALK

ATTACKS: dict[str, Population] = {
    population.archetype: population
    for population in (BULK, COT, GRADE, AGENT, PROBE, LOGIT, SIGNATURE, REPLAY, EMBEDDING, WALK, BREADTH, LEAK)
}
"""Archetype -> population."""

LATER_ATTACKS: dict[str, Population] = {BOUNDARY.archetype: BOUNDARY}
"""Those that come behind everybody else (cast.troupes)."""
