"""`status --watch`, as a person has it: on a terminal, until they press Ctrl-C."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from springtide.cli.errors import Exit

from tests.apiserver.cli.commands_test import PROGRAM, create, patch_status, run, served
from tests.apiserver.server import ApiServer
from tests.faults.proxy import NEVER_ARRIVED, Proxy

TOP_LEFT, LEAVES_THE_SCREEN, SHOWS_THE_CURSOR = "\x1b[H", "\x1b[?1049l", "\x1b[?25h"


@dataclass(frozen=True)
class Terminal:
    """A terminal with a program on it. screen: what the program draws comes out of this file."""

    program: subprocess.Popen[bytes]
    screen: int

    def wait_for(self, words: str) -> str:
        """What was drawn until the words are there."""
        drawn = ""
        while words not in drawn:
            drawn += os.read(self.screen, 1 << 16).decode(errors="replace")
        return drawn

    def press_ctrl_c(self) -> str:
        """What was drawn until the program ended."""
        self.program.send_signal(signal.SIGINT)
        drawn = b""
        while True:
            try:
                drawn += os.read(self.screen, 1 << 16)
            except OSError:  # Linux says so where nobody is left who could draw
                return drawn.decode(errors="replace")


@contextmanager
def watching(kubeconfig: Path, namespace: str) -> Iterator[Terminal]:
    """A terminal on which somebody watches the namespace."""
    ours, theirs = os.openpty()
    environment = os.environ | {"KUBECONFIG": str(kubeconfig), "COLUMNS": "300", "TERM": "xterm"}
    command = [PROGRAM, "status", "--watch", "--interval", "0.5", "-n", namespace]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as program:
        os.close(theirs)
        try:
            yield Terminal(program, ours)
        finally:
            program.kill()
            os.close(ours)


@pytest.mark.timeout(60)
def test_the_screen_follows_what_happens_until_it_is_interrupted(api_server: ApiServer, namespace: str):
    create(api_server, namespace, "ModelService", "pd", {"model": {"name": "pd", "version": "2"}})
    with watching(api_server.kubeconfig, namespace) as terminal:
        assert "Serving" not in terminal.wait_for("the operator has not seen it yet")
        patch_status(api_server, namespace, "ModelService", "pd", served())
        terminal.wait_for("Serving")
        last = terminal.press_ctrl_c()
        assert terminal.program.wait() == Exit.INTERRUPTED
    assert LEAVES_THE_SCREEN in last
    assert SHOWS_THE_CURSOR in last
    assert "Traceback" not in last


@pytest.mark.timeout(60)
def test_a_picture_stays_while_the_server_is_away_and_says_that_it_is_old(
    api_server: ApiServer, namespace: str, tmp_path: Path
):
    create(api_server, namespace, "ModelService", "pd", {"model": {"name": "pd", "version": "2"}}, served())
    certificate = str(api_server.kubeconfig.parent / "certs/apiserver.crt")
    with Proxy(api_server.url, api_server.token, certificate).running() as proxy:
        config = yaml.safe_load(api_server.kubeconfig.read_text())
        config["clusters"][0]["cluster"] = {"server": proxy.url}
        (tmp_path / "config").write_text(yaml.safe_dump(config))
        with watching(tmp_path / "config", namespace) as terminal:
            terminal.wait_for("Serving")
            proxy.plan = lambda _: NEVER_ARRIVED
            terminal.wait_for("cannot be reached")
            terminal.wait_for("Serving")
            patch_status(api_server, namespace, "ModelService", "pd", {"conditions": []})
            proxy.plan = lambda _: None
            drawn = terminal.wait_for("the operator has not seen it yet")
            assert "cannot be reached" not in drawn.rpartition(TOP_LEFT)[2]


def test_what_is_no_terminal_is_drawn_no_screen(api_server: ApiServer, namespace: str):
    done = run(api_server.kubeconfig, "status", "--watch", "-n", namespace)
    assert done.returncode == Exit.USAGE
    assert "--watch draws a screen: it needs a terminal" in done.stderr
