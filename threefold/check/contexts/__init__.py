"""What the letters of a field mean, a file a field; `base` says what a context is, `detect` which a display has."""
