# Copyright (c) 2026 The Rackseed authors
# SPDX-License-Identifier: MIT
"""Where a node is on its way to an image, as its view in the API says. Pure."""

from __future__ import annotations

from ansible_collections.rackseed.rackseed.plugins.module_utils.errors import describe

UNFINISHED = "unfinished"
DONE = "done"
FAILED = "failed"


def has_image(node, image):
    """Whether its disk holds this version, whole; its clone has reported, or nothing is expected of it."""
    return node.get("image") == image and not node["armed"] and end_of(node)[0] == DONE


def is_under_way(node, image, is_restore):
    """Whether it already has the order for this version, and nothing keeps that from being carried out."""
    if node.get("image") != image or end_of(node)[0] != UNFINISHED or "backup" in node or node.get("discover"):
        return False
    restore = node.get("restore")
    if node["state"] == "armed" and (restore is not None) != is_restore:
        return False
    return not (restore and restore["dryRun"])


def end_of(node):
    """How its latest order ended: UNFINISHED, DONE or FAILED, and the problem of the latter."""
    first_boot = node.get("firstBoot")
    problem = (first_boot or {}).get("problem") or _start_problem(node)
    if not problem and node["state"] == "failed":
        problem = (node.get("report") or {}).get("problem")
    if problem:
        return FAILED, problem
    if node["armed"] or (node["state"] == "installed" and first_boot):
        return UNFINISHED, None
    if node["state"] in ("installed", "running"):
        return DONE, None
    return FAILED, not_done(node["state"])


def not_done(state):
    if state == "failed":
        return dict(title="the installation failed", detail="it gave no reason.", remedy="see the node's log.")
    return dict(
        title="the order was cancelled",
        detail="the node is {0}.".format(state),
        remedy="order it again, if it is still wanted.",
    )


def replaced(node):
    return dict(
        title="the order was cancelled, or another one took its place",
        detail="the node is {0} with {1}.".format(node["state"], node.get("image") or "no image"),
        remedy="see the audit log for who did it: rackseed audit",
    )


def removed():
    return dict(title="the node was removed", detail="the server does not know it any more.", remedy="add it again.")


def late(node, seconds):
    """The problem of a node that is not done in time: how far it is."""
    report = node.get("report") or {}
    where = "is waiting for its network boot"
    if node["state"] == "installing":
        where = "is installing, at the step {0}".format(report.get("step", "enrol"))
        if "silentSince" in node:
            where += ", and silent since {0}".format(node["silentSince"])
    elif node["state"] == "installed":
        where = "is installed, and its clone has not reported"
    return dict(
        title="it was not done within {0} s".format(seconds),
        detail="it {0}.".format(where),
        remedy="see `rackseed node show {0}`; its order stays as it is.".format(node["name"]),
    )


def summary(failed, total):
    """One line for each node that failed, by name."""
    lines = ["{0}: {1}".format(name, describe(problem)) for name, problem in sorted(failed.items())]
    return "{0} of {1} nodes failed. {2}".format(len(failed), total, " ".join(lines))


def _start_problem(node):
    """Why the node could not be started for its order, which it still has."""
    start = (node.get("power") or {}).get("start") or {}
    return start.get("problem") if node["state"] == "armed" else None
