"""Decisions, pure: what is seen and what is wished go in, what to do comes out. The rows are those of docs/reuse-rules.md."""
