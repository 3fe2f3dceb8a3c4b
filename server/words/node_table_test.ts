import assert from "node:assert/strict";
import type { NodeSettings } from "#contract/api.ts";
import { formatCsv, parseCsv } from "./csv.ts";
import { nodesOfTable, tableOfNodes } from "./node_table.ts";
import { parseInterface } from "./interface_text.ts";

const read = (text: string, known: { name: string; settings: NodeSettings }[] = []) =>
  nodesOfTable(parseCsv(text), { known });

const FULL = {
  name: "n1",
  settings: {
    mac: "52:54:00:00:00:01",
    hostname: "web-1",
    group: "compute",
    rack: "a1",
    address: "10.0.0.11/24",
    gateway: "10.0.0.1",
    dns: ["10.0.0.2", "10.0.0.3"],
    interfaces: [
      parseInterface("bond0=52:54:00:00:00:01+52:54:00:00:00:02"),
      parseInterface("bond0.7=10.7.0.1/24"),
    ],
    identity: "keep" as const,
    disks: ["/dev/disk/by-path/pci-0000:00:1f.2-ata-1"],
    unlock: "tpm2" as const,
    bootProgram: "ipxe.efi" as const,
  },
};

Deno.test("exported nodes are imported as they were, and what has no column stays", () => {
  const known = [FULL, { name: "n2", settings: { uploadLimit: 1000, backupEverySeconds: 3600 } }];
  const rows = read(formatCsv(tableOfNodes(known)), known);
  assert.deepEqual(rows.map(({ node, settings }) => ({ name: node, settings })), known);
  assert.deepEqual(read(formatCsv(tableOfNodes([FULL])))[0]?.settings, FULL.settings);
});

Deno.test("an empty cell clears a setting, and a missing column keeps it", () => {
  assert.deepEqual(read("Name,Group\nN1,\n", [FULL]).map(({ node }) => node), ["n1"]);
  const { group: _, ...without } = FULL.settings;
  const [row] = read("name,group,rack\nn1,,b2\n", [FULL]);
  assert.deepEqual(row?.settings, { ...without, rack: "b2" });
});

const BAD: [text: string, says: RegExp][] = [
  ["name,mac\nn1,52:54:00:00:00:01\nn2,52:54\n", /^line 3: mac: a MAC address has the form/],
  ["name,mac\nn1\n", /^line 2: it has 1 cells, and the first line names 2/],
  ["name,address\nn1,10.0.0.1\n", /^line 2: address: /],
  ["name\n-n1\n", /^line 2: "-n1" cannot be a node's name/],
  ["name\nn1\nN1\n", /^line 3: the name n1 stands in line 2 already/],
  ["name,mac\nn1,52:54:00:00:00:0A\nn2,52:54:00:00:00:0a\n", /^line 3: the MAC address .* in line 2/],
  ["name,address\nn1,10.0.0.1/24\nn2,10.0.0.1/16\n", /^line 3: the address 10\.0\.0\.1 stands in line 2/],
  ["name,interfaces\nn1,eth0\n", /^line 2: interface eth0: /],
  ["name,colour\nn1,red\n", /^line 1: "colour" is no column/],
  ["mac\n52:54:00:00:00:01\n", /^line 1: the column name is missing/],
  ["name,name\nn1,n1\n", /^line 1: the column name occurs twice/],
  ["name,mac\n", /no row/],
  ["", /name is missing/],
];

for (const [text, says] of BAD) {
  Deno.test(`a bad table is refused with the line: ${JSON.stringify(text)}`, () => {
    assert.throws(() => read(text), { name: "UsageError", message: says });
  });
}

Deno.test("all bad rows are named at once", () => {
  assert.throws(
    () => read("name,mac\nn1,x\nn2,52:54:00:00:00:02\nn3,y\n"),
    /^UsageError: line 2: .*\n {2}line 4: /,
  );
});
