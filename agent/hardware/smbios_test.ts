import assert from "node:assert/strict";
import { parseSmbios } from "./smbios.ts";
import { factsOfSmbios } from "./smbios_facts.ts";
import { SERVER_TABLE, smbiosTable } from "./testing/samples.ts";

Deno.test("a server's table tells firmware, board, memory modules and the controller", () => {
  assert.deepEqual(factsOfSmbios(SERVER_TABLE), {
    board: {
      firmwareVendor: "Dell Inc.",
      firmwareVersion: "2.19.1",
      firmwareDate: "03/14/2025",
      maker: "Dell Inc.",
      name: "0TWX38",
      version: "A07",
      serial: "..CN7016329C00AB.",
    },
    memory: {
      slots: 3,
      dimms: [
        {
          slot: "P0 CHANNEL A DIMM_A1",
          sizeBytes: 32 * 2 ** 30,
          type: "DDR5",
          speedMts: 4800,
          maker: "Samsung",
          serial: "80AD0122",
          part: "M321R4GA3BB6-CQKET",
        },
        {
          slot: "P0 CHANNEL A DIMM_A2",
          sizeBytes: 16 * 2 ** 30,
          type: "DDR5",
          speedMts: 4800,
          maker: "Samsung",
          part: "M321R4GA3BB6-CQKET",
        },
      ],
    },
    management: { address: "169.254.1.1", interface: "KCS" },
  });
});

Deno.test("sizes in kilobytes, and of modules from 32 GiB on, are read where the specification puts them", () => {
  const sizes: [field: Record<number, number[]>, bytes: number[]][] = [
    [{ 0x0c: [0x00, 0x82] }, [512 * 1024]],
    [{ 0x0c: [0xff, 0x7f], 0x1c: [0, 0, 2, 0] }, [128 * 2 ** 30]],
    [{ 0x0c: [0xff, 0xff] }, []],
    [{ 0x0c: [0, 0] }, []],
  ];
  for (const [fields, bytes] of sizes) {
    const { memory } = factsOfSmbios(smbiosTable([{ type: 17, length: 0x28, fields }]));
    assert.deepEqual(memory?.dimms.map(({ sizeBytes }) => sizeBytes), bytes);
  }
});

Deno.test("a table that is cut off anywhere gives what stands before the cut", () => {
  for (let length = 0; length < SERVER_TABLE.length; length++) {
    const structures = parseSmbios(SERVER_TABLE.subarray(0, length));
    assert.ok(structures.length <= 8);
    factsOfSmbios(SERVER_TABLE.subarray(0, length));
  }
  assert.equal(parseSmbios(SERVER_TABLE).length, 8);
});

Deno.test("a structure shorter than its header ends the table, and no count makes it endless", () => {
  assert.deepEqual(parseSmbios(Uint8Array.of(1, 0, 0, 0, 0, 0)), []);
  const tiny = Uint8Array.from({ length: 60_000 }, (_, i) => [11, 4, 0, 0, 0, 0][i % 6] as number);
  assert.equal(parseSmbios(tiny).length, 4096);
});

Deno.test("strings cannot hold what a terminal obeys", () => {
  const table = smbiosTable([{ type: 0, length: 0x18, fields: { 0x05: [1] }, strings: ["1.0\x1b[2J"] }]);
  assert.equal(factsOfSmbios(table).board?.firmwareVersion, "1.0 [2J");
});
