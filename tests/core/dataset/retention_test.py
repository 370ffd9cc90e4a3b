"""Which snapshots are kept: the newest, and whatever a TrainingRun holds on to, at every moment."""

from tests.core.dataset.world import NAME, RUN, World, a_dataset, digest, refreshed, unchanged


def _listed(world: World) -> str:
    return "".join(item["digest"][-1] for item in world.status["snapshots"])


def _publish(world: World, letters: str) -> World:
    for letter in letters:
        world.publish_when_asked(letter)
    return world


def test_the_newest_are_kept_and_the_next_refresh_removes_the_others() -> None:
    world = _publish(a_dataset(retention={"snapshots": 2}).publish("a"), "bc")
    assert _listed(world) == "cba"
    world.ask("again")
    assert _listed(world) == "cb"
    assert world.task()["remove"] == [digest("a")]
    world.end(refreshed("c", now=world.now, reason="Unchanged"))
    assert "removing" not in world.status or world.status["removing"] == []
    assert world.ask("more").task()["remove"] == []


def test_what_a_refresh_that_failed_should_have_removed_is_removed_by_the_next() -> None:
    world = _publish(a_dataset(retention={"snapshots": 1}).publish("a"), "b")
    world.ask("1").violate()
    assert world.ask("2").task()["remove"] == [digest("a")]
    world.end(unchanged())
    assert world.status["removing"] == []


def test_a_snapshot_that_a_run_is_pinned_to_is_kept_until_the_run_is_deleted() -> None:
    world = a_dataset(retention={"snapshots": 1}).publish("a").train()
    _publish(world, "bc")
    assert world.ask("again").task()["remove"] == [digest("b")]
    assert _listed(world) == "ca"
    world.end(unchanged())
    world.server.delete(RUN.kind, RUN.name)
    world.settle()
    assert world.ask("more").task()["remove"] == [digest("a")]


def test_a_snapshot_that_a_runs_spec_names_is_kept_before_the_run_starts() -> None:
    world = a_dataset(retention={"snapshots": 1}).publish("a")
    world.train(digest=digest("a"))
    world.server.update(RUN.kind, RUN.name, lambda run: run["spec"].update(suspend=True))
    _publish(world, "b")
    assert world.ask("again").task()["remove"] == []


def test_runs_on_other_data_hold_nothing_back() -> None:
    world = a_dataset(retention={"snapshots": 1}).publish("a").train(dataset="other", digest=digest("a"))
    assert _publish(world, "b").ask("again").task()["remove"] == [digest("a")]


def test_labels_that_a_monitor_joins_with_requests_are_kept_until_it_has_joined_newer_ones() -> None:
    world = a_dataset(retention={"snapshots": 1}).publish("a")
    labels = {"datasetRef": {"name": NAME}, "column": "defaulted"}
    spec = {"target": {"modelServiceRef": {"name": "pd"}}, "labels": labels, "suspend": True}
    model = {"uri": "s3://m", "digest": digest("d")}
    look = {"number": 1, "trigger": "Labels", "dueTime": "2026-11-23T12:00:00Z", "demand": digest("d"), "uri": "s3://l"}
    look |= {"baseline": model, "labels": {"uri": "s3://x", "snapshot": digest("a")}}
    monitor = {"apiVersion": "springtide.dev/v1alpha1", "kind": "DriftMonitor", "metadata": {"name": "pd"}}
    world.server.create(monitor | {"spec": spec, "status": {"currentLook": look}})
    world.settle()
    assert _publish(world, "b").ask("again").task()["remove"] == []
    world.end(unchanged())
    world.server.update("DriftMonitor", "pd", lambda it: it.update(status={"labels": digest("a")}))
    assert world.settle().ask("more").task()["remove"] == []
    world.end(unchanged())
    world.server.update("DriftMonitor", "pd", lambda it: it.update(status={"labels": digest("b")}))
    world.settle()
    assert world.ask("at last").task()["remove"] == [digest("a")]


def test_a_snapshot_that_comes_back_is_the_latest_and_is_not_removed() -> None:
    world = _publish(a_dataset(retention={"snapshots": 1}).publish("a"), "b")
    world.ask("again").publish("a")
    assert world.status["latest"]["digest"] == digest("a")
    assert _listed(world) == "ab"
    assert world.ask("more").task()["remove"] == [digest("b")]


def test_a_run_that_is_pinned_between_the_list_and_the_job_gets_its_snapshot_back() -> None:
    world = _publish(a_dataset(retention={"snapshots": 1}).publish("a"), "b")
    pinned = {"name": NAME, "digest": digest("a"), "uri": "s3://x"}

    def pin_after_the_intent(verb: str, resource: str, _: str) -> None:
        if (verb, resource) == ("patch", "datasets/status") and world.status.get("removing"):
            world.server.after = lambda *_: None
            run = {"apiVersion": "springtide.dev/v1alpha1", "kind": RUN.kind, "metadata": {"name": RUN.name}}
            spec = {"model": {"name": "m"}, "data": {"datasetRef": {"name": NAME}}, "container": {"image": "i"}}
            world.operator.store.upsert(
                RUN.kind, world.server.create(run | {"spec": spec | {"suspend": True}, "status": {"dataset": pinned}})
            )

    world.server.after = pin_after_the_intent
    world.ask("again")
    assert world.task()["remove"] == []
    assert _listed(world) == "ba"


def test_no_more_are_listed_than_fit() -> None:
    world = a_dataset(retention={"snapshots": 50}).publish("a")
    old = [world.status["latest"] | {"digest": f"sha256:{n:064d}"} for n in range(130)]
    world.server.update("Dataset", NAME, lambda it: it["status"].update(snapshots=old[:100], removing=[]))
    world.ask("again")
    assert len(world.task()["remove"]) == 50
    assert len(world.publish("b").status["snapshots"]) == 51
