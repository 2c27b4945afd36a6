"""Delivering the ids of due runs to whoever carries them out; nothing is decided here."""
