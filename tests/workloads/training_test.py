"""From a task to a model: what is made, that it is made alike twice, and that it is made once."""

import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from springtide.api.constants import Reason
from springtide.api.training_run import Features, Split
from springtide_workloads.artifacts.store import ArtifactStore
from springtide_workloads.errors import WorkloadError
from springtide_workloads.evaluation.metrics import auc
from springtide_workloads.model.folder import load_model

from tests.data.census import census_folder
from tests.workloads.builders import Place, a_table, a_task, do, write

RECIPES = ["gbdt", "mlp"]


def folder_of(result) -> Path:
    return Path(result.model.uri.removeprefix("file://"))


def document(result, name: str):
    return json.loads((folder_of(result) / name).read_text())


def client_of(place: Place):
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=place.tracking_uri, registry_uri=place.tracking_uri)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_model_is_better_than_chance_and_says_all_about_itself(recipe, loans, place, tmp_path):
    result = do(a_task(place, loans, recipe=recipe, slices=("grade", "owner"), weight="weight"), tmp_path)
    assert (result.status, result.reason) == ("Succeeded", "Succeeded")
    assert result.metrics["aucLow"] > 0.5
    assert result.metrics["aucLow"] < result.metrics["auc"] < result.metrics["aucHigh"]
    assert set(result.metrics) >= {
        "auc",
        "logLoss",
        "brier",
        "ece",
        "ks",
        "trainingRows",
        "testRows",
        "testPositiveRate",
    }
    assert result.inputs.rows == 2000
    assert result.inputs.files == 2
    documents = {"manifest", "model", "signature", "golden", "baseline", "metrics", "history", "importance", "inputs"}
    assert {path.stem for path in folder_of(result).iterdir()} >= {*documents, "plots"}
    assert {path.stem for path in (folder_of(result) / "plots").iterdir()} == {
        "roc",
        "calibration",
        "scores",
        "importance",
    }
    assert document(result, "model.json")["notes"] == [
        "column applied_at (timestamp[us]) is not used: only numbers, booleans and text are features"
    ]
    assert set(document(result, "metrics.json")["slices"]) == {"grade", "owner"}
    assert len(result.encode()) < 4096


@pytest.mark.parametrize("recipe", RECIPES)
def test_equal_work_gives_an_equal_digest(recipe, loans, place, tmp_path):
    first = do(a_task(place, loans, recipe=recipe, memoize=False), tmp_path)
    moved = tmp_path / "moved"
    shutil.copytree(loans.removeprefix("file://"), moved)
    elsewhere = Place(root=tmp_path / "elsewhere", tracking_uri=place.tracking_uri)
    second = do(a_task(elsewhere, moved.as_uri(), recipe=recipe, memoize=False), tmp_path)
    assert first.inputs == second.inputs
    assert first.metrics == second.metrics
    assert first.model.digest == second.model.digest


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_loaded_model_answers_as_it_did_whatever_the_batch(recipe, loans, place, tmp_path):
    result = do(a_task(place, loans, recipe=recipe), tmp_path)
    model = load_model(folder_of(result))
    table = pq.read_table(loans.removeprefix("file://"))
    batch = table.combine_chunks().to_batches()[0]
    scores = model.predict(batch)
    assert auc(table["defaulted"].to_numpy(), scores) > 0.6
    parts = [model.predict(batch.slice(start, 300)) for start in range(0, batch.num_rows, 300)]
    assert np.concatenate(parts) == pytest.approx(scores, abs=1e-6)
    shuffled = batch.select(sorted(batch.schema.names, reverse=True))
    assert model.predict(shuffled) == pytest.approx(scores, abs=1e-6)


@pytest.mark.parametrize("recipe", RECIPES)
def test_unseen_categories_missing_values_and_infinities_are_answered(recipe, loans, place, tmp_path):
    result = do(a_task(place, loans, recipe=recipe), tmp_path)
    batch = pa.RecordBatch.from_pydict(
        {
            "income": [None, float("inf"), float("nan")],
            "term": [36.0, None, -1e9],
            "grade": ["Z", None, "A"],
            "owner": [True, None, False],
            "branch": [0, 1, 2],
            "year": [2015, 2030, None],
            "weight": [1.0, None, 2.0],
        }
    )
    scores = load_model(folder_of(result)).predict(batch)
    assert ((scores > 0) & (scores < 1)).all()


def test_a_model_that_answers_otherwise_is_refused(loans, place, tmp_path):
    result = do(a_task(place, loans), tmp_path)
    golden = folder_of(result) / "golden.json"
    changed = json.loads(golden.read_text())
    changed["outputs"][0] += 0.01
    golden.write_text(json.dumps(changed))
    with pytest.raises(WorkloadError, match="golden requests") as refusal:
        load_model(folder_of(result))
    assert refusal.value.reason == Reason.DIGEST_MISMATCH


def test_nothing_that_runs_code_when_it_is_read_is_in_a_model(loans, place, tmp_path):
    for recipe in RECIPES:
        files = [
            path for path in folder_of(do(a_task(place, loans, recipe=recipe), tmp_path)).rglob("*") if path.is_file()
        ]
        assert {path.suffix for path in files} <= {".json", ".txt", ".safetensors", ".png"}
        assert not any(path.read_bytes()[:1] == b"\x80" for path in files), "pickles begin with 0x80"


def test_target_weight_time_and_excluded_columns_are_no_features(loans, place, tmp_path):
    split = Split(type="Time", column="year", test_fraction=0.25)
    asked = a_task(
        place, loans, split=split, weight="weight", features=Features(exclude=("branch",), categorical=("term",))
    )
    features = document(do(asked, tmp_path), "signature.json")["features"]
    assert [(feature["name"], feature["kind"]) for feature in features] == [
        ("income", "Number"), ("term", "Category"), ("grade", "Category"), ("owner", "Number"),
    ]  # fmt: skip
    assert features[1]["categories"] == ["36", "60"]


def test_a_split_by_time_holds_out_the_newest_rows_and_parts_no_moment(loans, place, tmp_path):
    result = do(a_task(place, loans, split=Split(type="Time", column="year", test_fraction=0.3)), tmp_path)
    assert result.metrics["testRows"] == 500, "2018 alone: 0.25 is nearer to 0.3 than 0.5 is"


@pytest.mark.parametrize("recipe", RECIPES)
def test_data_of_float32_alone_stays_so(recipe, place, tmp_path):
    table = a_table()
    narrow = pa.table(
        {"income": table["income"].cast(pa.float32()), "owner": table["owner"], "defaulted": table["defaulted"]}
    )
    result = do(a_task(place, write(narrow, tmp_path / "data"), recipe=recipe), tmp_path)
    assert document(result, "signature.json")["wideNumbers"] is False
    assert result.metrics["auc"] > 0.55


def test_weights_matter_in_metrics(loans, place, tmp_path):
    assert do(a_task(place, loans), tmp_path).metrics != do(a_task(place, loans, weight="weight"), tmp_path).metrics


def test_small_slices_are_left_out_by_name(place, tmp_path):
    table = a_table()
    rare = pa.array(["rare" if number < 40 else "common" for number in range(table.num_rows)])
    data = write(table.append_column("segment", rare), tmp_path / "data")
    result = do(a_task(place, data, slices=("segment", "income"), features=Features(exclude=("segment",))), tmp_path)
    slices = document(result, "metrics.json")["slices"]
    assert set(slices["segment"]["values"]) == {"common"}
    assert "at least 100 are needed" in slices["segment"]["omitted"]["rare"]
    assert not slices["income"]["values"] or set(slices["income"]["values"]) == {"null"}


def test_the_baseline_counts_every_sampled_row_once(loans, place, tmp_path):
    baseline = document(do(a_task(place, loans), tmp_path), "baseline.json")
    assert {sum(feature["counts"]) for feature in baseline["features"]} == {sum(baseline["features"][0]["counts"])}
    income = next(feature for feature in baseline["features"] if feature["name"] == "income")
    missing, special, below, *bins, above = income["counts"]
    assert len(income["bins"]["edges"]) == 9
    assert max(bins) - min(bins) <= 2
    assert (special, below, above) == (0, 0, 0)
    assert 0.05 < missing / sum(income["counts"]) < 0.15
    grade = next(feature for feature in baseline["features"] if feature["name"] == "grade")
    assert grade["bins"] == {"kind": "Category", "categories": ["A", "B", "C", "D"]}
    assert grade["counts"][1] == 0, "none was unseen"


def test_chunks_and_row_groups_do_not_matter_to_what_is_held_out(place, tmp_path):
    table = a_table()
    large = do(a_task(place, write(table, tmp_path / "large", files=1, row_group=2000)), tmp_path)
    small = do(a_task(place, write(table, tmp_path / "small", files=1, row_group=70)), tmp_path)
    assert large.metrics == small.metrics


def test_an_identifier_is_left_out_and_frequent_values_are_kept(place, tmp_path, monkeypatch):
    monkeypatch.setattr("springtide_workloads.data.profile.MAX_DISTINCT", 500)
    monkeypatch.setattr("springtide_workloads.data.profile.MAX_CATEGORIES", 3)
    table = a_table()
    names = pa.array([f"person-{number}" for number in range(table.num_rows)])
    result = do(a_task(place, write(table.append_column("name", names), tmp_path / "data")), tmp_path)
    features = {feature["name"]: feature for feature in document(result, "signature.json")["features"]}
    assert "name" not in features
    assert features["grade"]["categories"] == ["A", "B", "C"]
    assert any("column name is not used" in note for note in document(result, "model.json")["notes"])


def test_mlflow_knows_the_run_its_figures_and_the_model_version(loans, place, tmp_path):
    task = a_task(place, loans, slices=("grade",))
    result = do(task, tmp_path)
    client = client_of(place)
    run = client.get_run(result.mlflow.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["auc"] == pytest.approx(result.metrics["auc"], abs=1e-6)
    assert run.data.metrics["slice/grade/A/auc"] > 0
    assert run.data.params["recipe"] == "gbdt"
    assert run.data.params["recipe.numRounds"] == "20"
    assert run.data.tags["springtide.dev/run-uid"] == task.owner.uid
    assert run.data.tags["springtide.dev/inputs-digest"] == result.inputs.digest
    assert len(client.get_metric_history(result.mlflow.run_id, "validationLogLoss")) == 20
    assert {file.path for file in client.list_artifacts(result.mlflow.run_id)} == {"metrics.json", "model", "plots"}
    version = client.get_model_version(task.model_name, result.model.version)
    assert version.tags["springtide.dev/model-digest"] == result.model.digest
    assert version.run_id == result.mlflow.run_id


def test_doing_a_task_twice_leaves_one_run_and_one_version(loans, place, tmp_path):
    task = a_task(place, loans)
    first, second = do(task, tmp_path), do(task.model_copy(update={"memoize": False}), tmp_path)
    assert second.reason == "Succeeded", "its own earlier attempt is no memo hit"
    assert (first.mlflow, first.model) == (second.mlflow, second.model)
    client = client_of(place)
    assert (
        len(client.search_runs([first.mlflow.experiment_id], f"tags.`springtide.dev/run-uid` = '{task.owner.uid}'"))
        == 1
    )
    assert len(client.search_model_versions(f"name = '{task.model_name}'")) == 1


def test_a_run_that_a_killed_attempt_began_is_finished_by_the_next(loans, place, tmp_path):
    task = a_task(place, loans)
    first = do(task, tmp_path)
    client = client_of(place)
    client.update_run(first.mlflow.run_id, status="RUNNING")
    memo = next((tmp_path / "artifacts" / "memo").iterdir())
    entry = json.loads(memo.read_text())
    del entry["mlflow"]
    memo.write_text(json.dumps(entry))
    second = do(task, tmp_path)
    assert second.mlflow == first.mlflow
    assert client.get_run(first.mlflow.run_id).info.status == "FINISHED"


def test_an_equal_task_of_another_run_is_answered_from_the_memo(loans, place, tmp_path):
    first = do(a_task(place, loans, name="first"), tmp_path)
    second = do(a_task(place, loans, name="second", model="another"), tmp_path)
    assert (second.reason, second.memo.hit_from) == ("Memoized", "team/first")
    assert second.memo.key == first.memo.key
    assert second.model.digest == first.model.digest
    assert second.metrics == first.metrics
    assert client_of(place).get_model_version("another", second.model.version).run_id == first.mlflow.run_id


def test_a_memo_whose_mlflow_run_is_gone_gets_a_run_of_its_own(loans, place, tmp_path):
    first = do(a_task(place, loans), tmp_path)
    client_of(place).delete_run(first.mlflow.run_id)
    second = do(a_task(place, loans), tmp_path)
    assert second.reason == "Memoized"
    assert second.mlflow.run_id != first.mlflow.run_id
    assert client_of(place).get_run(second.mlflow.run_id).data.metrics["auc"] == pytest.approx(
        first.metrics["auc"], abs=1e-6
    )


@pytest.mark.parametrize(
    "asked",
    [
        {"recipe": "mlp"},
        {"parameters": {"numRounds": 21}},
        {"weight": "weight"},
        {"slices": ("grade",)},
        {"memoize": False},
    ],
)
def test_other_work_is_no_memo_hit(asked, loans, place, tmp_path):
    do(a_task(place, loans), tmp_path)
    assert do(a_task(place, loans, **asked), tmp_path).reason == "Succeeded"


@pytest.mark.parametrize("damage", ["vanished", "truncated", "changed", "no manifest"])
def test_a_memo_whose_model_is_gone_or_damaged_is_no_hit_and_the_model_is_made_again(damage, loans, place, tmp_path):
    first = do(a_task(place, loans), tmp_path)
    folder = folder_of(first)
    match damage:
        case "vanished":
            shutil.rmtree(folder)
        case "truncated":
            (folder / "model.txt").write_text("tree")
        case "changed":
            content = bytearray((folder / "model.txt").read_bytes())
            content[100] ^= 1
            (folder / "model.txt").write_bytes(content)
        case "no manifest":
            (folder / "manifest.json").unlink()
    second = do(a_task(place, loans), tmp_path)
    assert second.reason == "Succeeded"
    assert second.model.digest == first.model.digest
    ArtifactStore(place.store).verify(second.model.digest)


def test_work_that_is_finished_is_not_done_again_when_mlflow_was_down(loans, place, tmp_path, monkeypatch):
    task = a_task(place, loans)
    unusable = tmp_path / "mlflow.db"
    unusable.mkdir()
    monkeypatch.setattr("mlflow.store.db.utils.MAX_RETRY_COUNT", 1)  # in a hundred seconds it would be no other
    with pytest.raises(WorkloadError) as failure:
        do(task.model_copy(update={"tracking_uri": f"sqlite:///{unusable}"}), tmp_path)
    assert failure.value.reason == Reason.TRACKING_UNAVAILABLE
    assert failure.value.retryable
    monkeypatch.setattr("springtide_workloads.recipes.gbdt.Gbdt.fit", None)
    assert do(task, tmp_path).reason == "Succeeded"


def test_a_task_pinned_to_the_digest_of_its_data_is_done(loans, place, tmp_path):
    first = do(a_task(place, loans), tmp_path)
    assert do(a_task(place, loans, digest=first.inputs.digest), tmp_path).inputs == first.inputs


@pytest.mark.parametrize("pattern", ["", "part-0.parquet", "part-*.parquet", "*.parquet"])
def test_data_may_be_a_folder_a_file_or_a_glob(pattern, loans, place, tmp_path):
    result = do(a_task(place, f"{loans}/{pattern}".rstrip("/")), tmp_path)
    assert result.inputs.rows == (1000 if pattern == "part-0.parquet" else 2000)


def test_what_spark_leaves_beside_the_data_is_ignored(place, tmp_path):
    data = write(a_table(), tmp_path / "data")
    (tmp_path / "data" / "_temporary").mkdir()
    (tmp_path / "data" / "_temporary" / "part-7.parquet").write_bytes(b"half")
    (tmp_path / "data" / "_SUCCESS").touch()
    assert do(a_task(place, data), tmp_path).inputs.files == 2


def test_the_real_census_is_learned_and_its_slices_reported(place, tmp_path):
    split = Split(type="Time", column="year", test_fraction=0.25)
    asked = a_task(
        place,
        census_folder().as_uri(),
        target="employed",
        split=split,
        features=Features(exclude=("person_id",)),
        slices=("sex", "race"),
        parameters={"numRounds": 60, "learningRate": 0.2},
    )
    result = do(asked, tmp_path)
    assert result.metrics["testRows"] == 70_131
    assert 0.89 < result.metrics["auc"] < 0.92
    assert result.metrics["ece"] < 0.02
    assert len(document(result, "metrics.json")["slices"]["sex"]["values"]) == 2
