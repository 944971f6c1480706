"""A PostgreSQL of our own: the Django backend that starts it, and the process that keeps it."""
