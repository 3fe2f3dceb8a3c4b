/** Which of the machines that a medium was written for this one is. Pure. */
import type { Inventory, Order } from "#contract/api.ts";
import type { CarriedVersion, MediumNode } from "#contract/format/medium.ts";
import { RackseedError } from "#contract/errors.ts";

type Machine = Pick<Inventory, "nics" | "serial">;

/**
 * The entry with this machine's MAC or serial number; undefined if there is none. Throws RackseedError if several fit,
 * or one fits in part only: a wrong name is as bad as a wrong disk.
 */
export function nodeOf(nodes: readonly MediumNode[], { nics, serial }: Machine): MediumNode | undefined {
  const fits = nodes.map((node) => ({
    node,
    mac: node.mac && nics.some(({ mac }) => mac.toLowerCase() === node.mac),
    serial: node.serial === undefined ? undefined : node.serial === serial,
  }));
  const found = fits.filter(({ mac, serial }) => mac || serial);
  const contradictory = found.find(({ mac, serial }) => mac === false || serial === false);
  if (found.length < 2 && contradictory === undefined) return found[0]?.node;
  const names = found.map(({ node }) => node.name).join(" and ");
  throw new RackseedError("cannot tell which machine this is", {
    reason: found.length > 1
      ? `the medium's table has it as ${names}.`
      : `the table has ${names} with ${
        contradictory?.mac === false ? "another MAC" : `another serial number than ${serial}`
      }.`,
    remedy: "correct the table, and write the medium again.",
    status: 409,
  });
}

/** The order for this machine: the entry's identity and disks, or a question for a person. */
export function orderFor({ order }: CarriedVersion, node: MediumNode | undefined): Order {
  if (node === undefined) return order;
  const { name, identity: assigned, mac: _, serial: __, ...choices } = node;
  return { ...order, ...choices, node: name, identity: { ...order.identity, mode: "assign", assigned } };
}

/** The NIC that an interface without a MAC means. */
export function firstNic({ nics }: Machine, node: MediumNode | undefined): string {
  const nic = nics.find(({ mac }) => mac.toLowerCase() === node?.mac) ?? nics.find(({ link }) => link) ??
    nics[0];
  return nic?.mac ?? "";
}
