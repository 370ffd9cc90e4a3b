"""Whether there is a local cluster in which anything can be measured."""

import subprocess


def problem() -> str:
    """What keeps figures from being measured there; empty: an operator runs in it."""
    command = ["kubectl", "-n", "springtide-system", "rollout", "status", "deployment/springtide-operator"]
    try:
        answer = subprocess.run([*command, "--timeout=60s"], check=False, capture_output=True, text=True)
    except FileNotFoundError:
        return "there is no kubectl; `make dev` brings cluster and operator up"
    return f"no operator runs in the cluster ({answer.stderr.strip()[-200:]}); `make dev`" if answer.returncode else ""
