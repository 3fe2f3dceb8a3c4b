#!/usr/bin/python
# Copyright (c) 2026 The Rackseed authors
# SPDX-License-Identifier: MIT
"""Deploys or restores nodes to an image."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rackseed_deployment
short_description: Deploy or restore nodes of Rackseed to an image
description:
  - Sees to it that nodes run a version of an image. Nodes that already run it are left alone, and nodes that already have
    the order are waited for and not ordered again.
  - A deployment overwrites the nodes' disks. A restore writes only what differs from the image.
  - A node carries its order out at its next network boot. With O(power) or O(now) it is made to boot at once.
  - The order is given to all of the nodes or to none. If its answer is lost, it is sent again with the same idempotency
    key, so that it is carried out once.
version_added: 0.1.0
author:
  - The Rackseed authors (@rackseed)
extends_documentation_fragment:
  - rackseed.rackseed.server
attributes:
  check_mode:
    description: Shows which nodes would get the order, and the plan for their disks.
    support: full
  diff_mode:
    description: Shows the image of each node that gets the order, before and after.
    support: full
options:
  nodes:
    description:
      - Names of the nodes. MAC addresses and ids are possible too.
    type: list
    elements: str
    required: true
  image:
    description:
      - The image, as V(NAME) for its newest version, as V(NAME@VERSION) or as V(NAME@TAG).
      - It is required with O(kind=deployment). With O(kind=restore), it defaults to the image that the nodes have.
    type: str
  kind:
    description:
      - Whether the disks are overwritten, or made to match the image again.
    type: str
    choices:
      - deployment
      - restore
    default: deployment
  force:
    description:
      - Gives the order also to nodes that already run this version. To repair such a node, use it with O(kind=restore).
      - It does not lift any of the server's refusals.
    type: bool
    default: false
  wait:
    description:
      - Waits until every node is done, that is until its clone has reported that it runs.
      - Otherwise the module returns as soon as the nodes have the order.
    type: bool
    default: true
  wait_timeout:
    description:
      - How many seconds to wait in all. Nodes that are not done by then are named, and keep their order.
    type: int
    default: 3600
  now:
    description:
      - The agents that run on the nodes restart them into the installer at once.
    type: bool
  power:
    description:
      - With O(kind=deployment), switches the nodes on and starts them from the network. V({}) takes the defaults.
    type: dict
    suboptions:
      at_once:
        description:
          - How many nodes are switched at one time. The server's default is 8.
        type: int
      pause_seconds:
        description:
          - Pause after a node, before another takes its place. The server's default is 2.
        type: float
      arrive_seconds:
        description:
          - How long a node may take from power-on until its installer reports. The server's default is 900.
        type: int
  plan_check:
    description:
      - Set to false, the order is given even if the plan for the disks that a node last reported is refused. The node
        itself still refuses what it cannot do.
    type: bool
    default: true
  allow_unsafe:
    description:
      - Allows a node's backup to be deployed to another node, and a failing disk to be written.
    type: bool
    default: false
  finish:
    description:
      - How the nodes get from the installer into their own system. It overrides the nodes' own setting.
    type: str
    choices:
      - reboot
      - kexec
  passphrase:
    description:
      - Passphrase of the encrypted volumes, for nodes that open them by one.
    type: str
  unlock:
    description:
      - With O(kind=deployment), how encrypted volumes are opened. It overrides the nodes' own setting.
    type: str
    choices:
      - passphrase
      - key-file
      - tpm2
  identity:
    description:
      - With O(kind=deployment), where the clones' names and addresses come from. It overrides the nodes' own setting.
    type: str
    choices:
      - assign
      - keep
      - ask
  ask_seconds:
    description:
      - With O(identity=ask), how many seconds a person at the console has.
    type: int
  first_boot_seconds:
    description:
      - With O(kind=deployment), how many seconds a clone may take to report after its installation.
    type: int
  seed:
    description:
      - With O(kind=deployment), how long finished nodes pass the image on to others.
    type: dict
    suboptions:
      mode:
        description:
          - Not at all, while others benefit from it, or for a set time.
        type: str
        required: true
        choices:
          - none
          - while-needed
          - for
      seconds:
        description:
          - How long at most, or how long.
        type: int
  keep:
    description:
      - With O(kind=restore), paths that are left alone with everything below them.
    type: list
    elements: str
  check:
    description:
      - With O(kind=restore), V(content) compares every file by its content, whatever its times say.
    type: str
    choices:
      - content
"""

EXAMPLES = r"""
- name: The rack runs the newest version of web
  rackseed.rackseed.rackseed_deployment:
    server: https://10.0.0.1:8443
    token: "{{ rackseed_token }}"
    nodes: "{{ groups['group_rack1'] }}"
    image: web
    power: {}
    wait_timeout: 7200
  delegate_to: localhost
  run_once: true

- name: One node is made its image again, except for what is below /srv
  rackseed.rackseed.rackseed_deployment:
    nodes: [n1]
    kind: restore
    force: true
    now: true
    keep: [/srv]

- name: Only arm the nodes, which somebody switches on later
  rackseed.rackseed.rackseed_deployment:
    nodes: [n1, n2]
    image: web@3
    wait: false
"""

RETURN = r"""
image:
  description: The version, as NAME@VERSION. Absent if each node is restored to its own.
  returned: when an image is given or ordered
  type: str
  sample: web@3
ordered:
  description: Names of the nodes that got the order. In check mode, of those that would get it.
  returned: always
  type: list
  elements: str
  sample: [n1, n2]
under_way:
  description: Names of the nodes that already had the order.
  returned: always
  type: list
  elements: str
unchanged:
  description: Names of the nodes that already ran this version.
  returned: always
  type: list
  elements: str
deployment:
  description: Id of the order.
  returned: when nodes got the order
  type: str
plans:
  description: What the order would do to the disks of each node, line by line.
  returned: in check mode
  type: list
  elements: dict
  sample:
    - node: n1
      image: web@3
      outcome: planned
      lines: ["write /dev/disk/by-path/pci-0000:00:04.0, 20 GB"]
      remark: The node makes this plan if its disks are still the same.
nodes:
  description: Each node at the end, with the problem of those that failed.
  returned: when nodes were waited for
  type: list
  elements: dict
  sample:
    - name: n1
      state: running
      image: web@3
    - name: n2
      state: failed
      image: web@3
      problem:
        title: cannot install
        detail: the disk is too small.
        remedy: use a larger disk.
problem:
  description: Why the order was refused, with its remedy.
  returned: when the server refused it
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rackseed.rackseed.plugins.module_utils import image_order, node_progress
from ansible_collections.rackseed.rackseed.plugins.module_utils.connection import connect, connection_options
from ansible_collections.rackseed.rackseed.plugins.module_utils.errors import RackseedError
from ansible_collections.rackseed.rackseed.plugins.module_utils.node_wait import wait_for_nodes

POWER = dict(
    at_once=dict(type="int"),
    pause_seconds=dict(type="float"),
    arrive_seconds=dict(type="int"),
)
SEED = dict(
    mode=dict(type="str", required=True, choices=["none", "while-needed", "for"]),
    seconds=dict(type="int"),
)
SPEC = dict(
    nodes=dict(type="list", elements="str", required=True),
    image=dict(type="str"),
    kind=dict(type="str", choices=["deployment", "restore"], default="deployment"),
    force=dict(type="bool", default=False),
    wait=dict(type="bool", default=True),
    wait_timeout=dict(type="int", default=3600),
    now=dict(type="bool"),
    power=dict(type="dict", options=POWER),
    plan_check=dict(type="bool", default=True),
    allow_unsafe=dict(type="bool", default=False),
    finish=dict(type="str", choices=["reboot", "kexec"]),
    passphrase=dict(type="str", no_log=True),
    unlock=dict(type="str", choices=["passphrase", "key-file", "tpm2"]),
    identity=dict(type="str", choices=["assign", "keep", "ask"]),
    ask_seconds=dict(type="int"),
    first_boot_seconds=dict(type="int"),
    seed=dict(type="dict", options=SEED),
    keep=dict(type="list", elements="str", no_log=False),
    check=dict(type="str", choices=["content"]),
)


def main():
    module = AnsibleModule(
        argument_spec=dict(SPEC, **connection_options()),
        required_if=[("kind", "deployment", ("image",))],
        supports_check_mode=True,
    )
    params = module.params
    strange = image_order.options_of_other_kind(params)
    if strange:
        module.fail_json(msg="kind={0} does not take {1}.".format(params["kind"], ", ".join(strange)))
    try:
        run(module, params)
    except RackseedError as error:
        module.fail_json(msg=str(error), problem=error.problem)


def run(module, params):
    client = connect(params)
    nodes = image_order.named_nodes(client, params["nodes"])
    image = image_order.newest(client, params["image"]) if params["image"] else None
    sorts = image_order.Sorted(nodes, image, params["kind"] == "restore", params["force"])
    result = dict(
        changed=bool(sorts.needed),
        ordered=names_of(sorts.needed),
        under_way=names_of(sorts.under_way),
        unchanged=names_of(sorts.unchanged),
        diff=diff_of(sorts, image),
    )
    if image:
        result["image"] = image
    if module.check_mode:
        preview(module, client, sorts, image, result)
    if sorts.needed:
        answer = image_order.place(client, sorts.needed, image, params)
        result.update(deployment=answer["deployment"], image=answer["image"])
        sorts.images.update((node["id"], answer["image"]) for node in answer["nodes"])
        for node in answer["nodes"]:
            for warning in node.get("warnings", []):
                module.warn("{0}: {1}".format(node["node"], warning))
    if params["wait"] and (sorts.needed or sorts.under_way):
        wait(module, client, sorts, result)
    module.exit_json(**result)


def preview(module, client, sorts, image, result):
    """Ends the module in check mode."""
    result["plans"] = image_order.plans_for(client, sorts.needed, image, module.params)
    refused = image_order.refusals_of(result["plans"], module.params)
    if refused:
        module.fail_json(msg=node_progress.summary(refused, len(sorts.nodes)), **dict(result, changed=False))
    module.exit_json(**result)


def wait(module, client, sorts, result):
    """Waits for the nodes; fails the module if any of them failed."""
    waited = sorts.needed + sorts.under_way
    images = {node["id"]: sorts.images[node["id"]] for node in waited}
    try:
        views, problems = wait_for_nodes(client, images, module.params["wait_timeout"])
        problems.update(lost_orders(client, sorts, views, problems, result))
    except RackseedError as error:
        module.fail_json(msg=str(error), problem=error.problem, **result)
    result["nodes"] = []
    failed = {}
    for node in waited:
        view = views[node["id"]] or dict(node, state="removed", image=None)
        shown = dict(name=view["name"], id=view["id"], state=view["state"], image=view.get("image"))
        if node["id"] in problems:
            shown["problem"] = failed[view["name"]] = problems[node["id"]]
        result["nodes"].append(shown)
    if failed:
        module.fail_json(msg=node_progress.summary(failed, len(sorts.nodes)), **result)


def lost_orders(client, sorts, views, problems, result):
    """
    The problems, by id, of nodes that look as if they were done, because they had this version before, while their
    order was cancelled or replaced.
    """
    if "deployment" not in result:
        return {}
    found = client.find("/deployments/{0}".format(result["deployment"]))
    carried_out = {part["node"] for part in found.json["nodes"]} if found else set()
    return {
        node["id"]: node_progress.replaced(views[node["id"]])
        for node in sorts.needed
        if node["id"] not in problems and views[node["id"]]["name"] not in carried_out
    }


def names_of(nodes):
    return [node["name"] for node in nodes]


def diff_of(sorts, image):
    before = {node["name"]: "{0}, {1}".format(node.get("image") or "no image", node["state"]) for node in sorts.needed}
    after = {node["name"]: image or sorts.images[node["id"]] or "its image" for node in sorts.needed}
    return dict(before=before, after=after)


if __name__ == "__main__":
    main()
