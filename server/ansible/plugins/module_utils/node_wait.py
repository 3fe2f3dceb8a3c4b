# Copyright (c) 2026 The Rackseed authors
# SPDX-License-Identifier: MIT
"""Waits until nodes are done with their orders."""

from __future__ import annotations

import time

from ansible_collections.rackseed.rackseed.plugins.module_utils import node_progress
from ansible_collections.rackseed.rackseed.plugins.module_utils.client import node_path
from ansible_collections.rackseed.rackseed.plugins.module_utils.errors import RackseedError

FIRST_PAUSE_SECONDS = 1
LONGEST_PAUSE_SECONDS = 5


def wait_for_nodes(client, images, timeout):
    """
    Returns the views of the nodes by id, None for those that were removed, and the problems of those that failed or are
    late by id. `images`: by id, the version that each is to have. A server that restarts is waited for.
    """
    deadline = time.monotonic() + timeout
    views, problems = {}, {}
    waiting = set(images)
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            views.update(views_of(client, waiting, images))
        except RackseedError as error:
            # its order is carried out all the same; what a restart cannot mend is raised
            is_temporary = error.status is None or error.status >= 500
            if not is_temporary or time.monotonic() >= deadline:
                raise
        else:
            for node_id in sorted(waiting):
                end, problem = _end_of(views[node_id], images[node_id])
                if end == node_progress.UNFINISHED:
                    continue
                waiting.discard(node_id)
                if problem:
                    problems[node_id] = problem
        left = deadline - time.monotonic()
        if not waiting or left <= 0:
            break
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
    for node_id in waiting:
        problems[node_id] = node_progress.late(views[node_id], timeout)
    return views, problems


def views_of(client, ids, images):
    """The nodes by id; None for those that were removed. With one image, it takes a list and not a call for each."""
    versions = {images[node_id] for node_id in ids}
    views = {}
    if len(versions) == 1 and len(ids) > 1:
        listed = client.pages("/nodes", dict(image=versions.pop()))
        views = {node["id"]: node for node in listed if node["id"] in ids}
    for node_id in ids.difference(views):
        found = client.find(node_path(node_id))
        views[node_id] = found.json if found else None
    return views


def _end_of(node, image):
    if node is None:
        return node_progress.FAILED, node_progress.removed()
    end, problem = node_progress.end_of(node)
    # the next image may be that of another order, or the one that the node had before
    if node.get("image") != image and end != node_progress.FAILED:
        return node_progress.FAILED, node_progress.replaced(node)
    return end, problem
