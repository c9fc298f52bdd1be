"""How a live host sees itself: alerts where it may be blind, metrics, and what it tells from outside."""
