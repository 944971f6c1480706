"""Django's PostgreSQL backend, with connections that are kept and cheap to trust."""
