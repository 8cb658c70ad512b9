"""The ``blockstore`` document: where its parts come from, and what it says."""
