# Copyright (c) 2026 The Rackseed authors
# SPDX-License-Identifier: MIT
"""The API's client, of Python's standard library alone."""

from __future__ import annotations

import http.client
import json
import re
import time
import uuid
from urllib.parse import quote, urlencode, urlsplit

from ansible_collections.rackseed.rackseed.plugins.module_utils.errors import RackseedError, error_of, unreachable
from ansible_collections.rackseed.rackseed.plugins.module_utils.pinned_tls import parse_token, tls_context

API = "/api/v1"
PAGE = 200
MAX_PAGES = 10000
MAX_ANSWER_BYTES = 256 * 1024 * 1024
ONCE_MORE_SECONDS = 1
NEXT = re.compile(r'<(%s/[!-;=?-~]*)>; rel="next"' % API)


class Answer:
    """`json`: None if the answer has no body."""

    def __init__(self, headers, body):
        self.headers = headers
        self.json = json.loads(body.decode("utf-8")) if body else None


class Client:
    """Every method raises RackseedError."""

    def __init__(self, server, token, ca_file=None, timeout=60):
        """
        server: https://HOST:PORT. token: rs1.PIN.SECRET, or the secret alone with the path of its certificate authority.
        timeout: seconds until each part of an answer must have come.
        """
        self._host, self._port = _host_and_port(server)
        pin, self._secret = parse_token(token)
        self._timeout = timeout
        self._context = tls_context(self._host, self._port, pin, ca_file)

    def get(self, path, query=None):
        """An answer's JSON."""
        return self.call("GET", _with_query(path, query)).json

    def find(self, path):
        """An answer, or None if there is no such thing."""
        try:
            return self.call("GET", path)
        except RackseedError as error:
            if error.status == 404:
                return None
            raise

    def pages(self, path, query=None):
        """The items of a long list, page by page."""
        address = _with_query(path, dict(query or {}, limit=PAGE))
        for dummy in range(MAX_PAGES):
            answer = self.call("GET", address)
            for item in answer.json:
                yield item
            following = NEXT.search(answer.headers.get("link") or "")
            if not following:
                return
            address = following.group(1)[len(API):]

    def order(self, path, body):
        """Orders work. If the answer is lost, the order is sent once more; its key lets the server carry it out once."""
        headers = {"Idempotency-Key": '"{0}"'.format(uuid.uuid4())}
        try:
            return self.call("POST", path, body, headers).json
        except RackseedError as error:
            if error.status is not None:
                raise
        time.sleep(ONCE_MORE_SECONDS)
        return self.call("POST", path, body, headers).json

    def call(self, method, path, body=None, headers=None):
        """Makes one call. `path`: below /api/v1."""
        sent = dict(headers or {}, Authorization="Bearer {0}".format(self._secret))
        content = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            content = json.dumps(body).encode("utf-8")
        connection = http.client.HTTPSConnection(
            self._host, self._port, timeout=self._timeout, context=self._context
        )
        try:
            # redirects are not followed: the token is for this server
            connection.request(method, API + path, content, sent)
            response = connection.getresponse()
            answer = response.read(MAX_ANSWER_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            raise unreachable(self._host, error) from None
        finally:
            connection.close()
        if response.status >= 300 or len(answer) > MAX_ANSWER_BYTES:
            raise error_of(response.status, answer, "{0} {1}".format(method, path))
        try:
            return Answer(response.headers, answer)
        except ValueError:
            raise error_of(response.status, answer, "{0} {1}".format(method, path)) from None


def node_path(node):
    """The path of a node, by its name, MAC or id."""
    return "/nodes/{0}".format(quote(node, safe=""))


def image_path(image):
    """The path of a version, by NAME or NAME@VERSION."""
    return "/images/{0}".format(quote(image, safe="@"))


def _with_query(path, query):
    return "{0}?{1}".format(path, urlencode(query)) if query else path


def _host_and_port(server):
    try:
        address = urlsplit(server)
        if address.scheme == "https" and address.hostname and address.path in ("", "/"):
            return address.hostname, address.port or 443
    except ValueError:
        pass
    raise RackseedError(
        "cannot use the server address {0}".format(server),
        detail="it is not of the form https://HOST:PORT.",
        remedy="give server: https://HOST:8443, or set RACKSEED_SERVER.",
    )
