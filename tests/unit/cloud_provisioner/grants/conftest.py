"""Users' grants with a real provider, as the tests of `identity.grants` have them."""

from __future__ import annotations

from tests.unit.identity.grants.conftest import address, alice, clock, grants, key_file, oidc, oidc_program, opening

__all__ = ["address", "alice", "clock", "grants", "key_file", "oidc", "oidc_program", "opening"]
