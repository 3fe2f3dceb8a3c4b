# Copyright (c) 2026 The Rackseed authors
# SPDX-License-Identifier: MIT
"""A node's settings: the options of rackseed_node, and what the API calls them. Pure."""

from __future__ import annotations

import re

MAC = re.compile(r"([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}")

ADDRESSING = dict(
    addresses=dict(type="list", elements="str", required=True),
    gateways=dict(type="list", elements="str", default=[]),
    dns=dict(type="list", elements="str", default=[]),
    mtu=dict(type="int"),
)
BOND_MODES = [
    "balance-rr",
    "active-backup",
    "balance-xor",
    "broadcast",
    "802.3ad",
    "balance-tlb",
    "balance-alb",
]
INTERFACE = dict(
    kind=dict(type="str", required=True, choices=["ethernet", "bond", "vlan"]),
    mac=dict(type="str"),
    name=dict(type="str"),
    members=dict(type="list", elements="str"),
    mode=dict(type="str", choices=BOND_MODES),
    id=dict(type="int"),
    parent=dict(type="str"),
    **ADDRESSING
)
DATA_DISK = dict(of=dict(type="str", required=True), disk=dict(type="path", required=True))

OPTIONS = dict(
    mac=dict(type="str"),
    hostname=dict(type="str"),
    identity=dict(type="str", choices=["assign", "keep", "ask"]),
    address=dict(type="str"),
    gateway=dict(type="str"),
    dns=dict(type="list", elements="str"),
    interfaces=dict(
        type="list",
        elements="dict",
        options=INTERFACE,
        required_if=[
            ("kind", "bond", ("name", "members", "mode")),
            ("kind", "vlan", ("name", "id", "parent")),
        ],
    ),
    group=dict(type="str"),
    boot_program=dict(type="str", choices=["snponly.efi", "ipxe.efi"]),
    disks=dict(type="list", elements="path"),
    leave_disks=dict(type="list", elements="str"),
    data_disks=dict(type="list", elements="dict", options=DATA_DISK),
    mirror=dict(type="int"),
    unlock=dict(type="str", choices=["passphrase", "key-file", "tpm2"]),
    upload_limit=dict(type="str"),
    rack=dict(type="str"),
    backup_every=dict(type="int"),
    finish=dict(type="str", choices=["reboot", "kexec"]),
    require_tpm=dict(type="str", choices=["on", "off"]),
)
NAMES = dict(
    boot_program="bootProgram",
    leave_disks="leaveDisks",
    data_disks="dataDisks",
    upload_limit="uploadLimit",
    backup_every="backupEverySeconds",
    require_tpm="requireTpm",
)


def wanted_settings(current, params):
    """
    The settings that the node should have. What is not given stays, or goes with `purge`; what is given empty, or as
    0, goes. Values have the form that the server stores, so that equal settings compare equal.
    """
    settings = {} if params["purge"] else dict(current)
    for option in OPTIONS:
        value = params[option]
        name = NAMES.get(option, option)
        if value is None:
            continue
        if value in ("", [], 0):
            settings.pop(name, None)
        else:
            settings[name] = _stored(option, value)
    return settings


def _stored(option, value):
    if option in ("mac", "address", "upload_limit"):
        return _SCALARS[option](value)
    if option == "interfaces":
        return [_interface(one) for one in value]
    if option == "data_disks":
        return [dict(of=_number_or_text(one["of"]), disk=one["disk"]) for one in value]
    return value


def _interface(given):
    interface = {key: value for key, value in given.items() if value is not None}
    for key in ("mac", "parent"):
        if key in interface:
            interface[key] = _mac(interface[key])
    if "members" in interface:
        interface["members"] = [_mac(member) for member in interface["members"]]
    if interface["addresses"] == ["dhcp"]:
        interface["addresses"] = "dhcp"
    return interface


def _mac(text):
    return text.lower() if MAC.fullmatch(text) else text


def _off(text):
    # YAML 1.1 reads a bare off as false
    return "off" if text.lower() in ("off", "false") else text


def _number_or_text(text):
    return int(text) if text.isdigit() else text


_SCALARS = dict(mac=_mac, address=_off, upload_limit=lambda text: _number_or_text(_off(text)))
