import assert from "node:assert/strict";
import { bootedNic, nicOfBootEntry } from "./booted_nic.ts";

/** "UEFI HTTPv4": PciRoot, MAC, IPv4, URI, end. */
function entry(...nodes: number[][]): Uint8Array {
  const name = [..."UEFI HTTPv4\0"].flatMap((letter) => [letter.charCodeAt(0), 0]);
  return Uint8Array.from([1, 0, 0, 0, 99, 0, ...name, ...nodes.flat()]);
}
const root = [2, 1, 12, 0, 0xd0, 0x41, 3, 0x0a, 0, 0, 0, 0];
const mac = [3, 11, 37, 0, 0x52, 0x54, 0, 0x12, 0x34, 0x56, ...new Array(26).fill(0), 1];
const end = [0x7f, 0xff, 4, 0];

Deno.test("the NIC that the firmware booted over is found in its boot entry", async () => {
  assert.deepEqual(nicOfBootEntry(entry(root, mac, end)), { mac: "52:54:00:12:34:56" });
  assert.equal(nicOfBootEntry(entry(root, end, mac)), undefined);
  const vlan = (low: number, high: number) => [3, 20, 6, 0, low, high];
  assert.deepEqual(nicOfBootEntry(entry(root, mac, vlan(0xfe, 0x0f), end)), {
    mac: "52:54:00:12:34:56",
    vlan: 4094,
  });
  assert.deepEqual(nicOfBootEntry(entry(root, mac, vlan(0, 0), end)), { mac: "52:54:00:12:34:56" });
  assert.equal(nicOfBootEntry(entry(root, vlan(20, 0), end)), undefined, "no NIC");
  const whole = entry(root, mac, end);
  for (let length = 0; length < whole.length - end.length - 27; length++) {
    assert.equal(nicOfBootEntry(whole.subarray(0, length)), undefined, `${length} bytes`);
  }
  assert.equal(nicOfBootEntry(entry([2, 1, 0, 0], mac)), undefined, "a node without a length");
  const folder = await Deno.makeTempDir();
  try {
    assert.equal(await bootedNic(folder), undefined);
    const write = (name: string, value: Uint8Array) =>
      Deno.writeFile(
        `${folder}/${name}-8be4df61-93ca-11d2-aa0d-00e098032b8c`,
        Uint8Array.from([7, 0, 0, 0, ...value]),
      );
    await write("BootCurrent", Uint8Array.of(0x1a, 0));
    await write("Boot001A", whole);
    assert.deepEqual(await bootedNic(folder), { mac: "52:54:00:12:34:56" });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
