"""Tests of the demo: its workflows, its pages and its command."""
