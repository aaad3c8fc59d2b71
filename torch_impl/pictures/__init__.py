"""Pictures: images in grids, points in the plane, and the album of a report."""
