"""The admin site: to look at rows and to follow links; what changes things has its own pages."""

from workflows.admin import decisions, interrupts, jobs, runs, shared, threads, tokens

__all__ = ["decisions", "interrupts", "jobs", "runs", "shared", "threads", "tokens"]
