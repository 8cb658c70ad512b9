"""Effects: what reads and changes the machine. Decisions are in ``plan/``, under the same file names."""
