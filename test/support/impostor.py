"""A service that shows a certificate without having its key, as anyone can who has seen it.

Usage: impostor.py PORT CERTIFICATE KEY, where KEY is any other key. Prints "listening", then what each client did:
"refused", or "sent" with the number of bytes that it sent.
"""
import socket
import sys

from tlslite.api import TLSConnection, X509, X509CertChain, parsePEMKey

port, certificate, key = sys.argv[1:]
with open(certificate) as file:
    shown = X509().parse(file.read())
with open(key) as file:
    other_key = parsePEMKey(file.read(), private=True)

listener = socket.create_server(("127.0.0.1", int(port)))
print("listening", flush=True)
while True:
    connection = TLSConnection(listener.accept()[0])
    try:
        connection.handshakeServer(certChain=X509CertChain([shown]), privateKey=other_key)
        print("sent", len(connection.read(max=4096)), flush=True)
    except Exception as error:
        print("refused", repr(error), flush=True)
    finally:
        connection.sock.close()
