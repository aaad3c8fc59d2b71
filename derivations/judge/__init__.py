"""The judge: it replays a derivation through the kernel and reports. It is trusted with nothing."""
