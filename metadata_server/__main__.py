"""``python -m metadata_server`` is ``blockstore-server``."""

from metadata_server.command import main

main()
