"""A real Nova metadata service of one's own: Nova's WSGI application under uwsgi, PostgreSQL, and a Neutron that says little."""
