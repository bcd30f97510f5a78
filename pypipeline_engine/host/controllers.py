"""Who controls a host. Any number of clients watch; one at a time may change something, and says so before.

Who has control got a key for it, which goes along with every request that changes something and renews it. A client that
goes without a word loses it when it has not been renewed for `CONTROL_S`.

`get` may be called from any thread, everything else from that of the event loop. Nothing here waits.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from pypipeline_engine.graph.problems import describe
from pypipeline_engine.host.protocol import CONTROL_HEADER, ControlGrant, Controller
from pypipeline_engine.host.refusals import CONFLICT, UNPROCESSABLE, Refused
from pypipeline_engine.numbers import elapsed

CONTROL_S = 30.0
"""How long control lasts without being renewed."""
_TO_TAKE = 'POST /v1/control {"name": ...}'


@dataclass(frozen=True)
class _Holder:
    key: str
    controller: Controller
    until_s: float


class Controllers:
    """Gives control to one client at a time."""

    def __init__(
        self,
        needs_key: bool = False,
        on_change: Callable[[str], None] = lambda words: None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Begin without a controller.

        :param needs_key: whether nobody may change anything without control; otherwise everybody may while nobody has it.
        :param on_change: is told in words when somebody else has control, or nobody.
        :param clock: seconds, for the expiry.
        :param wall_clock: seconds since the epoch.
        """
        self.needs_key = needs_key
        self._on_change = on_change
        self._clock = clock
        self._wall_clock = wall_clock
        self._holder: _Holder | None = None

    def get(self) -> Controller | None:
        """Who has control now. Any thread."""
        holder = self._get_holder()
        return None if holder is None else holder.controller

    def _get_holder(self) -> _Holder | None:
        holder = self._holder
        return holder if holder is not None and self._clock() < holder.until_s else None

    @property
    def expires_in_s(self) -> float | None:
        """When `expire` should be called; `None` where nobody has control."""
        return None if self._holder is None else max(0.0, self._holder.until_s - self._clock())

    def take(self, name: str, force: bool, key: str | None) -> ControlGrant:
        """Give control to a client, or renew it where `key` is that of the one who has it.

        :raises Refused: where another client has it, and `force` is false; or the name is none that can be shown.
        """
        name = name.strip()
        if not name or not name.isprintable():
            raise Refused(UNPROCESSABLE, f"name: printable text is expected, which others see, not {describe(name)}")
        holder = self._get_holder()
        if holder is not None and _is_key_of(holder, key):
            return self._grant(
                self._renew(replace(holder, controller=holder.controller.model_copy(update={"name": name})))
            )
        if holder is not None and not force:
            raise Refused(CONFLICT, f'{self._explain(holder)}; with "force": true it is taken away')
        controller = Controller(name=name, since_s=self._wall_clock())
        new = self._renew(_Holder(secrets.token_urlsafe(24), controller, 0.0))
        self._on_change(f"{name} has taken control" + (f" from {holder.controller.name}" if holder is not None else ""))
        return self._grant(new)

    def give_back(self, key: str | None) -> None:
        """Take control from the client who gives it back.

        :raises Refused: where it is not this one who has it.
        """
        holder = self._require_key(key)
        self._holder = None
        self._on_change(f"{holder.controller.name} has given control back")

    def require(self, key: str | None) -> None:
        """Let a request through that changes something, and renew the control of who sent it.

        :raises Refused: where that client may not.
        """
        if key is None and not self.needs_key and self._get_holder() is None:
            return
        self._renew(self._require_key(key))

    def expire(self) -> None:
        """Forget a client that has not renewed its control in time."""
        holder = self._holder
        if holder is not None and self._get_holder() is None:
            self._holder = None
            self._on_change(f"the control of {holder.controller.name} was not renewed, and has ended")

    def _require_key(self, key: str | None) -> _Holder:
        holder = self._get_holder()
        if holder is not None and _is_key_of(holder, key):
            return holder
        if holder is not None:
            raise Refused(CONFLICT, f"{self._explain(holder)}: you only watch")
        if key is not None:
            raise Refused(
                CONFLICT, f"this control has ended, because it was not renewed or given back: {_TO_TAKE} again"
            )
        raise Refused(
            CONFLICT,
            f"nobody has control: {_TO_TAKE} first, and send the key that it gives as the header '{CONTROL_HEADER}: KEY'",
        )

    def _renew(self, holder: _Holder) -> _Holder:
        self._holder = replace(holder, until_s=self._clock() + CONTROL_S)
        return self._holder

    @staticmethod
    def _grant(holder: _Holder) -> ControlGrant:
        return ControlGrant(key=holder.key, expires_s=CONTROL_S, **holder.controller.model_dump())

    def _explain(self, holder: _Holder) -> str:
        for_s = max(0.0, self._wall_clock() - holder.controller.since_s)
        return f"{holder.controller.name} has had control for {elapsed(for_s)}"


def _is_key_of(holder: _Holder, key: str | None) -> bool:
    return key is not None and secrets.compare_digest(key.encode(), holder.key.encode())
