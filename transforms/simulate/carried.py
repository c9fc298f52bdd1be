"""What calls carry besides text: biased tokens, downloaded objects, reasoning handles, tools."""

import json
from functools import lru_cache

import numpy as np
import polars as pl
import pyarrow as pa

from transforms.simulate.calls import Calls
from transforms.simulate.chance import Flags, Ints, mixed, unit
from transforms.simulate.phrases import TOOL_NOUNS, TOOL_WORDS
from transforms.simulate.places import hexadecimal

VOCABULARY = 100_000
"""Token ids of the simulated models."""


def carried(calls: Calls, answered: Flags, chats: Flags) -> pl.DataFrame:
    """logit_bias_size, logit_bias_tokens, object, reasoning_issued, reasoning_used and tools of each call.

    Args:
        calls: the calls.
        answered: whether a call was answered with 200.
        chats: whether it generates text.
    """
    downloads = (calls.names("operation") == "download").to_numpy()
    return pl.DataFrame(
        {
            **_biases(calls, chats),
            "object": _objects(calls, downloads),
            **_handles(calls, answered & chats, chats),
            "tools": _tools(calls, chats),
        }
    )


def _biases(calls: Calls, chats: Flags) -> dict[str, pl.Series]:
    """A sweep moves through the vocabulary call by call; an application bans the same few words each time."""
    size = np.where(chats, calls.of("bias_tokens"), 0)
    row = np.repeat(np.arange(len(calls)), size)
    place = np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size)
    sweep = calls.of("bias_sweep")[row]
    next_token = (calls.ordinal[row] * size[row] + place) % np.maximum(sweep, 1)
    banned = (mixed(calls.seed, "banned", calls.activity[row], place) % np.uint64(VOCABULARY)).astype(np.int64)
    tokens = np.where(sweep > 0, next_token, banned)
    lists = _lists(pa.array(tokens, pa.int64()), size)
    known = pl.Series(chats)
    sizes = pl.Series(size).zip_with(known, pl.Series([None], dtype=pl.Int64).new_from_index(0, len(size)))
    return {"logit_bias_size": sizes, "logit_bias_tokens": lists}


def _objects(calls: Calls, downloads: Flags) -> pl.Series:
    chance = calls.chance
    numbered = calls.of("numbered")
    first = (mixed(calls.seed, "first object", calls.activity) % np.uint64(900_000)).astype(np.int64)
    pool = calls.of("objects")
    anywhere = chance.below("object", np.where(pool > 0, pool, 2_000_000))
    number = np.where(chance.happens("walk", calls.of("walk")), first + calls.ordinal, anywhere)
    whose = np.where(calls.of("object_set") > 0, calls.of("object_set"), calls.activity)
    name = mixed(calls.seed, "object", whose, np.where(pool > 0, chance.below("object", pool), calls.ordinal))
    frame = pl.DataFrame({"number": number, "name": hexadecimal("", name), "numbered": numbered, "here": downloads})
    return frame.select(
        pl.when(pl.col("here") & pl.col("numbered"))
        .then(pl.format("file-{}", pl.col("number").cast(pl.String).str.zfill(7)))
        .when("here")
        .then(pl.format("file-{}", pl.col("name")))
        .alias("object")
    )["object"]


def _handles(calls: Calls, answered: Flags, chats: Flags) -> dict[str, pl.Series]:
    """A handle is named by the activity and number of the call that got it, so that any later call can redeem it."""
    issues = answered & _hands_out(calls, calls.activity, calls.ordinal)
    back = calls.of("redeems_back")
    lender = calls.activity - back
    recent = (calls.chance.uniform("which handle") ** 2 * np.minimum(calls.lent, 400)).astype(np.int64)
    ordinal = np.where(back > 0, calls.lent - 1 - recent, calls.ordinal - 1)
    first = calls.of("redeems_first")
    wants = chats & calls.chance.happens("redeems", calls.of("redeems")) & ((first == 0) | (calls.ordinal < first))
    own = (back > 0) | (calls.turn > 0)
    uses = wants & own & (ordinal >= 0) & _hands_out(calls, lender, ordinal)
    return {
        "reasoning_issued": _one_handle(calls, calls.activity, calls.ordinal, issues),
        "reasoning_used": _one_handle(calls, lender, np.maximum(ordinal, 0), uses),
    }


def _hands_out(calls: Calls, activity: Ints, ordinal: Ints) -> Flags:
    share = calls.activities["hands_out"].to_numpy()[activity]
    handed: Flags = unit(mixed(calls.seed, "hands out", activity, ordinal)) < share
    return handed


def _one_handle(calls: Calls, activity: Ints, ordinal: Ints, here: Flags) -> pl.Series:
    names = hexadecimal("rs_", mixed(calls.seed, "handle", activity[here], ordinal[here]))
    return _lists(names.to_arrow(), here.astype(np.int64))


def _tools(calls: Calls, chats: Flags) -> pl.Series:
    """The tools as the JSON array a client sends; null where none are offered."""
    frame = pl.DataFrame({"count": np.where(chats, calls.of("tools"), 0), "box": calls.of("toolbox")})
    sets = frame.unique().sort("count", "box")
    texts = [toolbox(box, count) if count else None for count, box in sets.iter_rows()]
    table = sets.with_columns(tools=pl.Series(texts, dtype=pl.String))
    return frame.join(table, on=["count", "box"], how="left", maintain_order="left")["tools"]


@lru_cache(maxsize=4096)
def toolbox(number: int, count: int) -> str:
    """A set of tool definitions in the usual function-calling form, as JSON."""
    tools = []
    for place in range(count):
        word, noun, extra = (int(mixed("tool", number, place, part)[0] % 16) for part in range(3))
        names = dict.fromkeys((TOOL_NOUNS[noun], TOOL_NOUNS[extra]))
        schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
        name = f"{TOOL_WORDS[word]}_{TOOL_NOUNS[noun]}_{place}"
        tools.append({"type": "function", "function": {"name": name, "parameters": schema}})
    return json.dumps(tools)


def _lists(values: pa.Array, sizes: Ints) -> pl.Series:
    """Consecutive values as one list a row; null where the size is 0."""
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    lists = pl.Series(pa.LargeListArray.from_arrays(pa.array(offsets), values))
    return lists.zip_with(pl.Series(sizes > 0), pl.Series([None], dtype=lists.dtype).new_from_index(0, len(lists)))
