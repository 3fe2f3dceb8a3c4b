/**
 * Addresses of many nodes in one argument:
 *
 *     10.0.0.11-10.0.0.138/24    a range: each node gets the next free address
 *     10.0.{1}.{n+10}/16         a rule: {n} is the last number in the node's name, {1} the first, {2} the second …
 */
import { UsageError } from "../words/usage.ts";

interface Named {
  readonly name: string;
  /** Its present address, in CIDR notation. */
  readonly address?: string | undefined;
}

/**
 * Returns one address per node; other values ("dhcp", a single address) stay as they are. Throws UsageError.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const nodes = [{ name: "n1" }, { name: "n2" }];
 * const taken = new Set(["10.0.0.11"]);
 * assert.deepEqual(planAddresses("10.0.0.10-10.0.0.19/24", { nodes, taken }), ["10.0.0.10/24", "10.0.0.12/24"]);
 * assert.deepEqual(planAddresses("10.0.0.{n+20}/24", { nodes, taken }), ["10.0.0.21/24", "10.0.0.22/24"]);
 * ```
 */
export function planAddresses(
  text: string,
  { nodes, taken }: { nodes: readonly Named[]; taken: ReadonlySet<string> },
): string[] {
  const [, first, last, prefix] = /^([\d.]+)-([\d.]+)\/(\d{1,2})$/.exec(text) ?? [];
  if (first !== undefined && last !== undefined) {
    return fromRange(nodes, {
      first: numberOf(first, text),
      last: numberOf(last, text),
      prefix,
      text,
      taken,
    });
  }
  if (text.includes("{")) return nodes.map(({ name }) => byRule(text, name));
  if (nodes.length > 1 && /^[\d.]+(\/\d+)?$/.test(text)) {
    throw new UsageError(
      `${text} is one address for ${nodes.length} nodes: give a range or a rule, see --help.`,
    );
  }
  return nodes.map(() => text);
}

function fromRange(
  nodes: readonly Named[],
  { first, last, prefix, text, taken }: {
    first: number;
    last: number;
    prefix: string | undefined;
    text: string;
    taken: ReadonlySet<string>;
  },
): string[] {
  if (last < first) throw new UsageError(`${text}: the first address comes after the last one.`);
  let next = first;
  const isInside = (cidr: string | undefined) => {
    const [address = ""] = cidr?.split("/") ?? [];
    return /^[\d.]+$/.test(address) && numberOf(address, text) >= first && numberOf(address, text) <= last;
  };
  const kept = new Set(nodes.flatMap(({ address }) => isInside(address) ? [address?.split("/")[0]] : []));
  return nodes.map(({ name, address }) => {
    // a node with an address of the range keeps it, so that repeating the command changes nothing
    if (isInside(address)) return `${address?.split("/")[0]}/${prefix}`;
    while (next <= last && (taken.has(addressOf(next)) || kept.has(addressOf(next)))) next++;
    if (next > last) throw new UsageError(`${text} has no free address for ${name}.`);
    return `${addressOf(next++)}/${prefix}`;
  });
}

/** Throws UsageError if the name has no such number. */
export function byRule(rule: string, name: string): string {
  const numbers = name.match(/\d+/g)?.map(Number) ?? [];
  return rule.replace(/\{(n|\d+)([+-]\d+)?\}/g, (_, which: string, offset: string | undefined) => {
    const number = which === "n" ? numbers.at(-1) : numbers[Number(which) - 1];
    if (number === undefined) throw new UsageError(`${rule}: the name ${name} has no number for {${which}}.`);
    return String(number + Number(offset ?? 0));
  });
}

function numberOf(address: string, text: string): number {
  const octets = address.split(".").map(Number);
  if (octets.length === 4 && octets.every((o) => o >= 0 && o <= 255)) {
    return octets.reduce((sum, octet) => sum * 256 + octet, 0);
  }
  throw new UsageError(`${text}: ${address} is not an address.`);
}

function addressOf(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}
