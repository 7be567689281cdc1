"""ASGI entry point: `uvicorn main:app`, or `python main.py` to serve with the project's own server."""

from __future__ import annotations

import gc
import signal
import sys
from functools import partial

from utils.standard_streams import open_standard_streams

if __name__ == "__main__":
    open_standard_streams()
    # Ctrl-C during the seconds of the imports ends the start without a traceback; the server has its own handler.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.disable()  # the server enables it: what is made until then stays, and was walked through again and again

from api.app import create_app
from config.secrets.admin_token import with_admin_token
from config.sources import load_settings
from container import build_container, check_adapters
from domain.errors import ConfigurationError
from utils.logging import configure_logging

try:
    settings = load_settings()
    check_adapters(settings)
    settings = with_admin_token(settings)
except ConfigurationError as error:
    sys.exit(str(error))
logs = configure_logging(settings.logging, settings.secret_values())
app = create_app(settings, partial(build_container, logs=logs))

if __name__ == "__main__":
    from api.server.serving import serve

    try:
        serve(app, settings)
    except ConfigurationError as error:
        sys.exit(str(error))
