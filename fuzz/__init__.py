"""Coverage-guided fuzzing of everything that parses; see docs/reliability.md."""
