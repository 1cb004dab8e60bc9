"""Questions about images: differences, cost, tables of contents, referrers."""
