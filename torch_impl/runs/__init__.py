"""From a request to a run, and from a checkpoint back to a model: presets, plans, locks, reports."""
