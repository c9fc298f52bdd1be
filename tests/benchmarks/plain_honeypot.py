"""honeypotllm over the same log: each call through `HoneypotMiddleware.process`, as in its README, one after the other.

It was made for the live path and takes the time from the wall clock. Here its scorer is given the call's own time, which
is in its favour: at the speed of a replay every account would look like a scraper, and each suspicion costs it a
transaction. Its defaults otherwise; texts are part of its input.
"""

import asyncio
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import honeypotllm.scoring
from honeypotllm import HoneypotMiddleware
from honeypotllm.config import HoneypotConfig

CLOCK = SimpleNamespace(now=0.0, time=lambda: CLOCK.now)


async def main(source: str, target: str) -> None:
    """Writes what it knows of each key at the end: calls and score."""
    honeypotllm.scoring.time = CLOCK
    folder = Path(target).parent
    config = HoneypotConfig(secret_key="benchmark", db_url=f"sqlite+aiosqlite:///{folder / 'honeypot.db'}")
    async with HoneypotMiddleware(config) as honeypot:
        with Path(source).open(encoding="utf-8") as log:
            for line in log:
                call = json.loads(line)
                CLOCK.now = call["endTime"]
                answer = call["response"]["choices"][0]["message"]["content"] if call["response"] else ""
                await honeypot.process(
                    api_key=call["metadata"]["user_api_key_team_id"],
                    response_text=answer,
                    prompt=call["messages"][-1]["content"],
                    input_tokens=call["prompt_tokens"],
                )
        known = honeypot.summary()
    with Path(target).open("w", encoding="utf-8") as out:
        out.write("key_hash,calls,score\n")
        out.writelines(f"{key['key_hash']},{key['total_requests']},{key['score']}\n" for key in known)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
