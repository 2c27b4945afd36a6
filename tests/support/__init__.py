"""What the tests stand on: databases, server processes and a browser, found or made."""
