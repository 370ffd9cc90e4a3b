"""What the chart makes of its values."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from springtide.api.platform import Platform
from springtide.crdgen.kinds import discover
from springtide.shell.metrics import Metrics

from tests.chart.render import CHART, EXTERNAL, MONITORING, NAMESPACE, VARIANTS, helm, rendered, template

OPERATOR = "springtide-operator"
MLFLOW = "springtide-mlflow"


def platform(values: dict[str, Any]) -> Platform:
    settings = rendered(values).one("ConfigMap", OPERATOR)["data"]["platform.yaml"]
    return Platform.model_validate(yaml.safe_load(settings))


def test_helm_lint_is_content():
    done = helm("lint", "--strict", str(CHART), "--kube-version", "1.37.0")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("values", VARIANTS.values(), ids=VARIANTS)
def test_the_operator_reads_the_settings_that_the_chart_writes(values: dict[str, Any]):
    read = platform(values)
    assert read.lease_namespace == NAMESPACE
    assert read.namespaces == tuple(values.get("namespaces", ()))


def test_the_default_settings_are_those_of_the_operator():
    chosen = {"workloadsImage", "trackingUri"}
    required = {"workloadsImage": "springtide/workloads:0.1.0", "trackingUri": f"http://{MLFLOW}.{NAMESPACE}.svc:5000"}
    written = platform({}).to_wire()
    assert {name: written[name] for name in chosen} == required
    assert platform({}) == Platform.model_validate(required)


def test_an_object_store_needs_no_volume():
    assert platform(EXTERNAL).artifacts_volume is None


def test_values_reach_the_settings():
    read = platform(VARIANTS["all there is"])
    assert {variable.name: variable.value for variable in read.env} == {"OMP_NUM_THREADS": "4", "NUMBER_LIKE": "1e3"}
    assert read.env_from_secrets == ("bucket",)
    assert read.priority_class_name == "batch"
    assert read.artifacts_volume is not None
    assert read.artifacts_volume.storage_class_name == "fast"


def test_changed_settings_roll_the_operator_and_other_values_do_not():
    def checksum(values: dict[str, Any]) -> str:
        template = rendered(values).one("Deployment", OPERATOR)["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/platform"])

    assert checksum({}) == checksum({"mlflow.resources.limits.memory": "2Gi"})
    assert checksum({}) != checksum({"workloads.scratchSize": "20Gi"})


def test_every_kind_has_its_definition_and_it_survives_an_uninstall():
    documents = rendered({})
    for kind in discover():
        crd = documents.one("CustomResourceDefinition", f"{kind.resource.plural}.springtide.dev")
        assert crd["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_definitions_can_be_left_out_or_given_up():
    assert not rendered({"crds.install": False}).of("CustomResourceDefinition")
    assert all(
        "annotations" not in crd["metadata"] for crd in rendered({"crds.keep": False}).of("CustomResourceDefinition")
    )


def test_the_database_outlives_the_release():
    assert rendered({}).one("PersistentVolumeClaim", MLFLOW)["metadata"]["annotations"] == {
        "helm.sh/resource-policy": "keep"
    }


def test_mlflow_takes_its_database_from_a_secret_and_then_needs_no_volume():
    documents = rendered(EXTERNAL)
    (container,) = documents.pods()[MLFLOW]["containers"]
    uri = next(variable for variable in container["env"] if variable["name"] == "MLFLOW_BACKEND_STORE_URI")
    assert uri["valueFrom"] == {"secretKeyRef": {"name": "mlflow-db", "key": "uri"}}
    assert "--artifacts-destination=s3://models/mlflow" in container["command"]
    assert container["envFrom"] == [{"secretRef": {"name": "bucket"}}]
    assert not documents.of("PersistentVolumeClaim")


def test_mlflow_answers_the_host_that_workloads_ask():
    (container,) = rendered({"mlflow.allowedHosts": ["ml.example.com"]}).pods()[MLFLOW]["containers"]
    (argument,) = [argument for argument in container["command"] if argument.startswith("--allowed-hosts=")]
    hosts = argument.partition("=")[2].split(",")
    assert f"{MLFLOW}.*" in hosts  # springtide-mlflow.<namespace>.svc:5000
    assert "ml.example.com" in hosts


def test_without_mlflow_nothing_of_it_is_installed():
    documents = rendered(VARIANTS["an MLflow of one's own"])
    assert not [document for document in documents.documents if MLFLOW in document["metadata"]["name"]]


def test_one_replica_has_no_disruption_budget():
    assert rendered({}).of("PodDisruptionBudget")
    assert not rendered({"operator.replicas": 1}).of("PodDisruptionBudget")


def test_the_network_policy_of_mlflow_lets_in_the_workloads_of_watched_namespaces():
    everywhere, some = (
        rendered(values).one("NetworkPolicy", MLFLOW)["spec"]["ingress"][0]["from"][0]
        for values in ({}, {"namespaces": ["team-a"]})
    )
    assert everywhere["podSelector"]["matchExpressions"] == [{"key": "springtide.dev/kind", "operator": "Exists"}]
    assert everywhere["namespaceSelector"] == {}
    assert some["namespaceSelector"]["matchExpressions"][0]["values"] == ["team-a"]


def test_the_operator_may_call_names_and_the_api_server_only():
    egress = rendered({}).one("NetworkPolicy", OPERATOR)["spec"]["egress"]
    assert sorted({port["port"] for rule in egress for port in rule["ports"]}) == [53, 443, 6443]


def test_monitoring_comes_with_its_kinds_only():
    without, with_them = rendered({}), rendered({}, apis=MONITORING)
    assert not without.of("ServiceMonitor") + without.of("PrometheusRule")
    assert with_them.of("ServiceMonitor")
    assert with_them.of("PrometheusRule")


def test_alerts_and_dashboard_ask_for_metrics_that_the_operator_has():
    metrics = Metrics()
    metrics.collect_objects(["TrainingRun"], lambda _: ["Training"])
    metrics.outcomes.labels("TrainingRun", "error").inc()
    metrics.passes.labels("TrainingRun").observe(0.1)
    metrics.requests.labels("GET", "jobs", 200).inc()
    known = {sample.name for family in metrics.registry.collect() for sample in family.samples}

    alerts = json.dumps(rendered({}, apis=MONITORING).of("PrometheusRule"))
    asked = set(re.findall(r"springtide_[a-z_]+", alerts + (CHART / "files/dashboard.json").read_text()))
    assert asked
    assert asked <= known


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"operator.replica": 3}, "at '/operator': additional properties 'replica' not allowed"),
        (
            {"artifacts.uri": "/artifacts"},
            "at '/artifacts/uri': '/artifacts' does not match pattern '^(s3|file)://.+$'",
        ),
        ({"namespaces": ["Team_A"]}, "at '/namespaces/0': 'Team_A' does not match pattern"),
        ({"namespaces": ["a", "a"]}, "at '/namespaces': items at 0 and 1 are equal"),
        (
            {"workloads.resources.limits.memory": "lots"},
            "at '/workloads/resources/limits/memory': 'lots' does not match",
        ),
        ({"operator.replicas": 0}, "at '/operator/replicas': minimum: got 0, want 1"),
        ({"operator.logLevel": "loud"}, "at '/operator/logLevel': value must be one of"),
        ({"workloads.env": {"A-B": "x"}}, "at '/workloads/env': additional properties 'A-B' not allowed"),
        ({"mlflow.enabled": False}, "mlflow.trackingUri must name your MLflow server when mlflow.enabled is false"),
    ],
)
def test_a_wrong_value_is_refused_by_name(values: dict[str, Any], says: str):
    done = template(values)
    assert done.returncode != 0
    assert says in done.stderr


def test_every_value_is_described():
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    def undescribed(node: dict[str, Any], value: dict[str, Any], path: str) -> Iterator[str]:
        for name, child in value.items():
            field = node["properties"][name]
            if not field.get("description"):
                yield f"{path}{name}"
            if "properties" in field:
                yield from undescribed(field, child, f"{path}{name}.")

    assert not list(undescribed(schema, values, ""))


def test_an_older_kubernetes_is_refused():
    done = helm("template", "springtide", str(CHART), "--kube-version", "1.33.0")
    assert "chart requires kubeVersion: >=1.34.0-0" in done.stderr
