"""What leaves the house: mails, calls of webhooks, links by which a question is decided."""
