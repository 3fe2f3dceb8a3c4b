/** LVM's volumes of every kind, planned and made on disks larger than the template's. */
import { Template } from "#plan/testing/template.ts";
import { DISKS, inSmallVm } from "./in_small_vm.ts";
import { carriedOut, KIB, MIB, onEach } from "./planned.ts";

const usedBytes = MIB, stripeBytes = 64 * KIB;
const mib = (count: number) => count / 1024;

/** A group over the third partitions of three disks, beside a root. The machine's disks have 1 GiB each. */
function groupOnThree(): Template {
  const t = new Template("bios");
  const first = t.disk({ gib: 0.9 });
  t.partition(first, { mib: 1, kind: "bios" });
  t.fileSystem(t.partition(first, { mib: 64 }), "/", { usedBytes });
  t.partition(first, { kind: "lvm" });
  t.group("vg-0", onEach([first, t.copyOf(first), t.copyOf(first)], 3));
  return t;
}

inSmallVm("volumes of every kind in one group on larger disks than the template's", async () => {
  const t = groupOnThree();
  const made = (name: string, more: Parameters<Template["lv"]>[2]) =>
    t.fileSystem(t.lv("vg-0", name, more), `/srv/${name}`, { usedBytes });
  made("r1", { gib: mib(96), type: "raid1", copies: 2, on: [0, 1] });
  made("r3", { gib: mib(64), type: "raid1", copies: 3, on: [0, 1, 2] });
  made("m", { gib: mib(64), type: "mirror", copies: 2, on: [1, 2] });
  made("s", { gib: mib(96), type: "striped", stripes: 3, stripeBytes });
  made("r5", { gib: mib(128), type: "raid5", stripes: 2, stripeBytes });
  const pool = { metadataBytes: 4 * MIB, chunkBytes: 64 * KIB, zeroes: true };
  t.lv("vg-0", "pool", { gib: mib(160), type: "thin-pool", ...pool });
  made("thin", { gib: mib(300), type: "thin", pool: "pool" });
  t.swap(t.lv("vg-0", "swap", { gib: mib(40) }));
  // whatever is left on all three, up to the last extent
  made("rest", { gib: mib(800) });
  await carriedOut(t, { on: DISKS });
});
