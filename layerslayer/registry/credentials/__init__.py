"""What a user may have to show a registry: tokens, and logins of other tools. Read only, never written."""

from __future__ import annotations

from .login import Login
from .token_file import TOKEN_FILE, UserToken, read_token_file

__all__ = ["TOKEN_FILE", "Login", "UserToken", "read_token_file"]
