"""Files of the artifact store, read by a pod and verified here; the pod is the workloads' own program."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from springtide.cli.change import Waiting
from springtide.cli.errors import CommandError, Exit
from springtide.cli.manifest import Manifest
from springtide.cli.report import Published, fetch, file_of, pod, published, save_name, verified
from springtide_workloads.artifacts.manifest import describe_folder
from springtide_workloads.artifacts.store import ArtifactStore

from tests.cli.cluster import WORKLOADS, Cluster, served
from tests.cli.objects import a_monitor, a_policy, a_retrain_run, objects_of
from tests.core.drift_monitor.world import over_service

COMMAND = Path(sys.executable).with_name("kubectl-springtide")
PAGE = "<html>" + "".join(f"<p>column {number}</p>" for number in range(5000)) + "</html>"


def job() -> Manifest:
    (made,) = objects_of(over_service(), "Job")
    manifest: Manifest = made
    return manifest


def waiting() -> Waiting:
    return Waiting(seconds=30, tell=lambda _: None, sleep=lambda _: None, clock=lambda: 0.0)


@pytest.fixture
def report(tmp_path: Path) -> Published:
    """A report as a look publishes it."""
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "index.html").write_text(PAGE)
    (folder / "evidently.html").write_text("<html>evidently</html>")
    manifest = describe_folder(folder, kind="Report", schema=(), inputs=())
    uri = ArtifactStore(f"file://{tmp_path}/store", section="drift/team.income").publish(folder, manifest=manifest)
    return Published(uri, manifest.digest)


def with_report(report: Published) -> Manifest:
    monitor = a_monitor()
    monitor["status"]["lastWindow"] |= {"reportUri": report.uri, "reportDigest": report.digest}
    return monitor


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(job(), termination_log=tmp_path / "termination-log")


def test_a_report_arrives_as_it_was_published(cluster: Cluster, report: Published):
    assert fetch(cluster, with_report(report), report, "index.html", wait=waiting()) == PAGE.encode()


def test_other_files_of_the_folder_can_be_asked_for(cluster: Cluster, report: Published):
    assert b"evidently" in fetch(cluster, with_report(report), report, "evidently.html", wait=waiting())


def test_the_pod_is_removed_whatever_happens(cluster: Cluster, report: Published):
    fetch(cluster, with_report(report), report, "index.html", wait=waiting())
    with pytest.raises(CommandError):
        fetch(cluster, with_report(report), report, "nothing.html", wait=waiting())
    assert len(cluster.made) == 2
    assert not cluster.pods


def test_a_file_that_is_not_there_is_answered_by_those_that_are(cluster: Cluster, report: Published):
    with pytest.raises(CommandError, match=r"there is no plots\.html in .*; there are evidently\.html, index\.html"):
        fetch(cluster, with_report(report), report, "plots.html", wait=waiting())


def test_a_report_that_was_changed_in_the_store_is_refused(cluster: Cluster, report: Published):
    (Path(report.uri.removeprefix("file://")) / "index.html").write_text("<html>all is well</html>")
    with pytest.raises(CommandError, match="but the manifest says"):
        fetch(cluster, with_report(report), report, "index.html", wait=waiting())


def test_a_report_that_was_changed_on_its_way_is_refused(report: Published):
    arguments = [WORKLOADS, "show", report.uri, "index.html", "--digest", report.digest]
    log = subprocess.run(arguments, capture_output=True, check=True).stdout
    assert verified(log, place=report, file="index.html") == PAGE.encode()
    with pytest.raises(CommandError, match="broke off"):
        verified(log[: len(log) // 2], place=report, file="index.html")
    with pytest.raises(CommandError, match=r"damaged|did not arrive"):
        verified(log.replace(b"springtide:file:H4s", b"springtide:file:H4t"), place=report, file="index.html")
    with pytest.raises(CommandError, match="did not arrive as it was published"):
        verified(log, place=Published(report.uri, "sha256:" + "0" * 64), file="index.html")


def test_the_pod_is_as_restricted_as_a_job_and_reaches_less(report: Published):
    template = job()["spec"]["template"]["spec"]
    volumes = [
        {"name": name, "persistentVolumeClaim": {"claimName": name}} for name in ("artifacts", "source", "volume-0")
    ]
    mounts = [{"name": volume["name"], "mountPath": f"/{volume['name']}"} for volume in volumes]
    template["volumes"] += volumes
    template["containers"][0]["volumeMounts"] += mounts
    made = pod(template, with_report(report), place=report, file="index.html")["spec"]
    (container,) = made["containers"]
    assert made["securityContext"] == template["securityContext"]
    assert made["automountServiceAccountToken"] is False
    assert container["securityContext"] == template["containers"][0]["securityContext"]
    assert {volume["name"] for volume in made["volumes"]} == {"tmp", "artifacts"}
    assert {"name": "artifacts", "mountPath": "/artifacts", "readOnly": True} in container["volumeMounts"]
    assert not [variable for variable in container["env"] if variable["name"] == "SPRINGTIDE_TASK"]
    assert container["image"] == template["containers"][0]["image"]


def test_the_pod_carries_no_label_that_the_operator_watches(report: Published):
    made = pod(job()["spec"]["template"]["spec"], with_report(report), place=report, file="index.html")
    assert not [label for label in made["metadata"]["labels"] if label.startswith("springtide.dev/")]


def test_a_users_own_image_is_not_asked_to_read(report: Published, tmp_path: Path):
    own = job()
    own["spec"]["template"]["spec"]["containers"][0]["args"] = ["train.py"]
    with pytest.raises(CommandError, match="there is no Job of Springtide left in namespace team"):
        fetch(Cluster(own, termination_log=tmp_path / "log"), with_report(report), report, "index.html", wait=waiting())


def test_an_image_from_before_this_command_is_told(report: Published, tmp_path: Path):
    class Old(Cluster):
        def _run(self, body: Manifest) -> Manifest:
            body["spec"]["containers"][0]["args"][0] = "no-such-command"
            return super()._run(body)

    with pytest.raises(CommandError, match="does not know `show`"):
        fetch(Old(job(), termination_log=tmp_path / "log"), with_report(report), report, "index.html", wait=waiting())


def test_every_kind_that_publishes_says_where():
    assert file_of(published(a_retrain_run()), "") == "report.html"
    assert published(a_retrain_run()).uri == "s3://artifacts/springtide/evidence/team.pd/r"
    with pytest.raises(CommandError, match="RetrainRun pd-1 has no report yet: there is one once a challenger was"):
        published(a_retrain_run("Training"))
    with pytest.raises(CommandError, match="a RetrainPolicy publishes no report") as refused:
        published(a_policy())
    assert refused.value.code is Exit.USAGE


def test_a_monitor_publishes_what_it_measured_by_labels_too(report: Published):
    monitor = with_report(report)
    monitor["status"]["measurement"] = {"reportUri": "s3://artifacts/labels", "reportDigest": report.digest}
    assert published(monitor).uri == report.uri
    assert published(monitor, performance=True).uri == "s3://artifacts/labels"


def recorded(phase: str = "Promoted", **status: Any) -> Manifest:
    record = {"uri": "s3://artifacts/springtide/records/team.pd/r", "digest": "sha256:" + "e" * 64}
    return a_retrain_run(phase, record=record, **status)


def test_a_run_that_has_ended_has_a_record_beside_its_evidence():
    assert published(recorded()).uri == "s3://artifacts/springtide/evidence/team.pd/r"
    place = published(recorded(), record=True)
    assert place.uri == "s3://artifacts/springtide/records/team.pd/r"
    assert file_of(place, "") == "record.html"
    assert file_of(place, "run.json") == "run.json"


def test_of_a_run_that_was_never_judged_there_is_the_record():
    assert published(recorded("Failed", verdict=None)).page == "record.html"


def test_a_record_that_is_not_there_is_answered_by_why():
    with pytest.raises(CommandError, match="RetrainRun pd-1 has no record yet: there is one soon after it has ended"):
        published(a_retrain_run("Training"), record=True)
    told = a_retrain_run()
    why = {"type": "Recorded", "status": "False", "message": "the record could not be written: no right to"}
    told["status"]["conditions"].append(why)
    with pytest.raises(CommandError, match="RetrainRun pd-1 has no record: the record could not be written: no right"):
        published(told, record=True)


def test_only_a_run_has_a_record(report: Published):
    with pytest.raises(CommandError, match=r"only a RetrainRun \(rrun\) has one") as refused:
        published(with_report(report), record=True)
    assert refused.value.code is Exit.USAGE


def test_a_model_has_files_and_no_page():
    model = Published("s3://artifacts/springtide/models/1", "sha256:1")
    assert file_of(model, "metrics.json") == "metrics.json"
    with pytest.raises(CommandError, match="name one of its files by --file"):
        file_of(model, "")


def test_files_are_saved_under_the_name_of_the_object():
    assert save_name(a_monitor(), "index.html") == "income-report.html"
    assert save_name(a_retrain_run(), "report.html") == "pd-1-report.html"
    assert save_name(a_retrain_run(), "record.html") == "pd-1-record.html"
    assert save_name(a_monitor(), "plots/roc.png") == "income-roc.png"


def open_report(cluster: Cluster, folder: Path, *, browser: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder of a machine that has one browser, or with an empty name none."""
    with served(cluster, folder) as kubeconfig:
        environment = {"KUBECONFIG": str(kubeconfig), "BROWSER": browser, "PATH": os.devnull, "COLUMNS": "300"}
        command = [COMMAND, "report", "dmon/income", "--open", "-o", "my report.html"]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=folder)


def test_a_report_is_opened_in_the_users_browser(cluster: Cluster, report: Published, tmp_path: Path):
    cluster.add(with_report(report))
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\necho $1 > {tmp_path}/opened\n")
    browser.chmod(0o755)
    done = open_report(cluster, tmp_path, browser=str(browser))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "opened").read_text() == f"{tmp_path.as_uri()}/my%20report.html\n"
    assert (tmp_path / "my report.html").read_text() == PAGE


@pytest.mark.parametrize("browser", ["", "/bin/false"])
def test_where_no_browser_opens_it_the_report_is_there_and_the_user_is_told(
    cluster: Cluster, report: Published, tmp_path: Path, browser: str
):
    cluster.add(with_report(report))
    done = open_report(cluster, tmp_path, browser=browser)
    assert done.returncode == Exit.FAILED
    assert "there is no browser here: open my report.html yourself" in done.stderr
    assert (tmp_path / "my report.html").read_text() == PAGE
