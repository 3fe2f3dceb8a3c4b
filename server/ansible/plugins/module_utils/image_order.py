# Copyright (c) 2026 The Rackseed authors
# SPDX-License-Identifier: MIT
"""Which nodes need an order for an image, and the order itself."""

from __future__ import annotations

from ansible_collections.rackseed.rackseed.plugins.module_utils import node_progress
from ansible_collections.rackseed.rackseed.plugins.module_utils.client import image_path, node_path
from ansible_collections.rackseed.rackseed.plugins.module_utils.errors import RackseedError

PATHS = dict(deployment="/deployments", restore="/restores")
# options of the module → fields of the request
COMMON = dict(passphrase="passphrase", plan_check="planCheck", allow_unsafe="force", now="now", finish="finish")
OWN = dict(
    deployment=dict(
        identity="identity",
        ask_seconds="askSeconds",
        first_boot_seconds="firstBootSeconds",
        unlock="unlock",
        seed="seed",
        power="power",
    ),
    restore=dict(keep="keep", check="check"),
)
POWER = dict(at_once="atOnce", pause_seconds="pauseSeconds", arrive_seconds="arriveSeconds")


class Sorted:
    """
    The nodes, by what is to be done with them: `needed` gets an order, `under_way` has it already, `unchanged` runs the
    version. Each is a list of views. `images`: by id, the version that each node is to have; None if only the server
    knows.
    """

    def __init__(self, nodes, image, is_restore, force):
        self.nodes = nodes
        self.images = {node["id"]: image or node.get("image") for node in nodes}
        self.needed, self.under_way, self.unchanged = [], [], []
        for node in nodes:
            wanted = self.images[node["id"]]
            if node_progress.is_under_way(node, wanted, is_restore) and not (force and node["state"] == "armed"):
                self.under_way.append(node)
            elif node_progress.has_image(node, wanted) and not force:
                self.unchanged.append(node)
            else:
                self.needed.append(node)


def named_nodes(client, names):
    """The views of the nodes, each once. Raises RackseedError that names all that are not known."""
    found = [(name, client.find(node_path(name))) for name in names]
    missing = [name for name, answer in found if answer is None]
    if missing:
        raise RackseedError(
            "cannot find {0}".format(", ".join(missing)),
            detail="no node has that name, MAC or id.",
            remedy="add it with rackseed_node, or correct the name.",
        )
    views = {}
    for dummy, answer in found:
        views.setdefault(answer.json["id"], answer.json)
    return list(views.values())


def newest(client, image):
    """NAME@VERSION of a reference. Raises RackseedError."""
    version = client.get(image_path(image))
    return "{0}@{1}".format(version["image"], version["version"])


def plans_for(client, nodes, image, params):
    """What the order would do to the disks of each node. Raises RackseedError."""
    query = dict(image=image) if image else {}
    if params["kind"] == "restore":
        query["restore"] = "true"
    elif params["unlock"]:
        query["unlock"] = params["unlock"]
    return [client.get("{0}/plan".format(node_path(node["name"])), query) for node in nodes]


def refusals_of(plans, params):
    """By name: the problems for which the server would refuse the order."""
    refused = {}
    for plan in plans:
        if plan["outcome"] == "refused" and params["plan_check"]:
            refused[plan["node"]] = plan["problem"]
        elif plan.get("failing") and not params["allow_unsafe"]:
            refused[plan["node"]] = dict(
                title="it would write to a disk that is failing",
                detail=" ".join(plan["failing"]),
                remedy="replace the disk, or set allow_unsafe.",
            )
    return refused


def place(client, nodes, image, params):
    """Gives the order, and returns the server's answer. Raises RackseedError: then no node has it."""
    return client.order(PATHS[params["kind"]], request_of(nodes, image, params))


def request_of(nodes, image, params):
    request = dict(nodes=[node["name"] for node in nodes])
    if image:
        request["image"] = image
    fields = dict(COMMON, **OWN[params["kind"]])
    for option, field in fields.items():
        if params[option] is not None:
            request[field] = params[option]
    if "seed" in request:
        request["seed"] = _given(request["seed"], {})
    if "power" in request:
        request["power"] = _given(request["power"], POWER)
    return request


def options_of_other_kind(params):
    """Options that are given, but say nothing for this kind of order."""
    other = OWN["restore" if params["kind"] == "deployment" else "deployment"]
    return sorted(option for option in other if params[option] is not None)


def _given(values, names):
    return {names.get(key, key): value for key, value in values.items() if value is not None}
