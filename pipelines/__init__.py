"""Everything that touches the world: engines, bytes, clocks, screens."""
