"""Comparisons with peers on real images, in ratios measured side by side. See docs/performance.md."""
