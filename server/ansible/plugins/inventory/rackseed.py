# Copyright (c) 2026 The Rackseed authors
# SPDX-License-Identifier: MIT
"""The nodes of a Rackseed server as hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: rackseed
short_description: Nodes of Rackseed as hosts
description:
  - Makes a host of every node, with its address, and groups the hosts by group, state and image.
  - The name of the file ends in C(rackseed.yml) or C(rackseed.yaml).
  - A token with the role viewer is enough.
version_added: 0.1.0
author:
  - The Rackseed authors (@rackseed)
extends_documentation_fragment:
  - constructed
  - inventory_cache
options:
  plugin:
    description:
      - Names this plug-in.
    type: str
    required: true
    choices:
      - rackseed.rackseed.rackseed
  server:
    description:
      - Address of the server, C(https://HOST:PORT).
    type: str
    required: true
    env:
      - name: RACKSEED_SERVER
  token:
    description:
      - Access token, C(rs1.PIN.SECRET). Its pin names the one certificate authority that is trusted.
      - Better set it in the environment than in the file.
    type: str
    required: true
    env:
      - name: RACKSEED_TOKEN
  ca_file:
    description:
      - Certificate authorities to trust instead of the token's pin, as a PEM file. With it, O(token) may be the secret
        alone.
    type: path
  timeout:
    description:
      - How many seconds to wait for the server's answer.
    type: int
    default: 60
  filters:
    description:
      - Takes only the nodes that match all of these.
    type: dict
    default: {}
    suboptions:
      state:
        description:
          - Their state, such as V(running).
        type: str
      group:
        description:
          - Their group.
        type: str
      image:
        description:
          - Their image, as V(NAME) or V(NAME@VERSION).
        type: str
notes:
  - Hosts have C(ansible_host) if the node's address is known, and the variables C(rackseed_id), C(rackseed_state),
    C(rackseed_armed), C(rackseed_mac), C(rackseed_group), C(rackseed_rack), C(rackseed_image), C(rackseed_version) and
    C(rackseed_hostname). What is not known of a node is left out.
  - A group is named after what its hosts share, such as C(group_rack1), C(state_running) and C(image_web). Characters
    that Ansible does not allow in the names of groups become C(_).
"""

EXAMPLES = r"""
# rackseed.yml; the token is in RACKSEED_TOKEN
plugin: rackseed.rackseed.rackseed
server: https://10.0.0.1:8443

# only the clones that run, with further groups such as rack_a1 and version_3
# plugin: rackseed.rackseed.rackseed
# filters:
#   state: running
# keyed_groups:
#   - key: rackseed_rack
#     prefix: rack
#   - key: rackseed_version
#     prefix: version
# compose:
#   ansible_user: "'admin'"
# cache: true
"""

import ipaddress

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.rackseed.rackseed.plugins.module_utils.client import Client
from ansible_collections.rackseed.rackseed.plugins.module_utils.errors import RackseedError

FILTERS = ("state", "group", "image")


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):

    NAME = "rackseed.rackseed.rackseed"

    def verify_file(self, path):
        return super().verify_file(path) and path.endswith(("rackseed.yml", "rackseed.yaml"))

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        strict = self.get_option("strict")
        for name, variables in self._hosts(path, cache).items():
            self.inventory.add_host(name)
            for key, value in variables.items():
                self.inventory.set_variable(name, key, value)
            for group in groups_of(variables):
                self.inventory.add_child(self.inventory.add_group(self._sanitize_group_name(group)), name)
            self._set_composite_vars(self.get_option("compose"), variables, name, strict)
            self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict)
            self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict)

    def _hosts(self, path, cache):
        """The variables of each host by its name, from the cache if they are there."""
        key = self.get_cache_key(path)
        use_cache = cache and self.get_option("cache")
        if use_cache and key in self._cache:
            return self._cache[key]
        hosts = self._fetch()
        if self.get_option("cache"):
            self._cache[key] = hosts
        return hosts

    def _fetch(self):
        filters = self.get_option("filters")
        unknown = sorted(set(filters).difference(FILTERS))
        if unknown:
            raise AnsibleParserError("filters do not have {0}: use {1}.".format(unknown[0], ", ".join(FILTERS)))
        options = [self.get_option(name) for name in ("server", "token", "ca_file", "timeout")]
        try:
            nodes = Client(*options).pages("/nodes", filters)
            # machines that only appeared have no system that anybody could reach
            return {node["name"]: variables_of(node) for node in nodes if not node.get("isMachine")}
        except RackseedError as error:
            raise AnsibleParserError(str(error)) from None


def variables_of(node):
    """
    Only values whose form the server checks: what a machine says about itself could hold a template, which older
    versions of Ansible would carry out.
    """
    settings = node["settings"]
    image, dummy, version = node.get("image", "").partition("@")
    found = dict(
        ansible_host=address_of(node),
        rackseed_id=node["id"],
        rackseed_state=node["state"],
        rackseed_armed=node["armed"],
        rackseed_mac=settings.get("mac"),
        rackseed_group=settings.get("group"),
        rackseed_rack=settings.get("rack"),
        rackseed_hostname=settings.get("hostname"),
        rackseed_image=image or None,
        rackseed_version=int(version) if version else None,
    )
    return {key: value for key, value in found.items() if value is not None}


def address_of(node):
    """The address that is set for it, else the one that it last reported from."""
    address = node["settings"].get("address", "")
    candidate = address.partition("/")[0] if "/" in address else node.get("address", "")
    try:
        return str(ipaddress.ip_address(candidate))
    except ValueError:
        return None


def groups_of(variables):
    for key in ("group", "state", "image"):
        value = variables.get("rackseed_" + key)
        if value is not None:
            yield "{0}_{1}".format(key, value)
