"""Accounts of the test proxy: the key `sk-team-NAME` belongs to team NAME; every other key is refused."""

import hashlib

from fastapi import HTTPException, Request
from litellm.proxy._types import UserAPIKeyAuth


async def user_api_key_auth(request: Request, api_key: str) -> UserAPIKeyAuth:
    team = api_key.removeprefix("sk-team-")
    if team == api_key:
        raise HTTPException(status_code=403, detail="unknown key")
    return UserAPIKeyAuth(api_key=hashlib.sha256(api_key.encode()).hexdigest(), team_id=team, user_id=f"user-{team}")
