"""The driver of make bench."""
