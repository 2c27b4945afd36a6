"""An app with one command: `manage.py runserver` with sockets, for whoever develops with it.

The app `daphne` brings the same, and imports its server with every other command as well: a
third of the time that a worker or a migration needs to start.
"""
