"""The boot as a timeline: what systemd, cloud-init and we put down (`recorded`) becomes spans, a verdict and pictures. Pure."""
