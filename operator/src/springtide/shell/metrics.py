"""What Prometheus sees of the operator."""

from collections import Counter as Counts
from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


class Metrics:
    """The operator's metrics in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.passes = Histogram(
            "springtide_reconcile_seconds",
            "Duration of a pass over one object.",
            ["kind"],
            buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5),
            registry=self.registry,
        )
        self.outcomes = Counter(
            "springtide_reconcile", "Passes by outcome.", ["kind", "outcome"], registry=self.registry
        )
        self.requests = Counter(
            "springtide_api_requests",
            "Requests to the API server, watches aside.",
            ["verb", "resource", "code"],
            registry=self.registry,
        )
        self.queue_depth = Gauge("springtide_queue_depth", "Keys that wait for a worker.", registry=self.registry)
        self.queue_age = Gauge("springtide_queue_age_seconds", "Age of the oldest key.", registry=self.registry)
        self.leading = Gauge("springtide_leading", "1 if this replica leads.", registry=self.registry)
        self.capability = Gauge(
            "springtide_capability",
            "1 if the cluster serves the optional API group.",
            ["group"],
            registry=self.registry,
        )

    def observe_request(self, verb: str, resource: str, code: int) -> None:
        """Count a request to the API server."""
        self.requests.labels(verb, resource, code).inc()

    def collect_objects(self, kinds: Iterable[str], reasons: Callable[[str], Iterable[str]]) -> None:
        """Show how many objects there are of each kind, by the reason of Ready."""
        self.registry.register(_Objects(tuple(kinds), reasons))


class _Objects(Collector):
    """Counted when asked: what is not counted in between cannot be counted wrong."""

    def __init__(self, kinds: tuple[str, ...], reasons: Callable[[str], Iterable[str]]) -> None:
        self._kinds = kinds
        self._reasons = reasons

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "springtide_objects", "Objects by kind and reason of Ready.", labels=["kind", "reason"]
        )
        for kind in self._kinds:
            for reason, count in sorted(Counts(self._reasons(kind)).items()):
                family.add_metric([kind, reason], count)
        yield family
