"""One API server with the rights of the user, as their kubeconfig names it.

The kubernetes package reads the kubeconfig (certificates, tokens, exec plugins, OIDC) and makes the connection pool;
requests and answers are plain JSON. It is imported when a server is asked, not before: `--help` does not pay for it.
"""

import difflib
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from springtide.api.constants import API_VERSION
from springtide.cli.errors import CommandError, Exit
from springtide.cli.manifest import Manifest, items_at, name_of, text_at

TIMEOUT_SECONDS = 15.0
READ_SECONDS = 120.0
PAGE = 500
CONTENT = {"PATCH": "application/merge-patch+json"}
FIELD_MANAGER = "kubectl-springtide"
_VERBS = {"GET": "get", "PATCH": "patch", "POST": "create", "DELETE": "delete"}


@dataclass(frozen=True)
class Target:
    """Which server and namespace are meant; None: what kubectl would take."""

    namespace: str | None = None
    context: str | None = None
    kubeconfig: str | None = None


@dataclass(frozen=True)
class Resource:
    """A kind as the API server serves it."""

    kind: str
    plural: str
    singular: str
    short_names: tuple[str, ...]

    @property
    def short(self) -> str:
        """What people type."""
        return self.short_names[0] if self.short_names else self.singular

    def is_called(self, word: str) -> bool:
        """Whether a word names the kind, in any of kubectl's ways."""
        plain = word.lower().partition(".")[0]
        return plain in {self.kind.lower(), self.plural, self.singular, *self.short_names}


class Server:
    """Requests to the API server in one namespace. Every method raises CommandError."""

    def __init__(self, pool: Any, *, host: str, headers: dict[str, str], namespace: str) -> None:
        self._pool = pool
        self._headers = headers
        self.host = host
        self.namespace = namespace

    def kinds(self) -> tuple[Resource, ...]:
        """The kinds of Springtide that the server has, by name."""
        answer = self.ask("GET", f"/apis/{API_VERSION}", what=API_VERSION)
        if answer is None:
            raise CommandError(
                f"the server {self.host} has no {API_VERSION}: Springtide's CRDs are not installed there;"
                " `helm install` its chart, or choose another --context",
                Exit.NOT_INSTALLED,
            )
        found = (
            Resource(
                kind=text_at(item, "kind"),
                plural=text_at(item, "name"),
                singular=text_at(item, "singularName") or text_at(item, "kind").lower(),
                short_names=tuple(str(name) for name in item.get("shortNames") or ()),
            )
            for item in items_at(answer, "resources")
            if "/" not in text_at(item, "name")
        )
        return tuple(sorted(found, key=lambda resource: resource.kind))

    def all(self, resource: Resource) -> list[Manifest]:
        """All objects of a kind, by name."""
        found: list[Manifest] = []
        token = ""
        while True:
            query = {"limit": str(PAGE)} | ({"continue": token} if token else {})
            what = f"{resource.plural} in namespace {self.namespace}"
            answer = self.ask("GET", self._path(resource), what=what, verb="list", query=query) or {}
            found += [{"kind": resource.kind, "apiVersion": API_VERSION} | item for item in items_at(answer, "items")]
            token = text_at(answer, "metadata", "continue")
            if not token:
                return sorted(found, key=name_of)

    def one(self, resource: Resource, name: str) -> Manifest:
        """One object. That it is not there is said together with names that are near."""
        what = f"{resource.singular} {name} in namespace {self.namespace}"
        answer = self.ask("GET", f"{self._path(resource)}/{name}", what=what)
        if answer is not None:
            return answer
        raise CommandError(f"there is no {what}{self._near(resource, name)}", Exit.NOT_FOUND)

    def change(self, resource: Resource, name: str, patch: Manifest) -> Manifest:
        """Change fields of an object by a merge patch, and return it as it is then."""
        what = f"{resource.singular} {name} in namespace {self.namespace}"
        query = {"fieldManager": FIELD_MANAGER}
        answer = self.ask("PATCH", f"{self._path(resource)}/{name}", what=what, query=query, body=patch)
        if answer is not None:
            return answer
        raise CommandError(f"there is no {what}{self._near(resource, name)}", Exit.NOT_FOUND)

    def events(self, manifest: Manifest) -> list[Manifest]:
        """Events of an object, oldest first. Who may not list events is told of none."""
        uid = text_at(manifest, "metadata", "uid")
        query = {"fieldSelector": f"involvedObject.uid={uid}", "limit": str(PAGE)}
        path = f"/api/v1/namespaces/{self.namespace}/events"
        try:
            answer = self.ask("GET", path, what=f"events in namespace {self.namespace}", verb="list", query=query)
        except CommandError as error:
            if error.code is not Exit.FORBIDDEN:
                raise
            return []
        return sorted(items_at(answer, "items"), key=lambda event: text_at(event, "lastTimestamp"))

    def user(self) -> str:
        """Who the server takes the user for; empty where it cannot say (before Kubernetes 1.28)."""
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        answer = self.ask("POST", path, what="selfsubjectreviews", body=review)
        return text_at(answer, "status", "userInfo", "username")

    def has_namespace(self) -> bool:
        """Whether the namespace exists; who may not know is told that it does."""
        try:
            return self.ask("GET", f"/api/v1/namespaces/{self.namespace}", what="namespaces") is not None
        except CommandError as error:
            if error.code is not Exit.FORBIDDEN:
                raise
            return True

    def _path(self, resource: Resource) -> str:
        return f"/apis/{API_VERSION}/namespaces/{self.namespace}/{resource.plural}"

    def _near(self, resource: Resource, name: str) -> str:
        try:
            names = [name_of(item) for item in self.all(resource)]
        except CommandError:
            return ""
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        if near:
            return f"; did you mean {' or '.join(near)}?"
        return f"; there are {', '.join(names[:5])}" if names else f"; there are no {resource.plural} at all"

    def ask(
        self,
        method: str,
        path: str,
        *,
        what: str,
        verb: str = "",
        query: dict[str, str] | None = None,
        body: Any = None,
    ) -> Manifest | None:
        """The answer, or None where there is no such thing."""
        status, data = self._send(method, path, query=query, body=body)
        return self._checked(status, self._document(data), what=what, verb=verb or _VERBS[method])

    def read(self, path: str, *, what: str) -> bytes | None:
        """What lies at a path as it is, such as a log; None where there is no such thing."""
        status, data = self._send("GET", path, seconds=READ_SECONDS)
        if status >= 400:  # where HTTP's errors begin
            self._checked(status, self._document(data), what=what, verb="get")
            return None
        return data

    def _document(self, data: bytes) -> Manifest:
        try:
            answer: Manifest = json.loads(data) if data[:1] == b"{" else {}
        except ValueError as error:
            raise CommandError(f"the server {self.host} answered what is not JSON", Exit.UNREACHABLE) from error
        return answer

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Any = None,
        seconds: float = TIMEOUT_SECONDS,
    ) -> tuple[int, bytes]:
        import urllib3

        content_type = CONTENT.get(method, "application/json")
        headers = self._headers | {"Accept": "application/json, */*", "Content-Type": content_type}
        url = f"{self.host}{path}" + (f"?{urlencode(query)}" if query else "")
        content = json.dumps(body) if body is not None else None
        try:
            reply = self._pool.request(method, url, headers=headers, body=content, timeout=seconds, retries=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            message = (
                f"the server {self.host} cannot be reached: {error}; is the cluster up, is this the right context?"
            )
            raise CommandError(message, Exit.UNREACHABLE) from error
        return int(reply.status), bytes(reply.data)

    def _checked(self, status: int, answer: Manifest, *, what: str, verb: str) -> Manifest | None:
        words = text_at(answer, "message") or f"HTTP {status}"
        if status == 404:  # not found
            return None
        if status == 401:  # unauthorized
            message = f"the server {self.host} does not accept your credentials: {words}; log in again"
            raise CommandError(message, Exit.FORBIDDEN)
        if status == 403:  # forbidden
            message = f"you may not {verb} {what}: ask for the verb `{verb}` in a Role; the server says: {words}"
            raise CommandError(message, Exit.FORBIDDEN)
        if status >= 500:  # where the server's own errors begin
            raise CommandError(f"the server {self.host} failed to {verb} {what}: {words}", Exit.UNREACHABLE)
        if status == 409:  # conflict
            message = f"{what} has changed since it was looked at: look again; the server says: {words}"
            raise CommandError(message, Exit.FAILED)
        if status >= 400:  # where HTTP's errors begin
            raise CommandError(f"the server refuses to {verb} {what}: {words}", Exit.FAILED)
        return answer


def connect(target: Target) -> Server:
    """The server that a kubeconfig names. Raises CommandError if there is none."""
    import urllib3
    from kubernetes.client.configuration import Configuration
    from kubernetes.client.rest import RESTClientObject
    from kubernetes.config import kube_config
    from kubernetes.config.config_exception import ConfigException

    configuration = Configuration()
    try:
        kube_config.load_kube_config(target.kubeconfig, target.context, configuration, persist_config=False)
        contexts, active = kube_config.list_kube_config_contexts(target.kubeconfig)
    except (ConfigException, OSError, TypeError, ValueError, KeyError) as error:
        where = target.kubeconfig or "$KUBECONFIG or ~/.kube/config"
        message = (
            f"no usable kubeconfig: {error} (looked at {where}); name one with --kubeconfig, a context with --context"
        )
        raise CommandError(message, Exit.UNREACHABLE) from error
    chosen = next((item for item in contexts if item["name"] == target.context), active)
    urllib3.disable_warnings()  # of insecure-skip-tls-verify, which a kubeconfig has to ask for
    headers = {item["key"]: item["value"] for item in configuration.auth_settings().values()}
    return Server(
        RESTClientObject(configuration).pool_manager,
        host=configuration.host.rstrip("/"),
        headers=headers | {"User-Agent": FIELD_MANAGER},
        namespace=target.namespace or text_at(chosen, "context", "namespace") or "default",
    )


def resource_called(word: str, kinds: tuple[Resource, ...]) -> Resource:
    """The kind that a word means. Raises CommandError with those there are."""
    for resource in kinds:
        if resource.is_called(word):
            return resource
    known = ", ".join(f"{resource.short} ({resource.kind})" for resource in kinds)
    raise CommandError(f"there is no kind {word}; there are {known}", Exit.USAGE)


def parse_reference(reference: str, kinds: tuple[Resource, ...]) -> tuple[Resource, str]:
    """Kind and name of `msvc/pd`. Raises CommandError if it is not written so."""
    word, slash, name = reference.partition("/")
    if not slash or not name or "/" in name:
        raise CommandError(f"{reference} is not of the form KIND/NAME, such as msvc/pd", Exit.USAGE)
    if not all(character.isalnum() or character in "-." for character in name):
        raise CommandError(f"{name} cannot be the name of an object", Exit.USAGE)
    return resource_called(word, kinds), name
