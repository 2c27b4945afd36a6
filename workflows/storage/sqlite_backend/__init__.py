"""A database backend of Django: its SQLite, with writers of one process taking turns.

Named in `DATABASES` as "workflows.storage.sqlite_backend".
"""
