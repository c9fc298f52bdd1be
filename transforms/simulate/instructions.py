"""The fixed text around payloads: which instruction a call carries, and how it is paraphrased."""

from functools import lru_cache

import numpy as np
import polars as pl
import pyarrow as pa

from transforms.simulate.calls import Calls
from transforms.simulate.chance import Floats, Keys, mixed, unit
from transforms.simulate.phrases import VOICES
from transforms.simulate.vocabulary import DOMAINS, TONGUES
from transforms.simulate.words import made_up


@lru_cache(maxsize=65_536)
def instruction(voice: str, number: int) -> tuple[str, str]:
    """Opening and closing of an instruction: all parts but the last, and the last."""
    parts = VOICES[voice]
    key = mixed("instruction", voice, number)
    names = {
        "name": made_up(int(mixed(key, 1)[0])),
        "other": made_up(int(mixed(key, 2)[0])),
        "field": list(DOMAINS)[int(mixed(key, 3)[0] % len(DOMAINS))],
    }
    chosen = [part[int(mixed(key, "part", i)[0] % len(part))] for i, part in enumerate(parts)]
    filled = [sentence.replace("{name}", names["name"]).replace("{other}", names["other"]).replace("{field}", names["field"]) for sentence in chosen]  # fmt: skip
    return " ".join(filled[:-1]), filled[-1]


def instructions(calls: Calls) -> tuple[pl.Series, pl.Series]:
    """Opening and closing of each call's instruction, paraphrased where the activity does so."""
    number = calls.of("template") + calls.chance.below("template", calls.of("templates"))
    frame = pl.DataFrame({"voice": calls.names("voice"), "number": number})
    frame = frame.with_columns(voice=pl.when(pl.col("voice") != "chat").then("voice"))
    known = frame.unique().drop_nulls().sort("voice", "number")
    pairs = [instruction(voice, number) for voice, number in known.iter_rows()]
    table = known.with_columns(
        opening=pl.Series([pair[0] for pair in pairs], dtype=pl.String),
        closing=pl.Series([pair[1] for pair in pairs], dtype=pl.String),
    )
    joined = frame.join(table, on=["voice", "number"], how="left", maintain_order="left")
    rate = calls.of("paraphrase")
    if not (rate > 0).any():
        return joined["opening"], joined["closing"]
    return paraphrased(joined["opening"], calls.chance.key("opening"), rate), paraphrased(
        joined["closing"], calls.chance.key("closing"), rate
    )


def paraphrased(texts: pl.Series, keys: Keys, rate: Floats, *, at_least_one: bool = False) -> pl.Series:
    """The texts with each word replaced at the given rate, by an English one; one in each if so many are the least."""
    words = texts.str.split(" ").list.explode(empty_as_null=False, keep_nulls=True)
    sizes = texts.str.split(" ").list.len().fill_null(1).to_numpy().astype(np.int64)
    row = np.repeat(np.arange(len(texts)), sizes)
    place = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    tongue = TONGUES["en"]
    others = pl.Series((tongue.nouns + " " + tongue.verbs + " " + tongue.adjectives).split())
    draw = mixed(keys[row], place)
    swapped = others.gather((mixed(draw, "word") % np.uint64(len(others))).astype(np.int64))
    changes = unit(draw) < rate[row]
    if at_least_one:
        changes |= place == (mixed(keys, "one") % sizes.astype(np.uint64)).astype(np.int64)[row]
    chosen = swapped.zip_with(pl.Series(changes) & words.is_not_null(), words)
    lists = pl.Series(
        pa.LargeListArray.from_arrays(pa.array(np.concatenate([[0], np.cumsum(sizes)])), chosen.to_arrow())
    )
    return lists.list.join(" ").zip_with(
        texts.is_not_null(), pl.Series([None], dtype=pl.String).new_from_index(0, len(texts))
    )


def standing(calls: Calls) -> pl.Series:
    """The product's own system prompt; numbers below 100 are popular public ones."""
    frame = pl.DataFrame({"number": calls.of("system")})
    known = frame.unique().filter(pl.col("number") >= 0).sort("number")
    written = [" ".join(instruction("public" if number < 100 else "app", number)) for number in known["number"]]
    table = known.with_columns(standing=pl.Series(written, dtype=pl.String))
    return frame.join(table, on="number", how="left", maintain_order="left")["standing"]
