"""Power cuts at random times through first boots: `python -m testbed campaign`.

One cycle is a new guest with new volumes: it boots and is cut off, boots again and may be cut off again, and in the end is left
alone. A program in the guest writes a witness on every file system as soon as it is mounted, flushes it, and only then says so on
the console. What was once said must be there at every later boot.

Read in this order: `cut` (when the power goes; pure), `layout` (what is on the volumes), `witness` (in the guest), `watch`
(what of a boot can be seen from outside), `cycle` (one guest's life), `kept` (what one that was stopped goes on
with), `command` (all of them, and the count).
"""
