"""What is read of LiteLLM's logs: the standard logging payload and the spend-log row, in one Struct."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Raw, Struct

from transforms.ingest.chat import Answer, Format, Message, Tool

UNSEEN = Raw(b"")
Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Moment = datetime | Whole | float | None


class Details(Struct, gc=False):
    """Details of a usage object, of the prompt's or the completion's tokens."""

    cached_tokens: Whole | None = None
    reasoning_tokens: Whole | None = None


class Usage(Struct, gc=False):
    """The provider's usage object."""

    prompt_tokens_details: Details | None = None
    completion_tokens_details: Details | None = None
    cache_read_input_tokens: Whole | None = None


class Requester(Struct, gc=False):
    """What the client sent as `metadata`."""

    session_id: Any = None


class ErrorInformation(Struct, gc=False):
    """Why a call failed."""

    error_code: str | Whole | None = None
    error_class: str | None = None


class Guardrail(Struct, gc=False):
    """What one guardrail did."""

    guardrail_status: str | None = None


class Statuses(Struct, gc=False):
    """What the guardrails did together."""

    guardrail_status: str | None = None


class Metadata(Struct, gc=False):
    """Who called, and the row's own copies of other fields in spend logs."""

    user_api_key_hash: str | None = None
    user_api_key: str | None = None
    user_api_key_alias: str | None = None
    user_api_key_team_id: str | None = None
    user_api_key_org_id: str | None = None
    user_api_key_user_id: str | None = None
    user_api_key_end_user_id: Any = None
    user_api_key_request_route: str | None = None
    requester_ip_address: str | None = None
    user_agent: str | None = None
    requester_custom_headers: dict[str, Any] | None = None
    requester_metadata: Requester | None = None
    usage_object: Usage | None = None
    guardrail_information: list[Guardrail] | Guardrail | None = None
    error_information: ErrorInformation | None = None
    status: str | None = None


class Parameters(Struct, gc=False):
    """Sampling parameters; the client's to choose, so that a single value may be of any type."""

    temperature: Any = None
    top_p: Any = None
    n: Any = None
    max_tokens: Any = None
    max_completion_tokens: Any = None
    max_output_tokens: Any = None
    logprobs: Any = None
    top_logprobs: Any = None
    logit_bias: dict[str, Any] | None = None
    seed: Any = None
    response_format: Format | str | None = None
    stream: Any = None
    tools: list[Tool | str] | None = None


class Body(Parameters, gc=False):
    """The request's body as spend logs keep it."""

    messages: list[Message | str] | str | None = None
    input: list[Message | str] | str | None = None
    prompt: list[Message | str] | str | None = None
    system: list[Message | str] | str | None = None
    instructions: str | None = None


class Call(Struct, forbid_unknown_fields=True, gc=False):
    """One logged call of either kind. Fields typed Raw are known and not looked at."""

    id: str | None = None
    litellm_call_id: str | None = None
    session_id: Any = None
    call_type: str | None = None
    stream: Any = None
    status: str | None = None
    status_fields: Statuses | None = None
    custom_llm_provider: str | None = None
    response_cost: float | None = None
    prompt_tokens: Whole | None = None
    completion_tokens: Whole | None = None
    startTime: Moment = None  # noqa: N815 - LiteLLM's spelling
    endTime: Moment = None  # noqa: N815 - LiteLLM's spelling
    completionStartTime: Moment = None  # noqa: N815 - LiteLLM's spelling
    model: Any = None
    model_group: Any = None
    metadata: Metadata | str | None = None
    end_user: Any = None
    requester_ip_address: str | None = None
    user_agent: str | None = None
    messages: list[Message | str] | str | None = None
    response: Answer | str | None = None
    error_information: ErrorInformation | None = None
    model_parameters: Parameters | None = None
    guardrail_information: list[Guardrail] | Guardrail | None = None
    # spend-log rows
    request_id: str | None = None
    api_key: str | None = None
    spend: float | None = None
    user: str | None = None
    team_id: str | None = None
    organization_id: str | None = None
    request_duration_ms: float | None = None
    proxy_server_request: Body | str | None = None
    # known, not looked at
    trace_id: Raw = UNSEEN
    cache_hit: Raw = UNSEEN
    cache_key: Raw = UNSEEN
    saved_cache_cost: Raw = UNSEEN
    response_time: Raw = UNSEEN
    cost_breakdown: Raw = UNSEEN
    total_tokens: Raw = UNSEEN
    request_tags: Raw = UNSEEN
    request_model_access_groups: Raw = UNSEEN
    api_base: Raw = UNSEEN
    model_id: Raw = UNSEEN
    hidden_params: Raw = UNSEEN
    model_map_information: Raw = UNSEEN
    error_str: Raw = UNSEEN
    autorouter_savings: Raw = UNSEEN
    autorouter_savings_estimate: Raw = UNSEEN
    autorouter_baseline_observation: Raw = UNSEEN
    response_cost_failure_debug_info: Raw = UNSEEN
    zero_cost_diagnostic: Raw = UNSEEN
    standard_built_in_tools_params: Raw = UNSEEN
    mcp_namespaced_tool_name: Raw = UNSEEN
    agent_id: Raw = UNSEEN


TOLERANT = (
    "messages",
    "response",
    "model_parameters",
    "proxy_server_request",
    "guardrail_information",
    "status_fields",
    "error_information",
    "metadata.requester_custom_headers",
    "metadata.requester_metadata",
    "metadata.usage_object",
    "metadata.guardrail_information",
    "metadata.error_information",
)
"""Fields a client or a provider shapes: parts of them that hold something else are taken as absent."""

ACCOUNT = (
    "metadata.user_api_key_team_id",
    "team_id",
    "metadata.user_api_key_org_id",
    "organization_id",
    "metadata.user_api_key_user_id",
    "user",
    "metadata.user_api_key_hash",
    "metadata.user_api_key",
    "api_key",
)
"""Who is the account unless the policy says otherwise: team, else organisation, else user, else key hash."""

BASES = {
    "metadata.user_api_key_team_id": "team",
    "team_id": "team",
    "metadata.user_api_key_org_id": "organisation",
    "organization_id": "organisation",
    "metadata.user_api_key_user_id": "user",
    "user": "user",
    "metadata.user_api_key_hash": "key",
    "metadata.user_api_key": "key",
    "api_key": "key",
}
