"""Channels of notices: the services that apprise knows, such as Telegram, Slack, e-mail, or a webhook of JSON."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import SecretStr

from domain.errors import ConfigurationError
from domain.notices import Notice, NoticeLevel

if TYPE_CHECKING:
    from apprise import Apprise

# More than any level of a log line: what apprise logs names parts of addresses, and those hold tokens.
_SILENT = logging.CRITICAL + 1


class NoticeChannel:
    """One address; `send` blocks, and is called in a thread."""

    def __init__(self, apprise: Apprise) -> None:
        """Keep an object of apprise with one address."""
        self._apprise = apprise

    def send(self, notice: Notice) -> bool:
        """Return whether the service behind the address has taken the notice."""
        from apprise import NotifyType

        kinds = {
            NoticeLevel.INFO: NotifyType.INFO,
            NoticeLevel.WARNING: NotifyType.WARNING,
            NoticeLevel.CRITICAL: NotifyType.FAILURE,
        }
        return bool(self._apprise.notify(body=notice.text, title=notice.title, notify_type=kinds[notice.level]))


def open_channels(urls: Sequence[SecretStr]) -> list[NoticeChannel]:
    """Return a channel for each address; apprise, half a second of a processor, is imported only where there is one.

    Raises:
        ConfigurationError: apprise does not know what an address names; the message gives its place, not its text.
    """
    if not urls:
        return []
    from apprise import Apprise

    logging.getLogger("apprise").setLevel(_SILENT)
    channels = []
    for number, url in enumerate(urls, 1):
        apprise = Apprise()
        if not apprise.add(url.get_secret_value()):
            raise ConfigurationError(
                f"NOTIFY_URLS: address {number} is none that apprise knows, such as tgram://token/chat or json://host"
            )
        channels.append(NoticeChannel(apprise))
    return channels
