/** The firmware's boot entries (UEFI 2.10 §3.1), as efibootmgr(8) prints and takes them. Pure. */

export interface EfiBoot {
  /** Four hexadecimal digits each. */
  readonly order: readonly string[];
  /** The entry that the machine booted from. */
  readonly current: string | undefined;
  /** Text behind the number: the label and, from newer versions, the device path. */
  readonly entries: ReadonlyMap<string, string>;
}

export function parseEfiBoot(text: string): EfiBoot {
  const order = /^BootOrder:\s*([0-9A-F,]+)\s*$/im.exec(text)?.[1]?.split(",") ?? [];
  const current = /^BootCurrent:\s*([0-9A-F]{4})\s*$/im.exec(text)?.[1];
  const entries = [...text.matchAll(/^Boot([0-9A-F]{4})[* ]\s*(.*)$/gim)];
  return { order, current, entries: new Map(entries.map(([, number = "", label = ""]) => [number, label])) };
}

/**
 * grub-install puts its entry first. If the network was first, it becomes first again, with the new entry right behind
 * the entry that has led to the agent: other ways into the network, which firmware offers for each NIC and protocol, would
 * be tried in vain at every start from the node's own disk. Undefined if the order is already right.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { bootOrderAfter, parseEfiBoot } from "./efi_boot_order.ts";
 *
 * const network = "BootCurrent: 0003\nBootOrder: 0003,0001\nBoot0001* Disk\nBoot0003* PXE\n";
 * const installed = network.replace("0003,0001", "0004,0003,0001") + "Boot0004* debian\n";
 * const order = bootOrderAfter(parseEfiBoot(network), parseEfiBoot(installed));
 * assert.deepEqual(order, ["0003", "0004", "0001"]);
 * ```
 */
export function bootOrderAfter(before: EfiBoot, after: EfiBoot): readonly string[] | undefined {
  const network = leading(before.order, (n) => isNetwork(before, n)).filter((n) => after.entries.has(n));
  if (network.length === 0) return undefined;
  const led = network.indexOf(before.current ?? "");
  const first = led < 0 ? network : network.slice(0, led + 1);
  const order = [...first, ...after.order.filter((n) => !first.includes(n))];
  return order.join() === after.order.join() ? undefined : order;
}

/** The agent booted over the network, so the current entry is one for certain; others are recognized by name. */
function isNetwork({ entries, current }: EfiBoot, number: string): boolean {
  return number === current ||
    /pxe|network|\bipv[46]\b|\bMAC\(|\bhttp|\bnic\b|ethernet|lan\b|\bIBA\b/i.test(entries.get(number) ?? "");
}

function leading<T>(items: readonly T[], holds: (item: T) => boolean): T[] {
  const end = items.findIndex((item) => !holds(item));
  return items.slice(0, end < 0 ? items.length : end);
}

/** An entry's name, without the device path that newer versions print behind it. */
export function labelOf(entry: string): string {
  return entry.split("\t")[0]?.trim() ?? "";
}
