"""Example workflows that ship; they use nothing but the public names of durableweb."""
