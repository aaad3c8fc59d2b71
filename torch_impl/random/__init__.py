"""Every draw of a run as a function of (seed, step), and the state of the generators that others use."""
