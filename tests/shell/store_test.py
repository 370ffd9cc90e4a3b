"""What the operator knows of the cluster."""

from typing import Any

from springtide.cluster.store import Key, Store

KEY = Key("TrainingRun", "team", "churn")
LABELS = {"springtide.dev/kind": "TrainingRun", "springtide.dev/name": "churn"}


def _run(version: int, *, uid: str = "u1", **status: Any) -> dict[str, Any]:
    metadata = {"name": "churn", "namespace": "team", "uid": uid, "resourceVersion": str(version)}
    return {"apiVersion": "springtide.dev/v1alpha1", "kind": "TrainingRun", "metadata": metadata, "status": status}


def _job(
    version: int, *, uid: str = "j1", name: str = "churn-a1", labels: dict[str, str] | None = None
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": "team", "uid": uid, "resourceVersion": str(version)}
    metadata["labels"] = LABELS if labels is None else labels
    spec = {"suspend": True, "template": {"spec": {"containers": []}}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def _children(store: Store, key: Key = KEY) -> list[str]:
    return [child["metadata"]["name"] for child in store.children(key)]


def test_news_of_an_object_concerns_itself_and_news_of_a_child_its_parent() -> None:
    store = Store()
    assert store.upsert("TrainingRun", _run(1)) == KEY
    assert store.upsert("Job", _job(2)) == KEY
    assert _children(store) == ["churn-a1"]


def test_older_news_is_no_news() -> None:
    store = Store()
    store.upsert("TrainingRun", _run(5, attempt=2))
    assert store.upsert("TrainingRun", _run(5, attempt=3)) is None
    assert store.upsert("TrainingRun", _run(4, attempt=1)) is None
    parent = store.parent(KEY)
    assert parent is not None
    assert parent["status"] == {"attempt": 2}


def test_the_deletion_of_a_predecessor_does_not_remove_its_successor() -> None:
    store = Store()
    store.upsert("Job", _job(5, uid="new"))
    assert store.remove("Job", _job(4, uid="old")) is None
    assert _children(store) == ["churn-a1"]


def test_a_deletion_that_came_first_is_not_undone_by_a_list_or_an_answer_that_is_older() -> None:
    store = Store()
    store.upsert("Job", _job(5))
    assert store.remove("Job", _job(7)) == KEY
    assert store.upsert("Job", _job(6)) is None
    assert _children(store) == []


def test_a_deletion_is_remembered_over_one_list_and_forgotten_after_another() -> None:
    store = Store()
    store.remove("Job", _job(7))
    store.prune("Job", keep=set(), version=8, namespace=None)
    assert store.upsert("Job", _job(6)) is None
    store.prune("Job", keep=set(), version=9, namespace=None)
    assert not store._gone, "it would grow for ever"


def test_an_object_that_loses_our_label_and_gets_it_back_is_known_again() -> None:
    store = Store()
    store.upsert("Job", _job(5))
    store.remove("Job", _job(7, labels={}))
    assert store.upsert("Job", _job(9)) == KEY


def test_a_child_that_is_given_another_owner_leaves_the_first() -> None:
    store = Store()
    store.upsert("Job", _job(5))
    other = store.upsert("Job", _job(6, labels=LABELS | {"springtide.dev/name": "other"}))
    assert other == Key("TrainingRun", "team", "other")
    assert _children(store) == []
    assert _children(store, other) == ["churn-a1"]
    store.remove("Job", _job(7))
    assert _children(store, other) == []


def test_a_full_list_removes_what_it_does_not_name_but_nothing_that_is_newer() -> None:
    store = Store()
    store.upsert("Job", _job(5, uid="ghost", name="churn-a1"))
    store.upsert("Job", _job(6, uid="kept", name="churn-a2"))
    store.upsert("Job", _job(12, uid="newer", name="churn-a3"))
    assert store.prune("Job", keep={"kept"}, version=10, namespace=None) == {KEY}
    assert sorted(_children(store)) == ["churn-a2", "churn-a3"]


def test_the_list_of_one_namespace_says_nothing_of_another() -> None:
    store = Store()
    store.upsert("Job", _job(5))
    store.prune("Job", keep=set(), version=10, namespace="elsewhere")
    assert _children(store) == ["churn-a1"]


def test_an_object_for_all_of_a_kind_is_seen_by_all_of_its_namespace() -> None:
    store = Store()
    claim = _job(3, name="artifacts", labels={"springtide.dev/kind": "TrainingRun"})
    store.upsert("PersistentVolumeClaim", claim)
    assert [item["metadata"]["name"] for item in store.shared(KEY)] == ["artifacts"]
    assert not list(store.shared(KEY._replace(namespace="elsewhere")))
    store.remove("PersistentVolumeClaim", claim)
    assert not list(store.shared(KEY))


def test_only_what_decisions_need_is_kept() -> None:
    store = Store()
    job = _job(1)
    job["metadata"]["managedFields"] = [{"manager": "x"}]
    job["metadata"]["annotations"] = {"a": "b"}
    store.upsert("Job", job)
    kept = next(store.children(KEY))
    assert kept["spec"] == {"suspend": True}
    assert not {"managedFields", "annotations"} & set(kept["metadata"])


def test_reasons_are_counted_for_the_metrics() -> None:
    store = Store()
    store.upsert("TrainingRun", _run(1, conditions=[{"type": "Ready", "reason": "Training"}]))
    assert list(store.reasons("TrainingRun")) == ["Training"]
    store.upsert("TrainingRun", _run(2))
    assert list(store.reasons("TrainingRun")) == [""]


def test_the_last_words_of_a_pod_are_kept_for_two_lists() -> None:
    store = Store()
    pod = _job(5, uid="p1", name="churn-a1-x") | {"kind": "Pod", "apiVersion": "v1"}
    store.upsert("Pod", pod | {"status": {"phase": "Running"}})
    last = pod | {"metadata": pod["metadata"] | {"resourceVersion": "7"}, "status": {"phase": "Failed"}}
    assert store.remove("Pod", last) == KEY
    kept = next(store.children(KEY))
    assert kept["gone"] is True
    assert kept["status"] == {"phase": "Failed"}
    store.prune("Pod", keep=set(), version=8, namespace=None)
    assert _children(store) == ["churn-a1-x"]
    store.prune("Pod", keep=set(), version=9, namespace=None)
    assert _children(store) == []


def test_a_pod_that_a_list_misses_and_no_watch_told_of_is_forgotten_at_once() -> None:
    store = Store()
    store.upsert("Pod", _job(5, uid="p1", name="churn-a1-x"))
    store.prune("Pod", keep=set(), version=8, namespace=None)
    assert _children(store) == []
