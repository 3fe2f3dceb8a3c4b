import assert from "node:assert/strict";
import type { MachineView } from "#contract/api/machines.ts";
import { nameMachines } from "./naming_rule.ts";

function machine(n: number, more: { first?: string; port?: string } = {}): MachineView {
  const mac = `52:54:00:00:00:0${n}`, time = more.first ?? `2026-06-30T12:00:0${n}.000Z`;
  return {
    id: `m${n}`,
    mac,
    sighting: { first: time, appearances: 1, by: ["dhcp"], boots: true },
    seen: time,
    state: "idle",
    ...(more.port !== undefined && {
      inventory: {
        kind: "machine",
        firmware: "uefi",
        memoryBytes: 1,
        cpus: 1,
        nics: [{ name: "eth0", mac, neighbour: { chassis: "c", system: "leaf1", port: more.port } }],
        disks: [],
      },
    }),
  };
}

const named = (machines: MachineView[], terms: Parameters<typeof nameMachines>[1]) => {
  const { named, left } = nameMachines(machines, terms);
  return { named: named.map(({ machine: { id }, name }) => `${id}=${name}`), left };
};

Deno.test("machines get names in the order in which they first appeared; taken names are skipped", () => {
  const machines = [machine(3), machine(1), machine(2)];
  const terms = { pattern: "node[01-03]", order: "first-seen", taken: new Set(["node02"]) } as const;
  assert.deepEqual(named(machines, terms), {
    named: ["m1=node01", "m2=node03"],
    left: ["52:54:00:00:00:03: the rule has no name left"],
  });
});

Deno.test("by switch port, Ethernet1/2 comes before Ethernet1/10, and machines without a port are left", () => {
  const machines = [machine(1, { port: "Ethernet1/10" }), machine(2, { port: "Ethernet1/2" }), machine(3)];
  const terms = { pattern: "n[1-9]", order: "switch-port", taken: new Set<string>() } as const;
  const { named: pairs, left } = named(machines, terms);
  assert.deepEqual(pairs, ["m2=n1", "m1=n2"]);
  assert.match(left.join(), /^52:54:00:00:00:03: its switch port is not known/);
});

Deno.test("a rule whose names are all taken is wrong usage", () => {
  const terms = { pattern: "N5", order: "first-seen", taken: new Set(["n5"]) } as const;
  assert.throws(() => nameMachines([machine(1)], terms), /every name of "N5" belongs to a node already/);
});
