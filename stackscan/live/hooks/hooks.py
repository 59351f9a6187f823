"""All hooks of a watch: what they are told, and how they end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from stackscan.live.hooks import bodies, command, webhook
from stackscan.live.hooks.alerts import AGAIN_SECONDS, Alerts
from stackscan.live.hooks.courier import Courier, Parcel
from stackscan.live.lines import values_of

if TYPE_CHECKING:
    from stackscan.live.watch import News

WebhookFormat = Literal["json", "slack", "alertmanager"]
_SPELLING: Final[dict[WebhookFormat, Callable[[Any], bytes]]] = {
    "json": bodies.as_json,
    "slack": bodies.as_slack,
    "alertmanager": bodies.as_alerts,
}
#: Alertmanager is told each process' state: one for each may wait.
_MOST_STATES: Final = 1_000


@dataclass(frozen=True)
class _Hook:
    """What is delivered of a request, by whom, and how what is being delivered is ended."""

    parcels: Callable[[News], Iterable[Parcel]]
    courier: Courier
    end: Callable[[], None]


class Hooks:
    """The hooks of a watch. Raises UsageError for a command or an address that cannot be one."""

    def __init__(
        self,
        commands: Iterable[str],
        webhooks: Iterable[str],
        *,
        webhook_format: WebhookFormat,
        tell: Callable[[str], None],
    ) -> None:
        self._hooks = [_command(text, tell) for text in commands]
        self._hooks += [_webhook(text, webhook_format, tell) for text in webhooks]
        for hook in self._hooks:
            hook.courier.start()

    def take(self, news: News) -> None:
        """Tell each hook what changed. Waits for none."""
        for hook in self._hooks:
            for parcel in hook.parcels(news):
                hook.courier.put(parcel)

    def close(self, seconds: float) -> bool:
        """Deliver what waits, at most so long; whether all was delivered."""
        until = time.monotonic() + seconds
        for hook in self._hooks:
            hook.courier.close(until)
        finished = [hook.courier.finished() for hook in self._hooks]
        for hook in self._hooks:
            hook.end()
        return all(finished)

    @property
    def counts(self) -> dict[str, int]:
        """How much was delivered, was not, and was dropped, by all of them."""
        couriers = [hook.courier for hook in self._hooks]
        return {name: sum(getattr(one, name) for one in couriers) for name in ("delivered", "failed", "dropped")}


def _command(text: str, tell: Callable[[str], None]) -> _Hook:
    words = command.argv_of(text)
    run = command.Command(words)
    return _Hook(_changes, Courier(f"hook {words[0]}", run, tell, command.ATTEMPTS), run.end)


def _webhook(text: str, spelt: WebhookFormat, tell: Callable[[str], None]) -> _Hook:
    address = webhook.address_of(text)
    post = webhook.Webhook(address, _SPELLING[spelt])
    name = f"webhook {address.origin}"
    if spelt != "alertmanager":
        found = _changes if spelt == "json" else _troubles
        return _Hook(found, Courier(name, post, tell, webhook.ATTEMPTS), post.end)
    alerts = Alerts()
    courier = Courier(
        name,
        post,
        tell,
        webhook.ATTEMPTS,
        again=alerts.again,
        again_seconds=AGAIN_SECONDS,
        most_waiting=_MOST_STATES,
    )
    return _Hook(lambda news: filter(None, [alerts.parcel(news)]), courier, post.end)


def _changes(news: News) -> Iterable[Parcel]:
    """A parcel for each line of what changed."""
    return [Parcel(values["target"], values) for values in values_of(news)]


def _troubles(news: News) -> Iterable[Parcel]:
    """The same without mere information."""
    return [one for one in _changes(news) if bodies.is_trouble(one.body)]
