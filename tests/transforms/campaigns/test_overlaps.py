"""Who holds both of two keys is counted as holders come, and only what a new one touches is worked out again."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from given_accounts import DAY
from given_pools import overlaps
from schemas.policy import Campaigns
from transforms.campaigns.grouping import components
from transforms.campaigns.kinds import Key
from transforms.campaigns.overlaps import Overlaps
from transforms.campaigns.parts import Part, parts
from transforms.campaigns.purses import joined

POLICY = Campaigns()
ONE, OTHER = ("line", 1), ("line", 2)
SOME: list[Key] = [("agent", 1), ("client", 2), ("head", 3), ("line", 4), ("system", 5), ("client", 6), ("client", 7)]
LOW = Campaigns(least_accounts=2)
KEYS = st.tuples(st.just("head"), st.integers(0, 12))


@given(st.lists(st.tuples(KEYS, st.sets(st.integers(0, 9))), max_size=30))
def test_common_holders_are_counted_whatever_comes_in_whichever_order(told: list[tuple[Key, set[int]]]) -> None:
    holders, made = dict[Key, set[int]](), Overlaps()
    for key, accounts in told:
        before = holders.get(key, set())
        assert made.tell(key, dict.fromkeys(accounts, (DAY, None))) == (not accounts <= before)
        holders[key] = before | accounts
    keys = list(holders)
    assert made.common(keys).tolist() == [[len(holders[one] & holders[other]) for other in keys] for one in keys]
    assert made.everyone(keys) == set().union(*holders.values())


@given(st.permutations([(0, "a"), (1, None), (2, "b")]))
def test_an_account_pays_with_what_was_on_file_last_whatever_is_told_first(told: list[tuple[int, str | None]]) -> None:
    made = Overlaps()
    for hour, card in told:
        made.tell(ONE, {7: (DAY + timedelta(hours=hour), card)})
    assert made.cards == {7: "b"}


def test_a_group_is_worked_out_again_when_one_of_its_keys_has_a_new_holder_and_no_other_group_is() -> None:
    holders = overlaps({ONE: range(10), OTHER: range(10, 20)})
    of_one, of_other = (parts([key], holders, POLICY) for key in (ONE, OTHER))
    holders.tell(ONE, {20: (DAY, None)})
    assert [len(part.accounts) for part in parts([ONE], holders, POLICY)] == [len(of_one[0].accounts) + 1]
    assert parts([OTHER], holders, POLICY) is of_other


def test_a_group_is_worked_out_again_when_an_account_of_it_pays_with_another_card() -> None:
    clients: list[Key] = [("client", 3), ("client", 4)]
    both = {ONE: range(200), clients[0]: range(0, 200, 2), clients[1]: range(1, 200, 2)}
    holders = overlaps(both, dict.fromkeys(range(200), "shared"))
    assert len(parts([ONE, *clients], holders, POLICY)) == 1
    holders.tell(ONE, {account: (DAY + timedelta(hours=1), f"card-{account % 2}") for account in range(200)})
    assert len(parts([ONE, *clients], holders, POLICY)) == 2


def test_a_group_is_worked_out_again_when_a_client_that_nearly_ties_has_come_to_tell_its_accounts_apart() -> None:
    agent, one, other = ("agent", 1), ("client", 2), ("client", 3)
    both: dict[Key, range] = {agent: range(200), one: range(100), other: range(200, 300)}
    holders = overlaps(both, {account: f"card-{account // 10}" for account in range(300)})
    assert len(parts([agent, one], holders, POLICY, [other])) == 1
    holders.tell(other, {account: (DAY, f"card-{account // 10}") for account in range(100, 200)})
    assert len(parts([agent, one], holders, POLICY, [other])) == 2


@given(
    st.lists(
        st.tuples(st.sampled_from(SOME), st.sets(st.integers(0, 11), min_size=1), st.integers(0, 2)), min_size=1, max_size=14
    )
)  # fmt: skip
def test_what_was_worked_out_before_changes_no_campaign(told: list[tuple[Key, set[int], int]]) -> None:
    """After each holder that comes: the same as from overlaps that know everything at once."""
    kept, holders, cards = Overlaps(), dict[Key, set[int]](), dict[int, str | None]()
    for hour, (key, accounts, card) in enumerate(told):
        paid = dict.fromkeys(accounts, f"card-{card}")
        kept.tell(key, {account: (DAY + timedelta(hours=hour), name) for account, name in paid.items()})
        holders[key] = holders.get(key, set()) | accounts
        cards |= paid
        assert campaigns(kept) == campaigns(overlaps(holders, cards))


def campaigns(holders: Overlaps) -> list[Part]:
    """Of all keys, those of the last client nearly tied."""
    keys, nearly = [key for key in SOME[:-1] if key in holders], [key for key in SOME[-1:] if key in holders]
    found = [part for group in components(keys, holders, LOW) for part in parts(group, holders, LOW, nearly)]
    return joined(found, nearly, holders, LOW)


def test_what_is_told_again_touches_nothing() -> None:
    holders = overlaps({ONE: range(10)})
    before = holders.everyone([ONE])
    assert not holders.tell(ONE, {3: (DAY + timedelta(hours=1), None)})
    assert holders.everyone([ONE]) is before
