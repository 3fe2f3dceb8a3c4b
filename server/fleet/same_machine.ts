/**
 * Whether a report comes from the machine that a node is known to be. A node is known by a MAC, but a USB adapter or a
 * card can move to another machine, and boards of one series may share what their firmware says about them. Pure.
 */
import type { Inventory } from "#contract/api.ts";

type Machine = Pick<Inventory, "uuid" | "serial" | "model" | "nics">;

/** What vendors leave in the fields that identify a machine (SMBIOS, types 1 to 3). */
const PLACEHOLDER =
  /^$|o\.?e\.?m|default string|not (specified|applicable|available)|^n\/?a$|^none$|^unknown$|^empty$|serial number|product name|^(.)\1*$|^0?123456789?0?$|invalid|^\*+$/i;
const PLACEHOLDER_UUIDS = ["03000200-0400-0500-0006-000700080009", "12345678-1234-5678-90ab-cddeefaabbcc"];

/** The SMBIOS UUID, unless it is one that many boards have. */
export function realUuid({ uuid }: Pick<Machine, "uuid">): string | undefined {
  const text = uuid?.toLowerCase() ?? "";
  const digits = text.replaceAll("-", "");
  return digits.length !== 32 || /^(.)\1*$/.test(digits) || PLACEHOLDER_UUIDS.includes(text)
    ? undefined
    : text;
}

function real(text: string | undefined): string | undefined {
  const trimmed = text?.trim() ?? "";
  return PLACEHOLDER.test(trimmed) ? undefined : trimmed;
}

/**
 * Why `seen` cannot be the machine that was `known`, as text; undefined if it may be. One differing value proves
 * nothing: firmware updates change UUIDs, and repairs change serial numbers.
 */
export function differences(known: Machine, seen: Machine): string | undefined {
  const pairs = [
    { what: "SMBIOS UUID", before: realUuid(known), now: realUuid(seen) },
    { what: "serial number", before: real(known.serial), now: real(seen.serial) },
    { what: "model", before: real(known.model), now: real(seen.model) },
  ].filter(({ before, now }) => before !== undefined && now !== undefined);
  const different = pairs.filter(({ before, now }) => before !== now);
  const isSame = pairs.some(({ what, before, now }) => what !== "model" && before === now);
  if (isSame || different.length < 2) return undefined;
  return different.map(({ what, before, now }) => `${what} ${now} instead of ${before}`).join(", ");
}

/**
 * The other node that seems to be this machine, or to have its firmware's identity; undefined if there is none.
 * "other-nic": the machine booted from another of its NICs. "same-uuid": two boards have one UUID.
 */
export function twinOf<Node extends { readonly inventory?: Machine }>(
  seen: Machine,
  others: readonly Node[],
): { readonly node: Node; readonly because: "other-nic" | "same-uuid" } | undefined {
  const uuid = realUuid(seen), serial = real(seen.serial);
  for (const node of others) {
    const { inventory } = node;
    if (inventory === undefined || uuid === undefined || realUuid(inventory) !== uuid) continue;
    const macs = new Set(inventory.nics.map(({ mac }) => mac.toLowerCase()));
    const isOne = serial !== undefined && real(inventory.serial) === serial &&
      seen.nics.some(({ mac }) => macs.has(mac.toLowerCase()));
    return { node, because: isOne ? "other-nic" : "same-uuid" };
  }
  return undefined;
}
