import assert from "node:assert/strict";
import { updateTable } from "./boot_table.ts";

const pxe = {
  firmware: "UEFI",
  way: "PXE",
  addresses: "Kea",
  ends: "first report",
  result: "61 s",
  run: "today",
};

Deno.test("a way's row is added, and replaced when the way runs again; other rows and the text stay", () => {
  const first = updateTable("# Page\n\nBefore.\n\n", pxe);
  const second = updateTable(`${first}\nAfter.\n`, { ...pxe, addresses: "dnsmasq", result: "70 s" });
  const third = updateTable(second, { ...pxe, result: "**failed**", run: "tomorrow" });
  assert.equal(
    third,
    `# Page

Before.

| firmware | way | addresses by | from power-on to | took       | run      |
| -------- | --- | ------------ | ---------------- | ---------- | -------- |
| UEFI     | PXE | Kea          | first report     | **failed** | tomorrow |
| UEFI     | PXE | dnsmasq      | first report     | 70 s       | today    |

After.
`,
  );
});
