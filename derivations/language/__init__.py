"""The language that chapters write in: claims, statements, calc chains. Nothing here judges."""
