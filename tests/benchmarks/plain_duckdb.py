"""The same as plain_polars.py in SQL, on DuckDB; runs in the environment of its own (environments.py)."""

import sys

import duckdb

CANONICAL = """
{'event_id': 'VARCHAR', 'time': 'TIMESTAMP', 'account_id': 'VARCHAR', 'plan': 'VARCHAR', 'api_key_id': 'VARCHAR',
 'conversation_id': 'VARCHAR', 'source_ip': 'VARCHAR', 'country': 'VARCHAR', 'user_agent': 'VARCHAR',
 'operation': 'VARCHAR', 'provider': 'VARCHAR', 'model_requested': 'VARCHAR', 'model_served': 'VARCHAR',
 'http_status': 'BIGINT', 'finish_reason': 'VARCHAR', 'latency_ms': 'BIGINT', 'ttft_ms': 'BIGINT',
 'input_tokens': 'BIGINT', 'output_tokens': 'BIGINT', 'temperature': 'DOUBLE', 'top_p': 'DOUBLE',
 'max_tokens': 'BIGINT', 'stream': 'BOOLEAN', 'message_count': 'BIGINT'}
"""
LITELLM = """
{'id': 'VARCHAR', 'call_type': 'VARCHAR', 'status': 'VARCHAR', 'startTime': 'DOUBLE', 'endTime': 'DOUBLE',
 'completionStartTime': 'DOUBLE', 'model_group': 'VARCHAR', 'prompt_tokens': 'BIGINT', 'completion_tokens': 'BIGINT',
 'response_cost': 'DOUBLE', 'requester_ip_address': 'VARCHAR', 'user_agent': 'VARCHAR',
 'metadata': 'STRUCT(user_api_key_hash VARCHAR, user_api_key_team_id VARCHAR)',
 'messages': 'STRUCT("role" VARCHAR, content VARCHAR)[]',
 'response': 'STRUCT(choices STRUCT(finish_reason VARCHAR, message STRUCT("role" VARCHAR, content VARCHAR))[])',
 'model_parameters': 'STRUCT(temperature DOUBLE, max_tokens BIGINT, stream BOOLEAN)'}
"""
COUNTED = (
    "event_id",
    "conversation_id",
    "temperature",
    "top_p",
    "plan",
    "api_key_id",
    "country",
    "operation",
    "provider",
    "model_served",
    "finish_reason",
)
SUMMED = ("ttft_ms", "max_tokens", "message_count", "CAST(stream AS INT)")
CALLS = {
    "canonical": """
        SELECT *, CAST(time + to_milliseconds(latency_ms) AS DATE) AS day, http_status >= 400 AS is_error,
               model_requested AS model, source_ip AS address, user_agent AS agent
        FROM read_json(?, format = 'newline_delimited', columns = {columns})""",
    "canonical_few": """
        SELECT account_id, CAST(time + to_milliseconds(latency_ms) AS DATE) AS day, input_tokens, output_tokens,
               http_status >= 400 AS is_error, latency_ms, model_requested AS model, source_ip AS address,
               user_agent AS agent
        FROM read_json(?, format = 'newline_delimited', columns = {columns})""",
    "litellm": """
        SELECT metadata.user_api_key_team_id AS account_id,
               CAST(epoch_ms(CAST(round(endTime * 1000) AS BIGINT)) AS DATE) AS day,
               prompt_tokens AS input_tokens, completion_tokens AS output_tokens, status <> 'success' AS is_error,
               (endTime - startTime) * 1000 AS latency_ms, model_group AS model, requester_ip_address AS address,
               user_agent AS agent, messages[-1].content AS prompt,
               length(response.choices[1].message.content) AS answered
        FROM read_json(?, format = 'newline_delimited', columns = {columns})""",
}


def main(kind: str, source: str, target: str) -> None:
    """Writes one row an account and day."""
    calls = CALLS[kind].replace("{columns}", LITELLM if kind == "litellm" else CANONICAL)
    more = {
        "canonical": [
            *[f"count({name})" for name in COUNTED],
            *[f"sum({name})" for name in SUMMED],
        ],
        "litellm": ["count(DISTINCT prompt) AS prompt", "sum(answered) AS answered"],
    }
    others = "".join(f", {one}" for one in more.get(kind, []))
    days = duckdb.execute(
        f"""
        WITH calls AS ({calls})
        SELECT account_id, day, count(*) AS calls, sum(input_tokens) AS input_tokens,
               sum(output_tokens) AS output_tokens, sum(CAST(is_error AS INT)) AS is_error,
               max(latency_ms) AS latency_ms, count(DISTINCT model) AS model, count(DISTINCT address) AS address,
               count(DISTINCT agent) AS agent{others}
        FROM calls GROUP BY account_id, day ORDER BY account_id, day
        """,
        [source],
    )
    with open(target, "w") as out:  # noqa: PTH123 - only DuckDB is installed beside the standard library
        out.write(",".join(column[0] for column in days.description) + "\n")
        while rows := days.fetchmany(10_000):
            out.writelines(",".join(map(str, row)) + "\n" for row in rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
