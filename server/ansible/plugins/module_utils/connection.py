# Copyright (c) 2026 The Rackseed authors
# SPDX-License-Identifier: MIT
"""How a module finds its server: the options of the fragment `server`, and the client that they give."""

from __future__ import annotations

from ansible.module_utils.basic import env_fallback
from ansible_collections.rackseed.rackseed.plugins.module_utils.client import Client


def connection_options():
    """The part of an argument spec that every module shares."""
    return dict(
        server=dict(type="str", required=True, fallback=(env_fallback, ["RACKSEED_SERVER"])),
        token=dict(type="str", required=True, no_log=True, fallback=(env_fallback, ["RACKSEED_TOKEN"])),
        ca_file=dict(type="path"),
        timeout=dict(type="int", default=60),
    )


def connect(params):
    """Raises RackseedError."""
    return Client(params["server"], params["token"], params["ca_file"], params["timeout"])
