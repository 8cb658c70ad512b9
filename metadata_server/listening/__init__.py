"""HTTP below the applications: sockets, TLS, limits of connections, request ids, logs and figures; knows no volume."""
