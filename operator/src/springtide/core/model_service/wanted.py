"""Which version is to serve: the spec says it, or the RetrainPolicy that the spec names."""

from dataclasses import dataclass
from typing import Literal

from springtide.api.constants import Reason
from springtide.core.model_service.observed import ObservedService


@dataclass(frozen=True)
class Wanted:
    """A version. digest, uri: its files, where whoever asks for it knows them; otherwise they are looked up."""

    version: str
    digest: str = ""
    uri: str = ""

    def is_of(self, version: str, digest: str | None) -> bool:
        """Whether it is this one.

        A number is not enough where the digest is known: a registry that lost its database counts from 1 again.
        """
        return self.version == version and (not self.digest or digest in (None, self.digest))


@dataclass(frozen=True)
class Missing:
    """Nobody says which version. how: Working, where that heals by itself; Held, where a person must mend it."""

    how: Literal["Working", "Held"]
    reason: Reason
    message: str


def wanted_of(service: ObservedService) -> Wanted | Missing:
    """The version that is asked for now."""
    spec = service.spec
    assert spec is not None, "a spec that does not parse asks for nothing"
    if spec.version_from is None:
        assert spec.model.version is not None, "the API server takes a spec only with one of the two"
        return Wanted(spec.model.version)
    name, policy = spec.version_from.retrain_policy_ref.name, service.policy
    if policy is None:
        return Missing("Working", Reason.RETRAIN_POLICY_NOT_READY, f"there is no RetrainPolicy {name}")
    if policy.model != spec.model.name:
        message = f"RetrainPolicy {name} trains the model {policy.model}, and spec.model.name is {spec.model.name}"
        return Missing("Held", Reason.INVALID_SPEC, message)
    if policy.champion is None:
        message = f"RetrainPolicy {name} has no champion yet; `kubectl describe retrainpolicy {name}` says why"
        return Missing("Working", Reason.RETRAIN_POLICY_NOT_READY, message)
    return Wanted(policy.champion.version, policy.champion.digest, policy.champion.uri)


def is_stable_taken_back(service: ObservedService) -> bool:
    """Whether the policy has taken back the very model that serves: then nothing is to be compared with it."""
    stable, policy = service.status.stable, service.policy
    return bool(stable and policy and stable.digest in policy.taken_back)
