"""The certificate of the identity service, signed by an authority of the cloud's own."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from deploy.files import write_private
from tests.cloud.openstack.place import Place

_LIFETIME = datetime.timedelta(days=30)


def make(place: Place) -> None:
    """Writes `ca.pem`, `other-ca.pem` (which signed nothing) and `server.pem` (certificate and key), once."""
    folder = place.certificates
    if (folder / "server.pem").exists():
        return
    authority, key = _authority(place.folder.name)
    other, _ = _authority("another")
    (folder / "ca.pem").write_bytes(authority.public_bytes(Encoding.PEM))
    (folder / "other-ca.pem").write_bytes(other.public_bytes(Encoding.PEM))
    _write_server(folder / "server.pem", place.public, authority, key)


def _write_server(file: Path, address: str, authority: x509.Certificate, signing: ec.EllipticCurvePrivateKey) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    builder = _builder(address, authority.subject, key).add_extension(names, critical=False)
    certificate = builder.sign(signing, hashes.SHA256())
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(file, (certificate.public_bytes(Encoding.PEM) + secret).decode())


def _authority(name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(f"authority of {name}", _name(f"authority of {name}"), key)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    usage = {"key_cert_sign": True, "crl_sign": True}
    others = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    no = dict.fromkeys((*others, "encipher_only", "decipher_only"), False)
    return builder.add_extension(x509.KeyUsage(**usage, **no), critical=True).sign(key, hashes.SHA256()), key


def _builder(subject: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(issuer).public_key(key.public_key())
    valid = builder.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + _LIFETIME)
    return valid.serial_number(x509.random_serial_number())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
