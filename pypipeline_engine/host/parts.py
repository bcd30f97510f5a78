"""The parts of a host, put together: what a process of its own and a headless run that is watched have in common."""

from __future__ import annotations

import secrets

from starlette.types import ASGIApp

from pypipeline_engine.host.app import HostApp
from pypipeline_engine.host.controllers import Controllers
from pypipeline_engine.host.events import Events
from pypipeline_engine.host.graphs import Workshop
from pypipeline_engine.host.journal import Journal
from pypipeline_engine.host.protocol import RunInfo, Snapshot
from pypipeline_engine.host.security import Hosts
from pypipeline_engine.host.session import Session


class Parts:
    """What goes on, who is told, and who may change it."""

    def __init__(self, workshop: Workshop, *, is_monitor: bool = False) -> None:
        """:param is_monitor: whether it is a run that was started elsewhere, which nobody may change without control."""
        self.token = secrets.token_urlsafe(32)
        """What every request needs."""
        self.journal = Journal()
        self._controllers = Controllers(is_monitor, self._on_controller)
        self.session = Session(workshop, self.journal, self._on_change, self._controllers.get)
        self.events = Events(self.journal, self.session.get_info, self.session.get_snapshot)
        self.journal.on_entry = self.events.notify
        self.session.tell, self.session.is_heard = self.events.tell, self.events.has_listeners
        self.events.on_listener = self.session.tell_watches_again
        self._app = HostApp(self.session, workshop, self.journal, self.events, self._controllers)

    def make_app(self, hosts: Hosts) -> ASGIApp:
        """What answers requests.

        :param hosts: what clients may call this host.
        """
        return self._app.make(self.token, hosts)

    def _on_change(self, info: RunInfo, final: Snapshot | None) -> None:
        self.events.publish(info, final)

    def _on_controller(self, words: str) -> None:
        self.journal.add_line("info", "host", words)
        self.session.tell_again()
