"""A BMC by IPMI: pyghmi's server, as virtualbmc uses it, with a machine of the lab.

Usage: ipmi_bmc.py ADDRESS PORT, with the password of the user "admin" in BMC_PASSWORD.
"""
import os
import sys

from pyghmi.ipmi import bmc

from bmc_orders import order


class Machine(bmc.Bmc):
    def get_power_state(self):
        return 1 if order("status") == "on" else 0

    def power_on(self):
        order("on")

    def power_off(self):
        order("off")

    def power_reset(self):
        order("reset")

    def power_shutdown(self):
        order("shutdown")

    def get_boot_device(self):
        return "network" if order("boot") == "network" else "default"

    def set_boot_device(self, device):
        order("boot network" if device == "network" else "boot disk")


address, port = sys.argv[1:]
machine = Machine({"admin": os.environ["BMC_PASSWORD"]}, port=int(port), address=address)
print("listening", flush=True)
machine.listen()
