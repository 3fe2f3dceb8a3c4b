/** This machine's PCI devices, out of sysfs. */
import type { PciDevice } from "#contract/api/hardware.ts";
import { firstLine, linkName, namesIn } from "../sys/small_file.ts";

const MAX_DEVICES = 256;
/** Bridges, and system peripherals: every machine is full of them, and nobody plugs them in. */
const UNINTERESTING = /^0x(06|08(?!05))/;

/** Without bridges and system peripherals; the functions of one device count once if they are alike. */
export async function readPciDevices({ sys = "/sys" }: { sys?: string } = {}): Promise<PciDevice[]> {
  const devices: PciDevice[] = [];
  const seen = new Set<string>();
  for (const slot of await namesIn(`${sys}/bus/pci/devices`)) {
    const at = `${sys}/bus/pci/devices/${slot}`;
    const [kind, vendor, device] = await Promise.all(
      ["class", "vendor", "device"].map((name) => firstLine(`${at}/${name}`)),
    );
    if (kind === undefined || UNINTERESTING.test(kind)) continue;
    const found = { slot: slot.slice(0, 16), id: `${hex(vendor)}:${hex(device)}`, class: hex(kind) };
    // virtual functions, and the ports of one NIC
    const alike = `${slot.replace(/\.\d$/, "")} ${found.id}`;
    if (seen.has(alike) || !/^[0-9a-f]{4}:[0-9a-f]{4}$/.test(found.id)) continue;
    seen.add(alike);
    const driver = await linkName(`${at}/driver`);
    devices.push({ ...found, ...(driver && { driver: driver.slice(0, 64) }) });
  }
  return devices.slice(0, MAX_DEVICES);
}

/** "0x030200" → "0302" */
function hex(text = ""): string {
  return text.replace(/^0x/, "").slice(0, 4).toLowerCase();
}
