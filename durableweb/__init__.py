"""durableweb: durable workflows that stop and ask a person."""
