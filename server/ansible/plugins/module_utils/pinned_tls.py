# Copyright (c) 2026 The Rackseed authors
# SPDX-License-Identifier: MIT
"""
Tokens, and the one certificate authority that a connection trusts.

A token is rs1.PIN.SECRET. PIN is the SHA-256 of the certificate (DER) of the server's own authority, as base64url: the
token works with that server or with none. The certificate itself comes from the server, over a connection that proves
nothing; it is believed because of its hash alone.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import re
import ssl

from ansible_collections.rackseed.rackseed.plugins.module_utils.errors import RackseedError, unreachable

TOKEN = re.compile(r"rs1\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{16,64})")
SECRET = re.compile(r"[A-Za-z0-9_-]{16,64}")
CERTIFICATE = re.compile(
    r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----"
)
MAX_CERTIFICATE_BYTES = 65536
FETCH_SECONDS = 20


def parse_token(text):
    """The pin, None if there is none, and the secret. Raises RackseedError."""
    text = text.strip()
    token = TOKEN.fullmatch(text)
    if token:
        return token.group(1), token.group(2)
    if SECRET.fullmatch(text):
        return None, text
    raise RackseedError(
        "cannot use the token",
        detail="it does not have the form rs1.PIN.SECRET.",
        remedy="copy the whole token, as `rackseed token add` printed it.",
    )


def tls_context(host, port, pin, ca_file):
    """
    Trusts the certificates of `ca_file`, else the authority with this pin and nothing else; host names are checked.
    Raises RackseedError.
    """
    if ca_file is not None:
        try:
            return ssl.create_default_context(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise RackseedError(
                "cannot use {0} as certificate authority".format(ca_file),
                detail="{0}.".format(error),
                remedy="give a PEM file, such as tls/ca.pem of the server's data directory.",
            ) from None
    if pin is None:
        raise RackseedError(
            "cannot verify the server",
            detail="the token has no pin, and no certificate authority is given.",
            remedy="give the whole token, rs1.PIN.SECRET, or ca_file.",
        )
    return ssl.create_default_context(cadata=pinned_certificate(fetch_ca(host, port), host, pin))


def pinned_certificate(pem, host, pin):
    """
    The certificate that has the pin, in PEM. Whatever else the text holds is left out: only the first certificate is
    compared, so no other may be trusted. Raises RackseedError.
    """
    found = CERTIFICATE.search(pem)
    der = base64.b64decode("".join(found.group(1).split())) if found else b""
    digest = base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")
    if not found or not hmac.compare_digest(digest, pin):
        raise RackseedError(
            "cannot trust the server at {0}".format(host),
            detail="its certificate is not the one that the token was made for.",
            remedy="check the address; if the server was set up again, use its new token.",
        )
    return ssl.DER_cert_to_PEM_cert(der)


def fetch_ca(host, port):
    """Fetches the certificate that the server says is its authority's. Raises RackseedError."""
    # nothing secret is sent, and what is received is compared with the pin
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection(host, port, timeout=FETCH_SECONDS, context=context)
    try:
        connection.request("GET", "/ca.pem")
        response = connection.getresponse()
        body = response.read(MAX_CERTIFICATE_BYTES)
        if response.status != 200:
            raise unreachable(host, "the answer is not from a Rackseed server.")
        return body.decode("latin-1")
    except (OSError, http.client.HTTPException) as error:
        raise unreachable(host, error) from None
    finally:
        connection.close()
