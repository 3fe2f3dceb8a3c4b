#!/usr/bin/python
# Copyright (c) 2026 The Rackseed authors
# SPDX-License-Identifier: MIT
"""Adds, changes and deletes nodes."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: rackseed_node
short_description: Add, change or delete a node of Rackseed
description:
  - Sees to it that a node is known with the given settings, or is not known.
  - It changes what the server knows about the node and nothing on the node itself. Most settings take effect at the
    node's next deployment or restore.
  - A change that somebody else makes at the same moment is never overwritten.
version_added: 0.1.0
author:
  - The Rackseed authors (@rackseed)
extends_documentation_fragment:
  - rackseed.rackseed.server
attributes:
  check_mode:
    description: Predicts the change without making it.
    support: full
  diff_mode:
    description: Shows the settings before and after.
    support: full
options:
  name:
    description:
      - The node's name. A node that exists may also be named by its MAC address or its id.
    type: str
    required: true
  state:
    description:
      - V(present) adds the node, or changes its settings.
      - V(absent) deletes the node with its settings, its log and its identity. It needs the role admin, and is
        refused while the node is armed or being installed.
    type: str
    choices:
      - present
      - absent
    default: present
  purge:
    description:
      - Clears every setting that is not given. Otherwise what is not given stays as it is.
      - A setting that is given as an empty string, an empty list or 0 is cleared in any case.
    type: bool
    default: false
  force:
    description:
      - With O(state=absent), deletes the node even if the server's copy of its recovery key is lost with it.
    type: bool
    default: false
  mac:
    description:
      - MAC address of the network interface that the node boots from.
    type: str
  hostname:
    description:
      - Host name of the clone, if it is not the node's name.
    type: str
  identity:
    description:
      - Where the clone's name and addresses come from. V(assign) takes these settings, V(keep) what the disk had before,
        V(ask) asks a person at the console.
    type: str
    choices:
      - assign
      - keep
      - ask
  address:
    description:
      - The clone's address with its prefix, such as V(10.0.0.11/24), on the interface that it boots from.
      - V(dhcp) or V(off) are possible too.
    type: str
  gateway:
    description:
      - IPv4 address of the default gateway.
    type: str
  dns:
    description:
      - Up to three IPv4 addresses of name servers.
    type: list
    elements: str
  interfaces:
    description:
      - Further network interfaces, bonds and VLANs, and further settings of the first interface.
    type: list
    elements: dict
    suboptions:
      kind:
        description:
          - What it is.
        type: str
        required: true
        choices:
          - ethernet
          - bond
          - vlan
      mac:
        description:
          - With V(ethernet), its MAC address. Without it, the interface that the node boots from is meant.
        type: str
      name:
        description:
          - Name of a bond or a VLAN.
        type: str
      members:
        description:
          - MAC addresses of a bond's members.
        type: list
        elements: str
      mode:
        description:
          - How a bond uses its members.
        type: str
        choices:
          - balance-rr
          - active-backup
          - balance-xor
          - broadcast
          - 802.3ad
          - balance-tlb
          - balance-alb
      id:
        description:
          - A VLAN's number, from 1 to 4094.
        type: int
      parent:
        description:
          - What a VLAN is on. The MAC address of an interface, or the name of a bond.
        type: str
      addresses:
        description:
          - Addresses with their prefixes, or V(dhcp). An empty list means no address.
        type: list
        elements: str
        required: true
      gateways:
        description:
          - At most one gateway of each address family.
        type: list
        elements: str
        default: []
      dns:
        description:
          - Addresses of name servers.
        type: list
        elements: str
        default: []
      mtu:
        description:
          - Largest packet in bytes.
        type: int
  group:
    description:
      - The group that the node belongs to. Operators may be limited to groups.
    type: str
  boot_program:
    description:
      - First boot program on UEFI. V(ipxe.efi) is for firmware that hangs with V(snponly.efi).
    type: str
    choices:
      - snponly.efi
      - ipxe.efi
  disks:
    description:
      - Disks that the image's system disks go to, in the image's order, named below C(/dev/disk/by-path) or
        C(/dev/disk/by-id). Without it, the plan chooses or refuses.
    type: list
    elements: path
  leave_disks:
    description:
      - Disks that are never written. Each is a name as in O(disks) with C(*) and C(?), a size such as V(>2TB), or
        V(label=NAME).
    type: list
    elements: str
  data_disks:
    description:
      - Data disks that are written. All others keep what they hold.
    type: list
    elements: dict
    suboptions:
      of:
        description:
          - The image's data disk, by its number or by what is mounted from it.
        type: str
        required: true
      disk:
        description:
          - The node's disk for it, named as in O(disks).
        type: path
        required: true
  mirror:
    description:
      - How many disks each mirror gets on this node.
    type: int
  unlock:
    description:
      - How the clone's encrypted volumes are opened.
    type: str
    choices:
      - passphrase
      - key-file
      - tpm2
  upload_limit:
    description:
      - Upload limit of the node in bytes a second. V(off) means none, even if the site has one.
    type: str
  rack:
    description:
      - Nodes with the same label prefer each other as peers.
    type: str
  backup_every:
    description:
      - Seconds between the node's backups, while its agent runs.
    type: int
  finish:
    description:
      - How the node gets from the installer into its own system.
    type: str
    choices:
      - reboot
      - kexec
  require_tpm:
    description:
      - Whether the node gets orders only if its TPM 2.0 proves what it runs.
    type: str
    choices:
      - "on"
      - "off"
"""

EXAMPLES = r"""
- name: A node with a fixed address
  rackseed.rackseed.rackseed_node:
    server: https://10.0.0.1:8443
    token: "{{ rackseed_token }}"
    name: n1
    mac: "52:54:00:12:34:56"
    address: 10.0.0.11/24
    gateway: 10.0.0.1
    group: rack1

- name: All nodes of a table, with exactly these settings
  rackseed.rackseed.rackseed_node:
    name: "{{ item.name }}"
    mac: "{{ item.mac }}"
    address: "{{ item.address | default(omit) }}"
    purge: true
  loop: "{{ nodes }}"
  loop_control:
    label: "{{ item.name }}"

- name: A bond with a VLAN on it
  rackseed.rackseed.rackseed_node:
    name: n2
    interfaces:
      - kind: bond
        name: bond0
        mode: 802.3ad
        members: ["52:54:00:12:34:57", "52:54:00:12:34:58"]
        addresses: dhcp
      - kind: vlan
        name: vlan100
        id: 100
        parent: bond0
        addresses: [10.1.0.12/24]

- name: A node that is gone
  rackseed.rackseed.rackseed_node:
    name: n3
    state: absent
"""

RETURN = r"""
node:
  description: The node as the API shows it, after the change. In check mode, as it is.
  returned: when the node exists
  type: dict
  sample:
    id: 1f2e3d4c5b6a7988
    name: n1
    state: idle
    armed: false
    settings:
      mac: "52:54:00:12:34:56"
      address: 10.0.0.11/24
problem:
  description: What went wrong, with its remedy.
  returned: on failure
  type: dict
  sample:
    title: cannot delete the node n1
    detail: it is armed or being installed, or restored at every boot.
    remedy: "cancel that first: rackseed node cancel n1"
    status: 409
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.rackseed.rackseed.plugins.module_utils.client import node_path
from ansible_collections.rackseed.rackseed.plugins.module_utils.connection import connect, connection_options
from ansible_collections.rackseed.rackseed.plugins.module_utils.errors import RackseedError
from ansible_collections.rackseed.rackseed.plugins.module_utils.node_settings import OPTIONS, wanted_settings

# so often, somebody else's change may come between reading the settings and writing them
ATTEMPTS = 5


def main():
    spec = dict(
        name=dict(type="str", required=True),
        state=dict(type="str", choices=["present", "absent"], default="present"),
        purge=dict(type="bool", default=False),
        force=dict(type="bool", default=False),
    )
    spec.update(OPTIONS)
    spec.update(connection_options())
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    change = ensure_present if module.params["state"] == "present" else ensure_absent
    try:
        client = connect(module.params)
        for attempt in range(ATTEMPTS):
            try:
                result = change(client, module.params, module.check_mode)
                break
            except RackseedError as error:
                if error.status != 412 or attempt == ATTEMPTS - 1:
                    raise
    except RackseedError as error:
        module.fail_json(msg=str(error), problem=error.problem)
    module.exit_json(**result)


def ensure_present(client, params, check_mode):
    found = client.find(node_path(params["name"]))
    node = found.json if found else None
    # a machine that only appeared is no node yet
    is_new = node is None or node.get("isMachine", False)
    before = node["settings"] if node else {}
    after = wanted_settings(before, params)
    changed = is_new or after != before
    if changed and not check_mode:
        node = client.call("PUT", node_path(params["name"]), after, if_match(found)).json
        # as the server has it: it may write a value in another form
        after = node["settings"]
        changed = is_new or after != before
    result = dict(changed=changed, diff=diff({} if is_new else described(params, before), described(params, after)))
    return dict(result, node=node) if node else result


def ensure_absent(client, params, check_mode):
    found = client.find(node_path(params["name"]))
    if not found or found.json.get("isMachine", False):
        return dict(changed=False, diff=diff({}, {}))
    if not check_mode:
        path = node_path(params["name"]) + ("?force=true" if params["force"] else "")
        client.call("DELETE", path, None, if_match(found))
    return dict(changed=True, diff=diff(described(params, found.json["settings"]), {}))


def if_match(found):
    """Of the settings that were read; none for a node that is new."""
    tag = found.headers.get("etag") if found else None
    return {"If-Match": tag} if tag else {}


def described(params, settings):
    return dict(name=params["name"], settings=settings)


def diff(before, after):
    return dict(before=before, after=after)


if __name__ == "__main__":
    main()
