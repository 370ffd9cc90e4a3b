"""Fresh turns False by itself when the newest data has grown too old, and says since which age."""

from tests.core.dataset.world import a_dataset, digest

DAY = {"contract": {"maxAgeSeconds": 86_400}}


def test_data_grows_stale_at_the_moment_it_does() -> None:
    world = a_dataset(**DAY, eventTimeColumn="t").publish("a", eventTimeMax="2026-11-23T06:00:00Z")
    assert world.told("Fresh") == ("True", "Fresh")
    writes = len(world.server.writes)
    world.pass_time(hours=17, minutes=59)
    assert len(world.server.writes) == writes
    world.pass_time(minutes=1)
    assert world.told("Fresh") == ("False", "Stale")
    assert world.condition("Fresh")["lastTransitionTime"] == "2026-11-24T06:00:00Z"
    assert world.told("Ready") == ("True", "Refreshed")
    writes = len(world.server.writes)
    world.pass_time(days=30)
    world.restart()
    world.pass_time(days=30)
    assert len(world.server.writes) == writes


def test_newer_data_is_fresh_again() -> None:
    world = a_dataset(**DAY).publish("a").pass_time(days=2)
    assert world.told("Fresh") == ("False", "Stale")
    assert world.ask("now").publish("b").told("Fresh") == ("True", "Fresh")


def test_without_event_times_the_age_is_that_of_the_snapshot() -> None:
    world = a_dataset(**DAY).publish("a", createdTime="2026-11-22T13:00:00Z")
    assert world.told("Fresh") == ("True", "Fresh")
    assert world.pass_time(hours=1).told("Fresh") == ("False", "Stale")


def test_a_time_in_the_future_is_no_age() -> None:
    world = a_dataset(**DAY, eventTimeColumn="t").publish("a", eventTimeMax="2026-11-25T00:00:00Z")
    assert world.told("Fresh") == ("Unknown", "EventTimeInFuture")
    assert world.pass_time(days=2).told("Fresh") == ("True", "Fresh")
    assert world.pass_time(days=1).told("Fresh") == ("False", "Stale")


def test_a_time_that_means_never_holds_nothing_up() -> None:
    world = a_dataset(**DAY, eventTimeColumn="t").publish("a", eventTimeMax="9999-12-31T00:00:00Z")
    assert world.told("Fresh") == ("Unknown", "EventTimeInFuture")
    assert world.told("Ready") == ("True", "Refreshed")
    assert world.ask("now").publish("b").told("Fresh") == ("True", "Fresh")


def test_an_age_that_nothing_reaches_is_a_limit_like_any_other() -> None:
    world = a_dataset(contract={"maxAgeSeconds": 10**18}).publish("a")
    assert world.pass_time(days=4000).told("Fresh") == ("True", "Fresh")


def test_without_a_limit_nothing_is_too_old() -> None:
    world = a_dataset().publish("a")
    assert world.pass_time(days=4000).told("Fresh") == ("True", "NoMaximumAge")


def test_another_limit_counts_at_once() -> None:
    world = a_dataset(**DAY).publish("a").pass_time(hours=2)
    world.edit(contract={"maxAgeSeconds": 3600})
    assert world.told("Fresh") == ("False", "Stale")
    assert world.status["latest"]["digest"] == digest("a")
