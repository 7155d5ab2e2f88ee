"""The demo: a real catalogue, bundled, and simulated fans."""
