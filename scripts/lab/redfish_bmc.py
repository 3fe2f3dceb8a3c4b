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

DEVICES = {"network": "Pxe", "disk": "Hdd", "cd": "Cd"}


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
        return DEVICES[order("boot")]

    def set_boot_device(self, identity, boot_source):
        self._get(identity)
        names = {device: name for name, device in DEVICES.items()}
        order("boot " + names.get(boot_source, "disk"))

    def set_boot_image(self, identity, device, boot_image=None, write_protected=True):
        self._get(identity)
        order("eject" if boot_image is None else "insert " + boot_image)


fakedriver.FakeDriver = Machine
main.main()
