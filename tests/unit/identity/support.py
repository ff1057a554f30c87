"""What the tests of `identity` are made with: a clock that stands still, key pairs, an issuer with a key file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from identity.issuers import Issuer
from identity.tokens import Authenticator

NOW = 1_700_000_000.0
ISSUER = "https://aai.example.eu/oidc"
AUDIENCE = "https://prominence.example.eu"
MEMBER = "urn:mace:egi.eu:group:vo.example.eu:role=member#aai.egi.eu"
VOS = {"vo.example.eu": ["urn:mace:egi.eu:group:vo.example.eu:role=member"]}


@dataclass
class Clock:
    """The time in seconds; it moves when a test says so."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Pair:
    """A private key, and its public half as a published key."""

    private: Any
    jwk: Mapping[str, Any]
    algorithm: str
    kid: str

    def sign(self, claims: Mapping[str, Any], **headers: Any) -> str:
        """A token with these claims; a header of None is left out."""
        merged = {"kid": self.kid, **headers}
        shown = {name: value for name, value in merged.items() if value is not None}
        return jwt.encode(dict(claims), self.private, algorithm=self.algorithm, headers=shown)


def rsa_pair(kid: str, bits: int = 2048, algorithm: str = "RS256") -> Pair:
    private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    public = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    return Pair(private, {**public, "kid": kid, "use": "sig"}, algorithm, kid)


def ec_pair(kid: str) -> Pair:
    private = ec.generate_private_key(ec.SECP256R1())
    public = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
    return Pair(private, {**public, "kid": kid, "use": "sig", "alg": "ES256"}, "ES256", kid)


def ed_pair(kid: str) -> Pair:
    private = ed25519.Ed25519PrivateKey.generate()
    public = OKPAlgorithm.to_jwk(private.public_key(), as_dict=True)
    return Pair(private, {**public, "kid": kid, "use": "sig"}, "EdDSA", kid)


def key_set(*pairs: Pair) -> dict[str, Any]:
    return {"keys": [dict(pair.jwk) for pair in pairs]}


def claims_of(user: str = "alice", **changes: Any) -> dict[str, Any]:
    """The claims of a good token, with changes; a claim of None is left out."""
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": user,
        "iat": int(NOW) - 10,
        "exp": int(NOW) + 3600,
        "email": f"{user}@example.org",
        "preferred_username": user,
        "eduperson_entitlement": [MEMBER],
    }
    claims.update(changes)
    return {name: value for name, value in claims.items() if value is not None}


@dataclass
class Provider:
    """A trusted issuer whose keys are in a file."""

    pair: Pair
    issuer: Issuer
    clock: Clock
    key_file: Path
    vos: dict[str, list[str]] = field(default_factory=lambda: {vo: list(each) for vo, each in VOS.items()})

    def publish(self, *pairs: Pair) -> None:
        """Replace the key file, as an administrator would: whole."""
        fresh = self.key_file.with_suffix(".new")
        fresh.write_text(json.dumps(key_set(*pairs)))
        fresh.replace(self.key_file)

    def authenticator(self, **options: Any) -> Authenticator:
        return Authenticator([self.issuer], self.vos, clock=self.clock, **options)

    def token(self, user: str = "alice", **changes: Any) -> str:
        return self.pair.sign(claims_of(user, **changes))
