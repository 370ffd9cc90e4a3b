"""Requests to the API server: JSON in, JSON out, and nothing that the access table does not list.

Built on the kubernetes package's configuration and HTTP layer only. Its typed models are left aside: converting
thousands of objects costs more than all decisions about them.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from kubernetes.aio import config
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

from springtide.cluster.access import ACCESS

JSON_PATCH = "application/json-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
TIMEOUT_SECONDS = 30.0

_METHODS = {"get": "GET", "list": "GET", "create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE"}
_ALLOWED = {(access.group, access.resource): set[str]() for access in ACCESS}
for _access in ACCESS:
    _ALLOWED[_access.group, _access.resource].update(_access.verbs)


class ApiError(Exception):
    """The API server said no. code: HTTP status; message: its words."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Client:
    """One connection pool to one API server.

    observe: called with (verb, resource, HTTP code) after every request, for metrics.
    """

    def __init__(
        self, configuration: Configuration, *, observe: Callable[[str, str, int], None] = lambda *_: None
    ) -> None:
        configuration.connection_pool_maxsize = 32
        configuration.retries = None
        # Otherwise a thread is asked for a proxy, and another for a .netrc, before each request.
        configuration.client_session_kwargs = {"trust_env": False}
        configuration.proxy = configuration.proxy or _proxy_for(configuration.host)
        self._api = ApiClient(configuration)
        self._observe = observe

    async def close(self) -> None:
        """Give the connections back."""
        await self._api.close()

    async def request(
        self,
        verb: str,
        group_version: str,
        plural: str,
        *,
        namespace: str | None = None,
        name: str | None = None,
        subresource: str | None = None,
        body: Any = None,
        content_type: str = "application/json",
        query: dict[str, str | int] | None = None,
    ) -> dict[str, Any]:
        """Send a request and return the answer.

        Raises ApiError for an answer of 400 and above, and the client's own errors (OSError, aiohttp's) where there
        was no answer; then it is not known whether a write has happened.
        """
        resource = f"{plural}/{subresource}" if subresource else plural
        group = group_version.rpartition("/")[0]
        assert verb in _ALLOWED.get((group, resource), ()), f"{verb} {resource} is not in the access table"
        path = _path(group_version, plural, namespace=namespace, name=name, subresource=subresource)
        return await self._send(verb, resource, path, body=body, content_type=content_type, query=query)

    async def api_groups(self) -> dict[str, frozenset[str]]:
        """The API groups that are served, with their versions. Everybody may ask that."""
        answer = await self._send("get", "apis", "/apis", body=None, content_type="application/json", query=None)
        return {group["name"]: frozenset(item["version"] for item in group["versions"]) for group in answer["groups"]}

    async def _send(
        self, verb: str, resource: str, path: str, *, body: Any, content_type: str, query: dict[str, str | int] | None
    ) -> dict[str, Any]:
        url = self._api.configuration.host + path + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "application/json", "Content-Type": content_type, "User-Agent": "springtide"}
        for setting in (await self._api.configuration.auth_settings()).values():
            headers[setting["key"]] = setting["value"]
        response = await self._api.rest_client.request(
            _METHODS[verb], url, headers=headers, body=body, _request_timeout=TIMEOUT_SECONDS
        )
        content = await response.read()
        self._observe(verb, resource, response.status)
        if response.status >= 400:  # where HTTP's errors begin
            raise ApiError(response.status, _words(content))
        answer: dict[str, Any] = json.loads(content)
        return answer


async def load_configuration() -> Configuration:
    """How to reach the API server: from inside a pod, else as kubectl does."""
    configuration = Configuration()
    try:
        config.load_incluster_config(client_configuration=configuration)
    except config.ConfigException:
        await config.load_kube_config(client_configuration=configuration)
    return configuration


def _proxy_for(host: str) -> str | None:
    """The proxy that the environment names for the API server, if it names one."""
    address = urlsplit(host)
    return None if proxy_bypass(address.netloc) else getproxies().get(address.scheme)


def _path(group_version: str, plural: str, *, namespace: str | None, name: str | None, subresource: str | None) -> str:
    root = "/apis" if "/" in group_version else "/api"
    within = ("namespaces", namespace) if namespace else ()
    return "/".join(part for part in (root, group_version, *within, plural, name, subresource) if part)


def _words(content: bytes) -> str:
    """The message of a Status object, or what there is instead."""
    try:
        return str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return content.decode(errors="replace")[:500]
