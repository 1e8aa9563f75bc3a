"""One start of the whole city: servers, database, processes, the demo's story."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from app.config import Settings
from app.runtime import attach, checks, commands, owner
from app.runtime.children import Child, Keeper, launch
from app.runtime.errors import CannotStart
from app.runtime.paths import CLONE, Places
from app.runtime.preparation import Preparation, Prepared, fingerprint, recall, remember
from app.runtime.progress import Progress
from app.runtime.servers import Servers
from app.runtime.supervisor import Supervisor

_READY_SECONDS = 90.0


@dataclass(slots=True)
class City:
    """One start of everything."""

    settings: Settings
    places: Places
    keeper: Keeper
    supervisor: Supervisor
    progress: Progress
    demo: bool
    env: dict[str, str] = field(default_factory=dict)

    def start(self) -> None:
        """Start servers, bring the database up to date, start all processes, wait until ready."""
        servers = Servers(self.places, self.settings, self.keeper)
        state = self.places.state
        self.env = commands.environment(
            self.settings, state, owner.key_file(state), database=servers.database_url, broker=servers.broker_url,
            demo=self.demo,
        )  # fmt: skip
        prepared = self._known(servers)
        if prepared is None:
            prepared = self._first(servers)
        else:
            self._again(servers, prepared)
        attach.publish(state, {name: value for name, value in self.env.items() if name.startswith("SUXIN_")})
        self._wait_ready()
        # Only now: beside the web server's start they would halve its speed on two cores.
        self._add_others(prepared)

    def _known(self, servers: Servers) -> Prepared | None:
        cluster = servers.cluster_folder
        return recall(self.places.state, fingerprint(self.env, cluster)) if cluster else None

    def _again(self, servers: Servers, prepared: Prepared) -> None:
        """Start what was prepared before: nothing has changed since."""
        self.progress.doing(f"Starting {servers.names}")
        servers.start(self.supervisor)
        self.progress.done(f"{servers.names} started; the database is up to date")
        self._add_simulators(servers, prepared)
        self._add_web()

    def _first(self, servers: Servers) -> Prepared:
        """Prepare beside the servers' start, and serve beside the seed."""
        bare = dict(self.env)
        preparation = Preparation(self.env, self.keeper, self.places.logs / "prepare.log", demo=self.demo)
        try:
            self.progress.doing(f"Starting {servers.names}")
            servers.start(self.supervisor)
            self.progress.done(f"{servers.names} started")
            self.progress.doing("Bringing the database up to date")
            prepared = preparation.migrate()
            for failure in prepared.failures:
                self.progress.say(f"A plugin's migration failed, it stays off: {failure}")
            self.progress.done("Database up to date")
            self._add_simulators(servers, prepared)
            self._add_web()
            self.progress.doing("Seeding the demo world" if self.demo else "Starting the web server")
            preparation.finish()
            if self.demo:
                self.progress.done("Demo world seeded")
        finally:
            preparation.end()
        if servers.cluster_folder is not None and not prepared.failures:
            remember(self.places.state, fingerprint(bare, servers.cluster_folder), prepared)
        return prepared

    def _add_simulators(self, servers: Servers, prepared: Prepared) -> None:
        for plugin, name, module in prepared.simulators if self.demo else []:
            label = f"{plugin}-{name}"
            socket = self.places.socket_folder(label, ours=True) / "http.sock"
            env = commands.simulator_environment(
                self.env, database=servers.simulator_url(label.replace("-", "_")), socket=socket
            )
            self.env[commands.simulator_variable(plugin, name)] = str(socket)
            self.supervisor.add(label, self._starter(label, commands.simulator(module), env))

    def _add_web(self) -> None:
        self._add("web", commands.web())

    def _add_others(self, prepared: Prepared) -> None:
        self._add("relay", commands.relay())
        self._add("worker", commands.worker(self.settings, prepared.queues))
        self._add("beat", commands.beat(self.places.state))

    def _add(self, name: str, command: list[str]) -> None:
        self.supervisor.add(name, self._starter(name, command, self.env))

    def _starter(self, name: str, command: list[str], env: dict[str, str]) -> Callable[[], Child]:
        log = self.places.logs / f"{name}.log"
        return partial(launch, name, command, keeper=self.keeper, log=log, env=dict(env), cwd=CLONE)

    def _wait_ready(self) -> None:
        self.progress.doing("Waiting for the web server")
        deadline = time.monotonic() + _READY_SECONDS
        while not checks.ready(self.settings.port):
            web = next(each for each in self.supervisor.services if each.name == "web")
            if time.monotonic() > deadline or web.failures >= 2:
                log = self.places.logs / "web.log"
                raise CannotStart(f"The web server does not become ready: see {log} and /readyz.")
            self.supervisor.tend()
        self.progress.done(f"Ready: /readyz answered 200 after {self.progress.seconds:.1f} s")

    def play(self) -> int:
        """Play the story against the served processes; returns its exit code."""
        self.progress.quiet()
        process = subprocess.Popen(
            commands.story(self.settings.base_url), env=self.env, cwd=CLONE, stdin=subprocess.DEVNULL
        )
        self.keeper.watch(process.pid, signal.SIGTERM)
        try:
            while process.poll() is None:
                self.supervisor.tend()
                time.sleep(0.1)
        finally:
            process.kill()
            process.wait()
            self.keeper.forget(process.pid)
        if process.returncode:
            self.progress.say(f"The story FAILED with code {process.returncode}; the city serves on.")
        return process.returncode

    def greet(self) -> None:
        """Print where to go next."""
        base = self.settings.base_url
        rows = {
            "Citizen pages": f"{base}/", "Pharmacy terminal": f"{base}/p/health/terminal", "API documentation":
            f"{base}/docs", "Health": f"{base}/readyz", "State and logs": str(self.places.state),
        }  # fmt: skip
        self.progress.say("\nSuxin serves. Ctrl-C ends it and all it started.")
        for name, address in rows.items():
            self.progress.say(f"  {name:<18} {address}")
