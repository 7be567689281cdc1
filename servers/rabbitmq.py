"""A RabbitMQ of its own: files, name, cookie and ports are those of its folder, so several run side by side."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from pathlib import Path

import amqp

from servers.process import MissingServer, ServerProcess, free_port

# The scripts of Debian's /usr/sbin change to the user of the system's own broker.
SCRIPTS = Path("/usr/lib/rabbitmq/bin")
COMMAND_SECONDS = 60

# No limit that depends on the machine: a broker over its limit of memory or disk stops taking messages.
CONFIG = """\
listeners.tcp.1 = 127.0.0.1:{port}
vm_memory_high_watermark.absolute = 1GB
disk_free_limit.absolute = 50MB
log.file.level = info
"""
# Two schedulers, whatever the machine has: a broker of tests starts no faster with more. None waits for work in a loop,
# which takes a sixth of the processor's time of a start.
ERLANG_ARGUMENTS = (
    "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"
)


class RabbitMq(ServerProcess):
    """One rabbitmq-server with the epmd that tells its tools where it listens, all on 127.0.0.1."""

    name = "rabbitmq"

    def __init__(self, folder: Path, port: int | None = None) -> None:
        """Take a folder for the broker's files and a port for its clients; its other ports are any free ones."""
        super().__init__(folder, port)
        self._epmd_port, self._distribution_port = free_port(), free_port()

    @property
    def url(self) -> str:
        """The URL of its first virtual host, with a user who may call from loopback alone."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def fresh_url(self) -> str:
        """Return the URL of a new virtual host, whose queues and exchanges are those of its users alone."""
        host = f"test-{uuid.uuid4().hex}"
        self.control(
            "eval",
            f'ok = rabbit_vhost:add(<<"{host}">>, <<"tests">>), '
            f'rabbit_auth_backend_internal:set_permissions(<<"guest">>, <<"{host}">>, '
            '<<".*">>, <<".*">>, <<".*">>, <<"tests">>).',
        )
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{host}"

    def control(self, *arguments: str) -> str:
        """Return what `rabbitmqctl` prints, such as for `list_queues`; it takes a second or two.

        Raises:
            RuntimeError: it failed; the message holds what it printed.
        """
        done = subprocess.run(
            [_script("rabbitmqctl"), "--quiet", *arguments],
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"rabbitmqctl {arguments[0]}: {done.stdout}{done.stderr}")
        return done.stdout

    def answers(self) -> bool:
        """Return whether it lets a client log in."""
        # Not by kombu, whose connections sleep for two seconds before they try again.
        connection = amqp.Connection(f"127.0.0.1:{self.port}", connect_timeout=1, read_timeout=5, write_timeout=5)
        try:
            with connection:
                return True
        except (OSError, amqp.AMQPError):
            return False

    @staticmethod
    def program() -> str:
        """Return the path of rabbitmq-server.

        Raises:
            MissingServer: there is none.
        """
        return _script("rabbitmq-server")

    def _launch(self) -> None:
        server, epmd = self.program(), _script("epmd")
        (self.folder / "rabbitmq.conf").write_text(CONFIG.format(port=self.port))
        (self.folder / "plugins").write_text("[].\n")
        # Our own, in the foreground: the one that the broker starts would stay behind it.
        self._run([epmd, "-address", "127.0.0.1", "-port", str(self._epmd_port)])
        self._run([server], self._environment())

    def _environment(self) -> dict[str, str]:
        """Return the environment of the broker and its tools, without variables meant for another broker."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("RABBITMQ_", "ERL_"))}
        kept.pop("NOTIFY_SOCKET", None)
        return {
            **kept,
            "HOME": str(self.folder),
            # Its files belong to this name. Equal names do not meet: each broker has an epmd of its own.
            "RABBITMQ_NODENAME": "broker@localhost",
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_MNESIA_DIR": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_LOGS": str(self.folder / "broker.log"),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG_ARGUMENTS,
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # Makes the script become the broker, as a unit of systemd needs it, so that its pid is the broker's.
            "RUNNING_UNDER_SYSTEMD": "true",
        }


def _script(name: str) -> str:
    """Return the path of a program of RabbitMQ or Erlang.

    Raises:
        MissingServer: RabbitMQ is not installed.
    """
    found = shutil.which(name, path=f"{SCRIPTS}:{os.environ.get('PATH', os.defpath)}")
    if found is None:
        raise MissingServer(f"no {name} here: scripts/install_test_servers.sh installs it, as root")
    return found
