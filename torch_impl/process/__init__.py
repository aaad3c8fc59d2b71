"""What the noise does: schedules and paths, noising and its posterior, and the views of a prediction."""
