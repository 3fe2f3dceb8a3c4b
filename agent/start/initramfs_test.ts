import assert from "node:assert/strict";
import { networkFirst } from "./initramfs.ts";

Deno.test("drivers of NICs are loaded before all others", () => {
  const pci = "pci:v00008086d00001572sv00001028sd00000000bc02sc00i00", virtio = "virtio:d00000001v00001AF4";
  const raid = "pci:v00001000d0000005Dsv00001028sd00001F42bc01sc04i00", disk = "virtio:d00000002v00001AF4";
  assert.deepEqual(networkFirst([raid, pci, disk, virtio]), [[pci, virtio], [raid, disk]]);
});
