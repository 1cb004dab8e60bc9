"""Authorization: challenges, tokens, and which host may see a login."""
