"""The token issuer of a one-machine start: a key pair in a folder, and access tokens minted from it.

It stands in for an OpenID Connect provider where there is none. Whoever can read the folder's private key can
be anyone, so it belongs to the administrator's account; the API reads the public key set alone (`jwks_file`).
"""

import json
from collections.abc import Sequence
from pathlib import Path

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from identity.claims import is_text
from identity.errors import Misconfigured
from identity.keys import thumbprint
from identity.private_files import create_private, read_private, replace_public

ALGORITHM = "ES256"
PRIVATE_KEY = "issuer-key.pem"
KEY_SET = "jwks.json"
SHORTEST_LIFETIME = 1  # seconds
LONGEST_LIFETIME = 30 * 86_400  # seconds


def create(folder: Path) -> Path:
    """Make the issuer in `folder` where there is none yet, and return the path of its key set.

    The folder is made where needed. Doing it again, or twice at once, keeps the key pair and restores a key
    set that is missing or changed. OSError; Misconfigured where the private key there cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / PRIVATE_KEY).exists():
        create_private(folder / PRIVATE_KEY, _new_key())
    content = json.dumps({"keys": [_public_jwk(_read_key(folder))]}, indent=1).encode()
    path = folder / KEY_SET
    if not path.exists() or path.read_bytes() != content:
        replace_public(path, content)
    return path


def mint(
    folder: Path,
    *,
    issuer: str,
    audience: str,
    user: str,
    groups: Sequence[str] = (),
    entitlements: Sequence[str] = (),
    lifetime: int,
    now: float,
) -> str:
    """An access token for `user`, good for `lifetime` seconds (1 to 2,592,000) from `now`, epoch seconds.

    `groups` go into the claim `groups`, for other services; what this one goes by are the `entitlements`. The
    e-mail address is the user's name where that is one, else `<user>@localhost`. ValueError: a lifetime out
    of bounds or a user that is not 1 to 255 printable characters. Misconfigured: no usable private key in
    `folder`.
    """
    if not SHORTEST_LIFETIME <= lifetime <= LONGEST_LIFETIME:
        raise ValueError(f"the lifetime of a token is {SHORTEST_LIFETIME} to {LONGEST_LIFETIME} seconds")
    if not is_text(user):
        raise ValueError("the name of a user is 1 to 255 printable characters")
    key = _read_key(folder)
    issued = int(now)
    claims = {
        "iss": issuer,
        "aud": audience,
        "sub": user,
        "iat": issued,
        "exp": issued + lifetime,
        "email": user if "@" in user else f"{user}@localhost",
        "preferred_username": user,
        "groups": list(groups),
        "eduperson_entitlement": list(entitlements),
    }
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": _public_jwk(key)["kid"]})


def _new_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _read_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    path = folder / PRIVATE_KEY
    content = read_private(path, "embedded_issuer")
    try:
        key = serialization.load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Misconfigured("embedded_issuer", f"{path} holds no private key") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Misconfigured("embedded_issuer", f"{path} holds another kind of key than EC P-256")
    return key


def _public_jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    jwk: dict[str, str] = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**jwk, "kid": thumbprint(jwk), "use": "sig", "alg": ALGORITHM}
