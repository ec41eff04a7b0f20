"""Makes certificates: an authority, what it signs, and the list of what it takes back. EC P-256, PEM."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Unit = Literal["broker", "server", "node"]

EARLY = timedelta(days=1)
"""How long before it is made a certificate begins: clocks differ."""
PURPOSES = {
    "broker": ExtendedKeyUsageOID.SERVER_AUTH,
    "server": ExtendedKeyUsageOID.CLIENT_AUTH,
    "node": ExtendedKeyUsageOID.CLIENT_AUTH,
}
"""A node's certificate is no broker's: whoever steals one cannot stand in for the broker."""


class Pair(NamedTuple):
    """A certificate and its key, both PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """Signs certificates; `now` is when it does."""

    def __init__(self, pair: Pair, now: datetime) -> None:
        self.pair = pair
        self._now = now
        self._certificate = x509.load_pem_x509_certificate(pair.certificate)
        key = serialization.load_pem_private_key(pair.key, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("the authority's key is none of ours: EC expected")
        self._key = key

    @classmethod
    def made(cls, name: str, days: int, now: datetime) -> Authority:
        """A new authority of this name, that signs for so many days."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            _begun(subject, subject, key.public_key(), now, now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
        )
        certificate = builder.sign(key, hashes.SHA256())
        return cls(Pair(certificate.public_bytes(serialization.Encoding.PEM), _pem(key)), now)

    @property
    def ends(self) -> datetime:
        """When the authority itself expires."""
        return self._certificate.not_valid_after_utc

    def issue(self, name: str, unit: Unit, days: int, hosts: Sequence[str] = ()) -> Pair:
        """A certificate for `name`, and for `hosts` (names, addresses); it never outlives the authority."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
                x509.NameAttribute(NameOID.COMMON_NAME, name),
            ]
        )
        until = min(self._now + timedelta(days=days), self.ends)
        builder = (
            _begun(subject, self._certificate.subject, key.public_key(), self._now, until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([PURPOSES[unit]]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )
        if hosts:
            names = x509.SubjectAlternativeName([_host(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return Pair(certificate.public_bytes(serialization.Encoding.PEM), _pem(key))

    def taken_back(self, serials: Iterable[int]) -> bytes:
        """The list (PEM) of revoked serial numbers. It holds as long as the authority does.

        A broker takes no certificate at all by a list that has expired.
        """
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._certificate.subject)
            .last_update(self._now - EARLY)
            .next_update(self.ends)
        )
        for serial in serials:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(self._now)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def serials_of(revocations: bytes) -> list[int]:
    """The serial numbers in a list of revocations (PEM)."""
    return [entry.serial_number for entry in x509.load_pem_x509_crl(revocations)]


def serial_of(certificate: bytes) -> int:
    """The serial number of a certificate (PEM)."""
    return x509.load_pem_x509_certificate(certificate).serial_number


def hosts_of(certificate: bytes) -> list[str]:
    """The names and addresses that a certificate (PEM) is made for; ``ValueError`` for none of ours."""
    extensions = x509.load_pem_x509_certificate(certificate).extensions
    try:
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound as error:
        raise ValueError(f"a certificate for no host: {error}") from None
    return [str(name.value) for name in names]


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLY)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host.encode("idna").decode("ascii"))


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
