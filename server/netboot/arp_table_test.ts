import assert from "node:assert/strict";
import { ArpTable } from "./arp_table.ts";

const HEAD = "IP address       HW type     Flags       HW address            Mask     Device\n";
const line = (address: string, mac: string) =>
  `${address}         0x1         0x2         ${mac}     *        eth0\n`;
const MAC = "52:54:00:00:00:07", UNRESOLVED = "00:00:00:00:00:00";

Deno.test("the table is read once for many machines, and again for one that has just appeared", () => {
  let table = HEAD + line("10.0.0.7", MAC) + line("10.0.0.8", UNRESOLVED), reads = 0;
  const arp = new ArpTable(() => (reads++, table));
  assert.equal(arp.macOf("10.0.0.7", 0), MAC);
  for (let i = 0; i < 1000; i++) assert.equal(arp.macOf("10.0.0.7", i / 2), MAC);
  for (let i = 0; i < 1000; i++) assert.equal(arp.macOf("10.0.0.8", i / 25), undefined);
  assert.equal(reads, 1);
  table += line("10.0.0.9", MAC);
  assert.equal(arp.macOf("10.0.0.9", 60), MAC);
  assert.equal(reads, 2);
  table = HEAD;
  assert.equal(arp.macOf("10.0.0.7", 2000), undefined, "an entry is not believed for ever");
});
