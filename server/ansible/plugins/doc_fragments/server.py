# Copyright (c) 2026 The Rackseed authors
# SPDX-License-Identifier: MIT
"""The options by which every module finds its server."""

from __future__ import annotations


class ModuleDocFragment:

    DOCUMENTATION = r"""
options:
  server:
    description:
      - Address of the server, C(https://HOST:PORT).
      - The environment variable E(RACKSEED_SERVER) is used if this is not set.
    type: str
    required: true
  token:
    description:
      - Access token, C(rs1.PIN.SECRET), as C(rackseed token add) prints it. Its pin names the one certificate authority
        that is trusted, so nothing else is needed to verify the server.
      - The environment variable E(RACKSEED_TOKEN) is used if this is not set.
    type: str
    required: true
  ca_file:
    description:
      - Certificate authorities to trust instead of the token's pin, as a PEM file on the machine where the module runs.
      - With it, O(token) may be the secret alone.
    type: path
  timeout:
    description:
      - How many seconds to wait for the server's answer.
    type: int
    default: 60
notes:
  - The module talks to the server's API and needs nothing else. Run it on the control node, with C(hosts=localhost) or
    C(delegate_to=localhost).
  - To set O(server) and O(token) once, use C(module_defaults) with C(group/rackseed.rackseed.all).
"""
