"""What our server answers in a second, beside the real Nova metadata service and the real Cinder: `make bench-server`."""
