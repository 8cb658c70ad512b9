"""HTTP, and nothing else: the instances' listener (plain Starlette) and the operators' (FastAPI, Cinder's v3)."""
