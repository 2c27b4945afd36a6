"""How the site does: what waits for people, what waits for workers, what fails, what takes room."""
