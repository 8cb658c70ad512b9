"""States and the moves that are legal between them; pure: no operating system, no network, no clock."""
