# Copyright (c) 2026 The Rackseed authors
# SPDX-License-Identifier: MIT
"""What goes wrong, in the words of the server's problems (RFC 9457)."""

from __future__ import annotations

import json

MAX_QUOTED = 200


class RackseedError(Exception):
    """`status`: that of the server's answer; None if there was none."""

    def __init__(self, title, detail="", remedy="", status=None):
        super().__init__(title)
        self.title = title
        self.detail = detail
        self.remedy = remedy
        self.status = status

    def __str__(self):
        return describe(self.problem)

    @property
    def problem(self):
        return dict(title=self.title, detail=self.detail, remedy=self.remedy, status=self.status)


def describe(problem):
    """One line of a problem's title, detail and remedy."""
    text = "{0}: {1}".format(problem["title"], problem["detail"]) if problem.get("detail") else problem["title"]
    return "{0} Remedy: {1}".format(text, problem["remedy"]) if problem.get("remedy") else text


def unreachable(host, reason):
    return RackseedError(
        "cannot reach the server at {0}".format(host),
        detail="{0}".format(reason),
        remedy="check that `rackseed server` runs there and that no firewall is in between.",
    )


def error_of(status, body, call):
    """The error of an answer with a status from 400 on."""
    try:
        problem = json.loads(body.decode("utf-8"))
        words = [problem[key] for key in ("title", "detail", "remedy")]
        if all(isinstance(word, str) for word in words):
            return RackseedError(*words, status=status)
    except (ValueError, KeyError, TypeError):
        pass
    return RackseedError(
        "{0} failed".format(call),
        detail="the server answered HTTP {0}: {1}".format(status, body[:MAX_QUOTED].decode("utf-8", "replace")),
        remedy="see the server's log.",
        status=status,
    )
