"""An SMTP server for the tests, by aiosmtpd: login only by STARTTLS and with a password, as at a site.

Arguments: certificate, key, user, password, and "tls" for TLS from the first byte. Prints a line of JSON with its port,
then one for each message that it takes. A recipient that begins with "nobody@" is unknown; "later@" is busy.
"""
import asyncio
import email
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

certificate, key, user, password, *mode = sys.argv[1:]
implicit = mode == ["tls"]


def authenticate(server, session, envelope, mechanism, auth_data):
    right = auth_data.login == user.encode() and auth_data.password == password.encode()
    return AuthResult(success=right, handled=False)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 there is nobody of that name"
        if address.startswith("later@"):
            return "451 4.3.0 come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content)
        print(json.dumps({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "encrypted": session.ssl is not None or implicit,
            "login": session.login_data.decode() if isinstance(session.login_data, bytes) else user
                     if session.authenticated else None,
            "headers": dict(message.items()),
            "text": message.get_payload(decode=True).decode(),
        }), flush=True)
        return "250 OK"


def site():
    return SMTP(
        Handler(),
        tls_context=None if implicit else context,
        require_starttls=not implicit,
        auth_required=True,
        auth_require_tls=not implicit,
        authenticator=authenticate,
    )


async def serve():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(site, "127.0.0.1", 0, ssl=context if implicit else None)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    # the test closes it
    await loop.run_in_executor(None, sys.stdin.read)


context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)
asyncio.run(serve())
