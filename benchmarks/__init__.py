"""What the project costs and what others cost, measured side by side: `make bench-boot`, see docs/benchmarks.md."""
