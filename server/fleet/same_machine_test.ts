import assert from "node:assert/strict";
import { differences, realUuid, twinOf } from "./same_machine.ts";

const nics = [{ name: "eth0", mac: "52:54:00:00:00:0a" }];
const UUID = "4c4c4544-0051-3010-8052-b4c04f4d3432";
const OTHER = "4c4c4544-0051-3010-8052-b4c04f4d3433";
const machine = { uuid: UUID, serial: "4Q0R4M2", model: "Dell Inc. PowerEdge R640", nics };

const cases: [what: string, seen: Parameters<typeof differences>[1], refused: RegExp | undefined][] = [
  ["the same machine", machine, undefined],
  ["its UUID in capitals", { ...machine, uuid: UUID.toUpperCase() }, undefined],
  ["a UUID that a firmware update changed", { ...machine, uuid: OTHER }, undefined],
  ["a board that was replaced and got the old serial number", { ...machine, uuid: OTHER }, undefined],
  ["a machine that says nothing about itself", { nics }, undefined],
  [
    "another machine of the series",
    { ...machine, uuid: OTHER, serial: "4Q0R4M3" },
    /^SMBIOS UUID .* instead of .*, serial number 4Q0R4M3 instead of 4Q0R4M2$/,
  ],
  [
    "another machine without a serial number",
    { uuid: OTHER, serial: "To be filled by O.E.M.", model: "ASUS", nics },
    /model ASUS instead of Dell/,
  ],
  ["another model with placeholders only", {
    uuid: "0".repeat(32),
    serial: "Default string",
    model: "ASUS",
    nics,
  }, undefined],
];
for (const [what, seen, refused] of cases) {
  Deno.test(`a MAC of a known machine is seen again: ${what}`, () => {
    const found = differences(machine, seen);
    if (refused) assert.match(found ?? "", refused);
    else assert.equal(found, undefined);
  });
}

Deno.test("UUIDs that many boards have identify none", () => {
  for (
    const uuid of [
      "00000000-0000-0000-0000-000000000000",
      "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
      "03000200-0400-0500-0006-000700080009",
      "Not Settable",
    ]
  ) assert.equal(realUuid({ uuid }), undefined, uuid);
  assert.equal(realUuid({}), undefined);
  assert.equal(realUuid({ uuid: UUID.toUpperCase() }), UUID);
});

Deno.test("two nodes with one UUID are one machine with two NICs, or two boards", () => {
  const two = { ...machine, nics: [...nics, { name: "eth1", mac: "52:54:00:00:00:0b" }] };
  const elsewhere = { ...machine, serial: "4Q0R4M3", nics: [{ name: "eth0", mac: "52:54:00:00:00:0c" }] };
  const node = { name: "n1", inventory: machine };
  const nodes: { name: string; inventory?: typeof machine }[] = [{ name: "n0" }, node];
  assert.deepEqual(twinOf(two, nodes), { node, because: "other-nic" });
  assert.deepEqual(twinOf(elsewhere, [node]), { node, because: "same-uuid" });
  assert.equal(twinOf({ ...machine, uuid: OTHER }, [node]), undefined);
});
