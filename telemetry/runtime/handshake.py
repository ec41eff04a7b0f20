"""Why TLS with a broker does not come about, in words that say who has to mend it.

The MQTT library says little or nothing of it: with TLS 1.3 a broker refuses a certificate after the client
believes the handshake to be over. So it is tried once more by hand, and what comes back is looked at.
"""

from __future__ import annotations

import socket
import ssl
from datetime import datetime, timezone

from telemetry.contract.errors import UserError
from telemetry.runtime.address import Address, Tls
from telemetry.runtime.certificate import read_certificate

CONNECT_S = 5.0
ALERT_S = 1.0
"""How long a broker may take to refuse our certificate; one that takes it waits for us in silence."""

# OpenSSL's codes for what is wrong with the certificate of the other side (x509_vfy.h).
NOT_YET, EXPIRED, PURPOSE = 9, 10, 26
UNKNOWN_SIGNER = (2, 18, 19, 20, 21)
OTHER_NAME = (62, 64)

# What the broker says of our certificate: the end of OpenSSL's name of the alert.
ALERTS = {
    "CERTIFICATE_EXPIRED": "the broker refuses it as expired",
    "CERTIFICATE_REVOKED": "the broker refuses it as revoked",
    "UNKNOWN_CA": "the broker does not know the authority that signed it",
    "UNSUPPORTED_CERTIFICATE": "the broker refuses it: not made for a client",
    "BAD_CERTIFICATE": "the broker refuses it as damaged",
    "CERTIFICATE_UNKNOWN": "the broker refuses it",
    "DECRYPT_ERROR": "the broker refuses its signature",
}
MISSING = ("CERTIFICATE_REQUIRED", "HANDSHAKE_FAILURE")
NO_TLS = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE")


def tls_trouble(address: Address) -> str | None:
    """One line on why TLS fails; None where it does not, or where something else does. It blocks."""
    if address.tls is None:
        return None
    try:
        context = address.tls.context()
        with (
            socket.create_connection((address.host, address.port), CONNECT_S) as plain,
            context.wrap_socket(plain, server_hostname=address.host) as line,
        ):
            line.settimeout(ALERT_S)
            line.recv(1)
    except UserError as error:
        return str(error)
    except ssl.SSLCertVerificationError as error:
        return _of_broker(address, error)
    except ssl.SSLError as error:
        return _of_ours(address.tls, error)
    except OSError:
        return None
    return None


def _of_broker(address: Address, error: ssl.SSLCertVerificationError) -> str:
    """What is wrong with the certificate that the broker shows."""
    today = datetime.now(timezone.utc).date().isoformat()
    code = error.verify_code
    if code == EXPIRED:
        return f"the broker's certificate has expired (today is {today} here): `e3p pki broker --renew`"
    if code == NOT_YET:
        return f"the broker's certificate is not valid yet: is this clock right? It says {today}"
    if code in UNKNOWN_SIGNER:
        ca = address.tls.ca if address.tls else None
        signer = (
            f"the authority in mqtt_ca {ca}" if ca else "an authority of this system; name its own in mqtt_ca"
        )
        return f"the broker's certificate is not signed by {signer}"
    if code in OTHER_NAME:
        right = f"`e3p pki broker --renew --host {address.host}` makes one that is"
        return f"the broker's certificate is not made for the name {address.host}; {right}"
    if code == PURPOSE:
        return "what answers shows a certificate that is no broker's"
    return f"the broker's certificate is refused here: {error.verify_message}"


def _of_ours(tls: Tls, error: ssl.SSLError) -> str | None:
    """What the broker says of the certificate that we show."""
    reason = error.reason or ""
    if reason in NO_TLS:
        return "no TLS is spoken on this port: mqtt:// instead of mqtts://, or another port"
    if reason.endswith(MISSING):
        return (
            "the broker asks for a certificate: name one in mqtt_cert and mqtt_key" if not tls.cert else None
        )
    words = next((words for alert, words in ALERTS.items() if reason.endswith(alert)), None)
    if words is None or tls.cert is None:
        return f"TLS fails: {reason.replace('_', ' ').lower()}" if reason else None
    expires = datetime.fromtimestamp(read_certificate(tls.cert).expires_s, timezone.utc).date().isoformat()
    return f"mqtt_cert {tls.cert}: {words} (it is valid until {expires})"
