import assert from "node:assert/strict";
import type { MediumNode } from "#contract/format/medium.ts";
import { firstNic, nodeOf } from "./choose_node.ts";
import { mediumOf } from "./find_medium.ts";

const identity = { hostname: "n", interfaces: [] };
const byMac: MediumNode = { name: "a", mac: "52:54:00:00:00:01", identity };
const bySerial: MediumNode = { name: "b", serial: "S2", identity };
const byBoth: MediumNode = { name: "c", mac: "52:54:00:00:00:03", serial: "S3", identity };
const nodes = [byMac, bySerial, byBoth];
const machine = (mac: string, serial?: string) => ({
  nics: [{ name: "eth0", mac: "52:54:00:00:00:ff" }, { name: "eth1", mac, link: true }],
  ...(serial !== undefined && { serial }),
});

Deno.test("a machine is known by its MAC, or by its serial number", () => {
  assert.equal(nodeOf(nodes, machine("52:54:00:00:00:01")), byMac);
  assert.equal(nodeOf(nodes, machine("52:54:00:00:00:09", "S2")), bySerial);
  assert.equal(nodeOf(nodes, machine("52:54:00:00:00:03", "S3")), byBoth);
  assert.equal(nodeOf(nodes, machine("52:54:00:00:00:09", "S9")), undefined);
  assert.equal(nodeOf([], machine("52:54:00:00:00:01")), undefined);
});

Deno.test("a machine that fits an entry in part, or two of them, is none of them", () => {
  assert.throws(() => nodeOf(nodes, machine("52:54:00:00:00:03", "S9")), /another serial number than S9/);
  assert.throws(() => nodeOf(nodes, machine("52:54:00:00:00:09", "S3")), /another MAC/);
  assert.throws(() => nodeOf(nodes, machine("52:54:00:00:00:01", "S2")), /a and b/);
});

Deno.test("an interface without a MAC is the table's NIC, else one with a link", () => {
  assert.equal(firstNic(machine("52:54:00:00:00:01"), byMac), "52:54:00:00:00:01");
  assert.equal(firstNic(machine("52:54:00:00:00:09"), undefined), "52:54:00:00:00:09");
  assert.equal(firstNic({ nics: [] }, undefined), "");
});

Deno.test("the kernel's command line names the medium", () => {
  assert.equal(mediumOf("initrd=x rackseed.medium=1a2b3c4d console=ttyS0"), "1a2b3c4d");
  for (
    const none of ["rackseed.medium=", "rackseed.medium=1a2b3c4dd", "xrackseed.medium=1a2b3c4d", "quiet"]
  ) {
    assert.equal(mediumOf(none), undefined, none);
  }
});
