/** Restores who a node was, piece by piece: from its old disk, or else from the server's record. Pure. */
import type { Order } from "#contract/api.ts";
import { describeIdentity, type Identity, type NetworkInterface } from "#contract/identity.ts";
import { carriedOnly } from "./own_files/carry.ts";
import type { FoundInterface, NicRef } from "./network_config/network_files.ts";
import { type NamedNic, resolveNics } from "./network_config/resolve_nics.ts";
import type { OldSystem } from "./old_system.ts";

interface Kept {
  readonly identity: Identity;
  /** Whether any of it comes from the disk or the record, and not just from the server's table. */
  readonly found: boolean;
  /** Human-readable, without secrets. */
  readonly message: string;
}

export function keepIdentity(
  { assigned, recorded, own = [] }: Order["identity"],
  { old: { kept, from, notes }, nics }: { old: OldSystem; nics: readonly NamedNic[] },
): Kept {
  const remembered = recorded && resolveNics(asFound(recorded.interfaces), nics);
  const sources = [
    { from: `the disk's ${from}`, ...kept },
    { from: "the server's record", ...recorded, interfaces: remembered?.interfaces },
  ];
  const first = <T>(pick: (source: typeof sources[number]) => T | undefined) => {
    for (const source of sources) {
      const value = pick(source);
      if (value !== undefined) return { value, from: source.from };
    }
    return undefined;
  };
  const hostname = first((s) => s.hostname);
  const interfaces = first((s) => s.interfaces?.length ? s.interfaces : undefined);
  const machineId = first((s) => s.machineId);
  const hostKeys = first((s) => s.hostKeys?.length ? s.hostKeys : undefined);
  // file by file: the disk may lack some that are in the record
  const carried = carriedOnly([...kept?.files ?? [], ...recorded?.files ?? []], { own });
  const identity: Identity = {
    hostname: hostname?.value ?? assigned.hostname,
    interfaces: [...interfaces?.value ?? assigned.interfaces],
    ...(machineId && { machineId: machineId.value }),
    ...(hostKeys && { hostKeys: [...hostKeys.value] }),
    ...(carried.length > 0 && { files: carried }),
  };
  const lost = [...notes, ...(kept ?? remembered)?.notes ?? []];
  const pieces = { hostname, interfaces, "machine-id": machineId, "SSH host keys": hostKeys };
  return {
    identity,
    found: Object.values(pieces).some((piece) => piece !== undefined) || carried.length > 0,
    message: [
      describeIdentity(identity),
      ...describeOrigins(pieces),
      ...(lost.length > 0 ? [`NOT kept: ${lost.join("; ")}`] : []),
    ].join("; "),
  };
}

/** One item for each source: "hostname, machine-id: the disk's vda2". */
function describeOrigins(pieces: Readonly<Record<string, { readonly from: string } | undefined>>): string[] {
  const origins = Map.groupBy(
    Object.entries(pieces),
    ([, piece]) => piece?.from ?? "not found, so as assigned",
  );
  return [...origins].map(([origin, named]) => `${named.map(([name]) => name).join(", ")}: ${origin}`);
}

/** The record's interfaces as if found in files, since a NIC may have been replaced. */
function asFound(interfaces: readonly NetworkInterface[]): { interfaces: FoundInterface[]; notes: string[] } {
  const nic = (word: string): NicRef => word.includes(":") ? { mac: word } : { name: word };
  return {
    notes: [],
    interfaces: interfaces.map((one): FoundInterface => {
      switch (one.kind) {
        case "ethernet": {
          const { mac, ...rest } = one;
          return { ...rest, nic: mac === undefined ? { name: "*" } : { mac } };
        }
        case "bond":
          return { ...one, members: one.members.map(nic) };
        case "vlan":
          return { ...one, parent: nic(one.parent) };
      }
    }),
  };
}
