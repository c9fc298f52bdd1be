"""One file a check; each has a function `check(case)` that yields what is wrong."""
