"""What every frame looks like: one Arrow schema per frame, the policy, and the errors.

Imports PyArrow and Polars; nothing of ours but itself.
"""
