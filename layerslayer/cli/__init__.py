"""Words in, exit code out: the only room that parses, prints and asks."""
