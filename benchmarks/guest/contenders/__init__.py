"""The contenders, one file each: ``prepare(job)`` is not timed, ``bring_up(job)`` is, and ``detail(seconds)`` may tell more."""
