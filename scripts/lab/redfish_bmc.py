"""A BMC by Redfish: sushy-tools' emulator, with a machine of the lab in place of its fake one.

Usage: redfish_bmc.py, with the arguments of sushy-emulator.
"""
from sushy_tools import error
from sushy_tools.emulator import main
from sushy_tools.emulator.resources.systems import fakedriver

from bmc_orders import order

ORDERS = {
    "On": "on",
    "ForceOn": "on",
    "ForceOff": "off",
    "GracefulShutdown": "shutdown",
    "GracefulRestart": "reset",
    "ForceRestart": "reset",
}


class Machine(fakedriver.FakeDriver):
    def get_power_state(self, identity):
        self._get(identity)
        return "On" if order("status") == "on" else "Off"

    def set_power_state(self, identity, state):
        self._get(identity)
        if state not in ORDERS:
            raise error.NotSupportedError(state)
        order(ORDERS[state])

    def get_boot_device(self, identity):
        self._get(identity)
        return "Pxe" if order("boot") == "network" else "Hdd"

    def set_boot_device(self, identity, boot_source):
        self._get(identity)
        order("boot network" if boot_source == "Pxe" else "boot disk")


fakedriver.FakeDriver = Machine
main.main()
