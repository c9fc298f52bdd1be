"""Pure kernels: frames in, frames out; no clock, disk, network or engine outside the `beam.py` files."""
