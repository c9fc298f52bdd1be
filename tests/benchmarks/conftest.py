"""Contestants that run in an environment of their own are not imported here."""

collect_ignore = ["plain_bytewax.py", "plain_duckdb.py", "plain_honeypot.py", "plain_quix.py"]
