"""Laws with a density: Gaussians, and what decoders say of their data."""
