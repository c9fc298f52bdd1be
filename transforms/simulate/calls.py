"""A block of calls, and the numbers every access log carries of them: model, tokens, time, status, parameters."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from transforms.simulate.chance import Chance, Flags, Floats, Ints, mixed, unit

PRICES = {
    "vega-2-large": (2.5, 10.0, 22.0),
    "vega-3-large": (3.0, 12.0, 20.0),
    "vega-2-mini": (0.15, 0.6, 9.0),
    "vega-2-think": (3.0, 15.0, 18.0),
    "vega-embed": (0.02, 0.0, 0.0),
    "": (0.0, 0.0, 0.0),
}
"""Model -> USD per million input tokens, per million output tokens, and milliseconds per output token."""

LONGEST_HISTORY = 80
"""Messages of a request at most: clients compact longer histories [J]."""

NEW_MODEL = "vega-3-large"
"""What is released on the world's release day."""


PER_CALL = ("seconds", "activity", "account", "session", "turn", "ordinal", "denied", "again", "lent", "quoted")
"""Columns of `Calls` with a value a call."""


@dataclass(frozen=True)
class Calls:
    """A slice of the world's calls in order of time.

    Attributes:
        seed: the world's seed.
        release: s from the world's start to the release of the new model.
        activities: parameters of all activities.
        seconds: start of each call, s from the world's start.
        activity: row number of its activity.
        account: number of its account.
        session: number of its session within the activity.
        turn: number of the call within the session.
        ordinal: number of the call within the activity.
        denied: whether the account had been blocked.
        again: whether it repeats a denied call through another account.
        lent: calls of the activity whose handles it redeems that began earlier; 0 where it redeems its own.
        quoted: which of the world's calls it brings the answer of; -1 where it brings none.
    """

    seed: int
    release: float
    activities: pl.DataFrame
    seconds: Floats
    activity: Ints
    account: Ints
    session: Ints
    turn: Ints
    ordinal: Ints
    denied: Flags
    again: Flags
    lent: Ints
    quoted: Ints

    def __len__(self) -> int:
        return len(self.seconds)

    def slice(self, low: int, high: int) -> "Calls":
        """The calls from `low` to before `high`."""
        return self.take(np.arange(low, high))

    def take(self, places: Ints) -> "Calls":
        """The calls at these places."""
        rows = {name: getattr(self, name)[places] for name in PER_CALL}
        return replace(self, **rows)

    def of(self, parameter: str) -> NDArray[Any]:
        """The activity's parameter for each call; strings as numbers are not offered, see `names`."""
        values: NDArray[Any] = self.activities[parameter].to_numpy()[self.activity]
        return values

    def names(self, parameter: str) -> pl.Series:
        """The activity's parameter for each call, for parameters that are names."""
        return self.activities[parameter].gather(self.activity)

    @cached_property
    def payload(self) -> Ints:
        """Number of each call's payload within its activity's pool; 0 where every call has its own."""
        pool = self.of("payloads")
        in_order = self.ordinal // self.of("dwells") % np.maximum(pool, 1)
        return np.where(self.of("in_order"), in_order, self.chance.below("payload", pool))

    @cached_property
    def chance(self) -> Chance:
        """Draws of each call."""
        return Chance(mixed(self.seed, self.activity, self.session, self.turn))

    @cached_property
    def session_chance(self) -> Chance:
        """Draws that a session's calls share."""
        return Chance(mixed(self.seed, "session", self.activity, self.session))


def numbers(calls: Calls) -> pl.DataFrame:
    """Model, status, tokens, latency, cost, finish reason, refusal and sampling parameters of each call."""
    chance = calls.chance
    frame = pl.DataFrame(
        {"operation": calls.names("operation"), "model_requested": _models(calls), "http_status": _status(calls)}
    )
    answered = frame["http_status"].to_numpy() == 200
    chats = frame["operation"].is_in(["chat", "completion"]).to_numpy()
    downloads = (frame["operation"] == "download").to_numpy()
    refused = answered & chats & _refused(calls)

    inputs = _input_tokens(calls)
    outputs = chance.lognormal("output", calls.of("output_tokens"), calls.of("output_sigma"))
    outputs = np.where(refused, 12 + 30 * chance.uniform("refusal"), outputs)
    asked = _output_limit(calls)
    limit = np.where(asked > 0, asked, 16_000)
    cut = outputs >= limit
    outputs = np.where(chats, np.clip(outputs, 1, limit), 0).astype(np.int64)
    cached = (inputs * _cached_share(calls)).astype(np.int64)
    thinking = (outputs * np.clip(calls.of("thinking") + 0.1 * chance.normal("thinking"), 0, 0.95)).astype(np.int64)

    price_in, price_out, pace = _prices(frame["model_requested"])
    ttft = 120 + 250 * chance.uniform("queue") + inputs * 0.03
    latency = np.where(
        answered, ttft + outputs * pace * (0.7 + 0.6 * chance.uniform("pace")), 15 + 40 * chance.uniform("refusal time")
    )
    latency = np.where(downloads, 80 + 900 * chance.uniform("queue"), latency).astype(np.int64)
    known = pl.Series(answered & ~downloads)
    blocked_by_filter = refused & chance.happens("filter", 0.4)
    finish = pl.select(
        pl.when(pl.lit(pl.Series(~(answered & chats))))
        .then(None)
        .when(pl.lit(pl.Series(blocked_by_filter)))
        .then(pl.lit("content_filter"))
        .when(pl.lit(pl.Series(cut & ~refused)))
        .then(pl.lit("length"))
        .when(pl.lit(pl.Series((calls.of("tools") > 0) & ~refused & chance.happens("calls_tool", 0.7))))
        .then(pl.lit("tool_calls"))
        .otherwise(pl.lit("stop"))
        .alias("finish_reason")
    )["finish_reason"]
    return frame.with_columns(
        provider=pl.lit("vega"),
        model_served=_where(known, frame["model_requested"]),
        finish_reason=finish,
        refused=_where(pl.Series(chats & answered), pl.Series(refused)),
        latency_ms=pl.Series(latency),
        input_tokens=_where(known, pl.Series(inputs)),
        output_tokens=_where(known, pl.Series(outputs)),
        cached_input_tokens=_where(pl.Series(answered & chats), pl.Series(cached)),
        reasoning_tokens=_where(pl.Series(answered & chats), pl.Series(thinking)),
        cost_usd=_where(known, pl.Series((inputs * price_in + outputs * price_out) / 1e6)),
        stream=_where(pl.Series(chats), pl.Series(chance.happens("stream", calls.of("streams")))),
        ttft_ms=_where(pl.Series(answered & chats), pl.Series(np.minimum(ttft, latency).astype(np.int64))),
        message_count=_where(pl.Series(chats), pl.Series(_messages(calls))),
        bytes_out=_where(
            pl.Series(answered & downloads),
            pl.Series(chance.lognormal("bytes", 60_000.0, 1.4).astype(np.int64) + 200),
        ),
        **_parameters(calls, chats),
    )


def _input_tokens(calls: Calls) -> Ints:
    """Lognormal around the median, growing with a conversation; one template around small payloads makes lengths alike."""
    chance, growth = calls.chance, calls.of("growth")
    first = calls.session_chance.lognormal("input", calls.of("input_tokens"), calls.of("input_sigma"))
    alike = (growth == 0) & chance.happens("alike", calls.of("alike"))
    size = np.where(alike, calls.of("input_tokens"), first * (1 + growth * calls.turn))
    wobble = np.exp(np.where(alike, 0.025, 0.1) * chance.normal("input"))
    tokens: Ints = np.clip(size * wobble, 1, 190_000).astype(np.int64)
    return tokens


def _refused(calls: Calls) -> Flags:
    """Refusal hangs on the payload: what is refused once is refused again, nine times in ten."""
    by_call = calls.chance.uniform("refused")
    by_payload = unit(mixed(calls.seed, "refused", calls.of("payload_set"), calls.payload))
    own = (calls.of("payloads") == 0) | calls.of("refused_by_wording") | calls.chance.happens("another mood", 0.1)
    refused: Flags = np.where(own, by_call, by_payload) < calls.of("refused")
    return refused


def _cached_share(calls: Calls) -> Floats:
    """Share of the input read from cache: most of a conversation so far, the fixed beginning of repeated calls."""
    share = np.clip(calls.of("cached") + 0.15 * calls.chance.normal("cached"), 0.0, 0.98)
    converses = ((calls.of("growth") > 0) & (calls.turn > 0)) | (calls.of("history") > 0)
    begins_alike = calls.names("layout").is_in(["prefix", "system"]).to_numpy() & (calls.ordinal > 0)
    cached: Floats = np.where(converses, share, np.where(begins_alike, 0.3 * share, 0.0))
    return cached


def _models(calls: Calls) -> pl.Series:
    first, second = calls.names("model"), calls.names("second_model")
    other = pl.Series(calls.chance.happens("second", calls.of("second_share")))
    moved = pl.Series((calls.seconds >= calls.release) & calls.chance.happens("pivot", calls.of("pivot")))
    return pl.select(
        pl.when(pl.lit(moved))
        .then(pl.lit(NEW_MODEL))
        .when(pl.lit(other))
        .then(pl.lit(second))
        .otherwise(pl.lit(first))
        .replace("", None)
        .alias("model_requested")
    )["model_requested"]


def _status(calls: Calls) -> Ints:
    draw = calls.chance.uniform("status")
    throttled = calls.of("throttled")
    failing = throttled + calls.of("failing")
    kind = calls.chance.below("failure", 4)
    failure = np.choose(kind, [400, 500, 503, 504])
    status = np.where(draw < throttled, 429, np.where(draw < failing, failure, 200))
    denied: Ints = np.where(calls.denied, 403, status)
    return denied


def _messages(calls: Calls) -> Ints:
    history = np.floor(calls.of("history") * (0.3 + 1.4 * calls.session_chance.uniform("history"))).astype(np.int64)
    has_system = (calls.of("system") >= 0) | (calls.names("layout") == "system").to_numpy()
    turn = np.where(calls.of("growth") > 0, calls.turn, 0)
    count: Ints = np.minimum(1 + has_system + 2 * turn + 2 * (history // 2), LONGEST_HISTORY)
    return count


def _setting(calls: Calls) -> Ints:
    """Which of its settings the client used: those of number n are n steps warmer and n times longer."""
    return calls.chance.below("setting", calls.of("settings"))


def _output_limit(calls: Calls) -> Ints:
    """The largest output asked for; 0 where none is set. Whoever wants one token always wants one."""
    limit = calls.of("max_tokens")
    asked: Ints = np.where(limit == 1, 1, limit * (1 + _setting(calls)))
    return asked


def _parameters(calls: Calls, chats: Flags) -> dict[str, pl.Series]:
    """Sampling parameters; a client with several settings varies its temperature and output limit."""
    chance = calls.chance
    temperature = np.round(np.clip(calls.of("temperature") + 0.1 * _setting(calls), 0.0, 2.0), 2)
    limit = _output_limit(calls)
    logprobs = chance.happens("logprobs", calls.of("logprobs"))
    choices = calls.of("choices")
    as_json = pl.Series(chance.happens("json", calls.of("json")) & chats)
    chat = pl.Series(chats)
    return {
        "temperature": _where(pl.Series(chats & ~np.isnan(temperature)), pl.Series(temperature)),
        "max_tokens": _where(pl.Series(chats & (limit > 0)), pl.Series(limit)),
        "n": _where(pl.Series(chats & (choices > 0)), pl.Series(choices)),
        "logprobs": _where(chat, pl.Series(logprobs)),
        "top_logprobs": _where(pl.Series(chats & logprobs), pl.Series(np.full(len(calls), 5, dtype=np.int64))),
        "response_format": _where(as_json, pl.repeat("json_object", len(calls), eager=True)),
        "tool_count": _where(chat, pl.Series(calls.of("tools"))),
    }


def _prices(models: pl.Series) -> tuple[Floats, Floats, Floats]:
    known = models.fill_null("")
    columns = [known.replace_strict({m: p[i] for m, p in PRICES.items()}, return_dtype=pl.Float64) for i in range(3)]
    return columns[0].to_numpy(), columns[1].to_numpy(), columns[2].to_numpy()


def _where(known: pl.Series, values: pl.Series) -> pl.Series:
    """The values where known, else null."""
    return values.zip_with(known, pl.Series([None], dtype=values.dtype).new_from_index(0, len(values)))
