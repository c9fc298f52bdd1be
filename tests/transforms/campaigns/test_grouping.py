"""Which keys are one campaign, and which campaigns are two."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from given_pools import overlaps
from schemas.policy import Campaigns
from transforms.campaigns.grouping import components
from transforms.campaigns.kinds import Key
from transforms.campaigns.parts import parts

POLICY = Campaigns()


def groups(holders: dict[Key, set[int]]) -> list[list[Key]]:
    return components(list(holders), overlaps(holders), POLICY)


def test_keys_with_the_same_holders_are_one() -> None:
    assert groups({("head", 1): {1, 2, 3, 4}, ("tail", 2): {1, 2, 3, 4}}) == [[("head", 1), ("tail", 2)]]


def test_keys_that_share_a_few_holders_stay_two() -> None:
    assert len(groups({("head", 1): set(range(10)), ("head", 2): set(range(8, 20))})) == 2


def test_a_wording_of_some_accounts_is_joined_to_what_all_of_them_hold() -> None:
    found = groups({("head", 1): set(range(40)), ("head", 2): set(range(4))})
    assert found == [[("head", 1), ("head", 2)]]


def test_a_phrase_of_two_pools_does_not_make_them_one() -> None:
    one, other = set(range(100)), set(range(100, 200))
    phrase = set(range(20)) | set(range(100, 120))
    found = groups({("head", 1): one, ("head", 2): other, ("line", 3): phrase})
    assert len(found) == 2
    assert sorted(map(len, found)) == [1, 1]


def test_what_two_pools_send_beside_words_of_their_own_is_of_neither() -> None:
    one, other, more = set(range(50)), set(range(50, 96)), set(range(96, 116))
    own: dict[Key, set[int]] = {("head", 1): one, ("line", 2): one, ("system", 3): other, ("tail", 4): other}
    tasks: dict[Key, set[int]] = {("tail", 5): one | other, ("line", 6): one | other | more}
    found = groups(own | tasks)
    assert sorted(found) == [[("head", 1), ("line", 2)], [("system", 3), ("tail", 4)]]


@given(st.integers(0, 2**32), st.integers(3, 12), st.floats(0.2, 0.9), st.integers(20, 120))
def test_wordings_that_heads_draw_at_random_bridge_nothing(seed: int, wordings: int, share: float, heads: int) -> None:
    """The system prompt of all heads stays with them, however few have sent the same wording so far."""
    random = Random(seed)
    drawn = {("head", n): set(random.sample(range(heads), max(5, int(share * heads)))) for n in range(wordings)}
    assert any(("system", 0) in group for group in groups(drawn | {("system", 0): set(range(heads))}))


def test_a_part_of_a_part_is_joined_to_the_whole() -> None:
    found = groups({("head", 1): set(range(60)), ("head", 2): set(range(12)), ("head", 3): set(range(2))})
    assert len(found) == 1


def test_a_user_agent_of_two_pools_does_not_make_them_one() -> None:
    one, other = set(range(30)), set(range(30, 60))
    agent = one | other | set(range(60, 69))
    assert groups({("agent", 1): agent, ("client", 2): one, ("client", 3): other}) == [
        [("agent", 1), ("client", 2)],
        [("client", 3)],
    ]


def test_a_user_agent_of_a_part_of_a_pool_belongs_to_the_pool() -> None:
    found = groups({("agent", 1): set(range(18)), ("agent", 2): set(range(18, 30)), ("system", 3): set(range(30))})
    assert found == [[("agent", 1), ("agent", 2), ("system", 3)]]


def test_user_agents_make_a_group_where_nothing_else_does() -> None:
    assert groups({("agent", 1): set(range(30)), ("agent", 2): set(range(28))}) == [[("agent", 1), ("agent", 2)]]


def test_nobody_is_no_group() -> None:
    assert groups({}) == []


CARDS: dict[int, str | None] = {account: f"card-{account // 10}" for account in range(200)}


def test_two_pools_with_one_instruction_are_told_apart_by_their_clients() -> None:
    holders = {("line", 1): set(range(200)), ("client", 2): set(range(100)), ("client", 3): set(range(100, 200))}
    found = parts(list(holders), overlaps(holders, CARDS), POLICY)
    assert [len(part.accounts) for part in found] == [100, 100]
    assert [part.keys for part in found] == [(("line", 1), ("client", 2)), (("line", 1), ("client", 3))]


def test_one_pool_with_two_clients_is_held_together_by_its_cards() -> None:
    holders = {("line", 1): set(range(200)), ("client", 2): set(range(0, 200, 2)), ("client", 3): set(range(1, 200, 2))}
    assert len(parts(list(holders), overlaps(holders, CARDS), POLICY)) == 1


def test_a_group_without_clients_stays_whole() -> None:
    holders = {("line", 1): set(range(200)), ("head", 2): set(range(100))}
    assert len(parts(list(holders), overlaps(holders, CARDS), POLICY)) == 1


def test_a_client_of_few_takes_nothing_apart() -> None:
    holders = {("line", 1): set(range(200)), ("client", 2): set(range(20)), ("client", 3): set(range(100, 120))}
    assert len(parts(list(holders), overlaps(holders, CARDS), POLICY)) == 1


def test_two_pools_with_one_user_agent_are_told_apart_by_clients_that_nearly_tie() -> None:
    agent, one, other = ("agent", 1), ("client", 2), ("client", 3)
    holders: dict[Key, set[int]] = {agent: set(range(200)), one: set(range(100)), other: set(range(100, 200))}
    assert len(parts([agent, one], overlaps(holders, CARDS), POLICY)) == 1
    found = parts([agent, one], overlaps(holders, CARDS), POLICY, [other])
    assert [(part.keys, len(part.accounts)) for part in found] == [((agent, one), 100), ((agent,), 100)]


def test_what_only_nearly_ties_takes_nothing_apart_that_says_the_same() -> None:
    """New heads behind another client go on with the pool's words."""
    line, own, nearly = ("line", 1), ("client", 2), ("client", 3)
    holders: dict[Key, set[int]] = {line: set(range(200)), own: set(range(100)), nearly: set(range(100, 200))}
    assert len(parts([line, own], overlaps(holders, CARDS), POLICY, [nearly])) == 1
