"""The lake: Delta tables, and the lease, plans, states and commits that make a run happen exactly once."""
