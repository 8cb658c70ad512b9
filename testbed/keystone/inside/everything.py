# mypy: ignore-errors
"""Keystone's own commands that make a new installation, then its WSGI application on a socket that is handed down.

``everything.py CONFIGURATION PASSWORD-FILE URL REGION DESCRIPTOR``; a database that is there is served as it is.
"""

import os
import socket
import sys
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer


def main(configuration, password_file, url, region, descriptor):
    """Until it is killed."""
    if not (Path(configuration).parent / "keystone.sqlite").exists():
        install(configuration, Path(password_file).read_text(), url, region)
    os.environ["OS_KEYSTONE_CONFIG_FILES"], sys.argv[1:] = configuration, []
    from keystone.server import wsgi

    serve(wsgi.initialize_public_application(), socket.socket(fileno=int(descriptor)))


def install(configuration, password, url, region):
    """As an administrator does it by hand."""
    import keystone.cmd.cli  # noqa: F401 - once for the three

    owner = ("--keystone-user", str(os.geteuid()), "--keystone-group", str(os.getegid()))
    urls = [word for name in ("public", "internal", "admin") for word in (f"--bootstrap-{name}-url", url)]
    manage(configuration, "db_sync")
    manage(configuration, "fernet_setup", *owner)
    manage(configuration, "bootstrap", "--bootstrap-password", password, "--bootstrap-region-id", region, *urls)


def manage(configuration, *words):
    """``keystone-manage``, in a fork: its import takes longer than the rest, and it can be called once in a process."""
    from keystone.cmd import cli

    child = os.fork()
    if not child:
        try:
            cli.main(["keystone-manage", "--config-file", configuration, *words])
        except BaseException as error:
            print(f"keystone-manage {words[0]}: {error!r}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(f"keystone-manage {words[0]} failed")


class Quiet(WSGIRequestHandler):
    """Keystone has a log of its own."""

    def address_string(self):
        """Without a look into DNS."""
        return self.client_address[0]

    def log_message(self, *_words):
        """Nothing."""


def serve(application, listener):
    """The listener is bound and takes connections already: whoever asked early is answered now. One request after another:
    of two that come first at once in two threads Keystone refuses one, as its policy is only half read."""
    server = WSGIServer(listener.getsockname(), Quiet, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.server_name, server.server_port = listener.getsockname()
    server.setup_environ()
    server.set_app(application)
    server.serve_forever()


main(*sys.argv[1:])
