/**
 * This machine's NICs with every name that a system may give them: the kernel's, as in the initramfs, and udev's, as in
 * configuration files (systemd.net-naming-scheme(7)).
 */
import { firstLine, namesIn } from "../../sys/small_file.ts";
import { KERNEL, type KernelTrees } from "../../layout/disks.ts";
import { readNics } from "../../steps/inventory.ts";
import type { NamedNic } from "./network_config/resolve_nics.ts";

export async function readNamedNics({ sys }: Pick<KernelTrees, "sys"> = KERNEL): Promise<NamedNic[]> {
  const slots = await readSlots(sys);
  return await Promise.all((await readNics({ sys })).map(async ({ name, mac }): Promise<NamedNic> => {
    const at = `${sys}/class/net/${name}`;
    const infiniband = await isInfiniband(at) ? await firstLine(`${at}/address`) : undefined;
    return {
      mac: mac.toLowerCase(),
      names: [name, `enx${mac.toLowerCase().replaceAll(":", "")}`, ...await udevNames(at, slots)],
      ...(infiniband && { infiniband }),
    };
  }));
}

/** ARPHRD_INFINIBAND, include/uapi/linux/if_arp.h */
async function isInfiniband(nic: string): Promise<boolean> {
  return await firstLine(`${nic}/type`) === "32";
}

/** Numbers of the hot-plug slots, by PCI address without function. */
async function readSlots(sys: string): Promise<ReadonlyMap<string, string>> {
  const at = `${sys}/bus/pci/slots`;
  const slots = await Promise.all((await namesIn(at)).map(async (slot): Promise<[string, string]> => [
    await firstLine(`${at}/${slot}/address`) ?? "",
    slot,
  ]));
  return new Map(slots.filter(([address, slot]) => address !== "" && /^\d+$/.test(slot)));
}

async function udevNames(nic: string, slots: ReadonlyMap<string, string>): Promise<string[]> {
  const device = await Deno.realPath(`${nic}/device`).catch(() => "");
  const addresses = [...device.matchAll(/\/([0-9a-f]{4}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])(?=\/|$)/g)];
  const own = addresses.at(-1);
  if (own === undefined) return [];
  const [, domain = "", bus = "", slot = "", fn = ""] = own;
  const hex = (text: string) => parseInt(text, 16);
  const port = await firstLine(`${nic}/dev_port`);
  const end = port === undefined || port === "0" ? "" : `d${port}`;
  // the function is part of the name if the device has several
  const functions = fn === "0" ? ["", "f0"] : [`f${fn}`];
  const kind = await isInfiniband(nic) ? "ib" : "en";
  const prefix = hex(domain) === 0 ? kind : `${kind}P${hex(domain)}`;
  const below = device.slice(0, (own.index ?? 0) + own[0].length);
  const onboard = [await firstLine(`${below}/acpi_index`), await firstLine(`${below}/index`)];
  return [
    ...functions.map((f) => `${prefix}p${hex(bus)}s${hex(slot)}${f}${end}`),
    ...addresses.reverse().flatMap(([, d, b, s]) => {
      const number = slots.get(`${d}:${b}:${s}`);
      return number === undefined ? [] : functions.map((f) => `${prefix}s${number}${f}${end}`);
    }),
    ...onboard.flatMap((index) => index === undefined ? [] : [`${kind}o${index}${end}`]),
  ];
}
