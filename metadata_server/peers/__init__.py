"""What the servers of one machine do together: one folder, one target daemon, one database.

The kernel's file locks say who leads and who works on what: whoever dies lets go of them in that instant, and no network, no
database and no clock can take them away from the one who lives.
"""
