"""The runs whose figures and pictures the documentation shows."""
