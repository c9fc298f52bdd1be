"""What template keys catch: the families of docs' fingerprint table, at the sizes of that table."""

import random
from collections import Counter
from collections.abc import Callable

import polars as pl
import pytest

from transforms.ingest.fingerprint import prompt_keys
from transforms.ingest.key import FingerprintKey

KEY = FingerprintKey(bytes(range(32)))
FAMILIES, PROMPTS, FIXED_WORDS, PAYLOAD_WORDS = 12, 60, 40, 40
PARAPHRASED = 0.2

Build = Callable[[list[str], list[str], random.Random], str]


def word(chance: random.Random) -> str:
    return "".join(chance.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(chance.randint(3, 9)))


def prefix(fixed: list[str], payload: list[str], _: random.Random) -> str:
    return " ".join(fixed + payload)


def suffix(fixed: list[str], payload: list[str], _: random.Random) -> str:
    return " ".join(payload + fixed)


def payload_inside(fixed: list[str], payload: list[str], _: random.Random) -> str:
    return " ".join(fixed[:20] + payload + fixed[20:])


def instruction_inside(fixed: list[str], payload: list[str], _: random.Random) -> str:
    return " ".join(payload[:20] + fixed + payload[20:])


def instruction_on_its_own_lines(fixed: list[str], payload: list[str], _: random.Random) -> str:
    return "\n".join(" ".join(part) for part in (payload[:20], fixed[:20], fixed[20:], payload[20:]))


def paraphrased(fixed: list[str], payload: list[str], chance: random.Random) -> str:
    changed = [word(chance) if chance.random() < PARAPHRASED else each for each in fixed]
    return " ".join(changed + payload)


def families(build: Build) -> pl.DataFrame:
    """One row a prompt: its family, and all its template keys named by kind."""
    chance = random.Random(4)
    texts = []
    for _ in range(FAMILIES):
        fixed = [word(chance) for _ in range(FIXED_WORDS)]
        texts += [build(fixed, [word(chance) for _ in range(PAYLOAD_WORDS)], chance) for _ in range(PROMPTS)]
    keys = prompt_keys(pl.Series(texts), KEY)
    family = pl.Series("family", [n // PROMPTS for n in range(len(texts))])
    return pl.concat([keys, family.to_frame()], how="horizontal")


def key_sets(frame: pl.DataFrame, kinds: tuple[str, ...]) -> list[set[tuple[str, int]]]:
    """The keys of each prompt."""
    rows = []
    for row in frame.iter_rows(named=True):
        keys = set()
        for kind in kinds:
            value = row[kind]
            keys |= {(kind, each) for each in (value if isinstance(value, list) else [value]) if each is not None}
        rows.append(keys)
    return rows


def best_single_key(frame: pl.DataFrame, kinds: tuple[str, ...]) -> float:
    """Mean over families of the share of a family's prompts on its commonest key."""
    counts = [Counter[tuple[str, int]]() for _ in range(FAMILIES)]
    for family, keys in zip(frame["family"], key_sets(frame, kinds), strict=True):
        counts[family].update(keys)
    return sum(count.most_common(1)[0][1] for count in counts) / (FAMILIES * PROMPTS)


def linked(frame: pl.DataFrame, kinds: tuple[str, ...]) -> float:
    """Mean over families of the share of a family's prompts in its largest component of prompts that share keys."""
    total = 0
    for family in range(FAMILIES):
        components: list[set[tuple[str, int]]] = []
        sizes: list[int] = []
        for keys in key_sets(frame.filter(pl.col("family") == family), kinds):
            touched = [n for n, component in enumerate(components) if component & keys]
            merged = keys.union(*(components[n] for n in touched))
            size = 1 + sum(sizes[n] for n in touched)
            components = [c for n, c in enumerate(components) if n not in touched] + [merged]
            sizes = [s for n, s in enumerate(sizes) if n not in touched] + [size]
        total += max(sizes)
    return total / (FAMILIES * PROMPTS)


@pytest.mark.parametrize(
    ("build", "kind"),
    [
        (prefix, "head_key"),
        (suffix, "tail_key"),
        (payload_inside, "head_key"),
        (payload_inside, "tail_key"),
        (instruction_on_its_own_lines, "line_keys"),
    ],
)
def test_a_fixed_instruction_shares_a_key_in_every_prompt(build: Build, kind: str) -> None:
    assert best_single_key(families(build), (kind,)) == 1.0


@pytest.mark.parametrize("build", [prefix, suffix, payload_inside, instruction_inside])
def test_shingles_hold_a_family_together_wherever_the_payload_is(build: Build) -> None:
    frame = families(build)
    assert best_single_key(frame, ("shingle_keys",)) >= 0.9
    assert linked(frame, ("shingle_keys",)) >= 0.99


def test_shingles_link_a_family_in_which_every_fifth_word_is_paraphrased() -> None:
    frame = families(paraphrased)
    assert best_single_key(frame, ("head_key",)) < 0.3
    assert linked(frame, ("shingle_keys",)) >= 0.9


def test_no_key_is_shared_by_two_families() -> None:
    frame = families(prefix)
    owners: dict[tuple[str, int], set[int]] = {}
    kinds = ("head_key", "tail_key", "line_keys", "shingle_keys")
    for family, keys in zip(frame["family"], key_sets(frame, kinds), strict=True):
        for key in keys:
            owners.setdefault(key, set()).add(family)
    assert max(len(families) for families in owners.values()) == 1
