"""Values in, text out. Nothing here prints; remote text leaves it escaped."""
