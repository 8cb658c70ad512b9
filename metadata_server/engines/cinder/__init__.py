"""A real Cinder owns the volumes: reserve, connector and complete are passed through to it, with this server's credentials."""
