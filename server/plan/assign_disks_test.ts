import assert from "node:assert/strict";
import type { ChosenDisk } from "#contract/api.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import { confirmChoice, planInstall, type PlanRequest } from "./plan.ts";
import { debianRaid } from "./testing/layouts.ts";
import { machineDisk, nameAt } from "./testing/template.ts";
import { disk, GIB, header, plan } from "./testing/templates.ts";

Deno.test("the only disk that qualifies is chosen among others, whatever their names", () => {
  const others = [
    disk({ name: "sda", transport: "usb" }),
    disk({ name: "sdb", sizeBytes: GIB }),
    disk({ name: "mmcblk0", removable: true }),
  ];
  const made = plan({ disks: [...others, disk({ name: "nvme0n1" })] });
  assert.equal(made.disks[0]?.facts.name, "nvme0n1");
  assert.equal(made.disks[0]?.because, "the only disk that fits");
});

Deno.test("a disk in place of a dead one is taken if it is empty; the node's own always", () => {
  const byPath = "/dev/disk/by-path/pci-0000:00:04.0";
  const fine: { installed: ChosenDisk; facts: Partial<DiskFacts>; because?: string }[] = [
    { installed: { serial: "old", byPath }, facts: { serial: "new", byPath, content: "" } },
    {
      installed: { serial: "same", byPath: "elsewhere" },
      facts: { serial: "same", byPath, content: "gpt: ext4" },
      because: "installed there before",
    },
    { installed: { byPath }, facts: { serial: "now reported by its driver", byPath, content: "gpt: ext4" } },
  ];
  for (const { installed, facts, because } of fine) {
    const before = [{ layoutDisk: 0, ...installed }];
    assert.equal(
      plan({ installed: before, disks: [disk(facts)] }).disks[0]?.because,
      because ?? "the only disk",
    );
    const small = disk({ name: "sdb", serial: "small", byPath: "small", sizeBytes: GIB });
    assert.equal(
      plan({ installed: before, disks: [small, disk(facts)] }).disks[0]?.because,
      because ?? "the only disk that fits",
    );
  }
});

Deno.test("a mirror that lacks its second disk names the one that is chosen, and can be made with fewer", () => {
  const template = debianRaid(), first = machineDisk(0, { gib: 60 }), small = machineDisk(1, { gib: 1 });
  const choices = { disks: [nameAt(0)] };
  const request = { node: "n1", header: template.header, firmware: "bios" as const, choices };
  assert.throws(() => planInstall({ ...request, disks: [first] }), {
    message: /^cannot find another disk of n1 to install to: .*sda.*: already chosen\. .*--mirror N/,
  });
  assert.throws(() => planInstall({ ...request, disks: [first, small] }), {
    message: /: already chosen\. .*\(sdb, 1\.1 GB\): it is too small/,
  });
});

Deno.test("a disk that appears after the plan was made, and fits as well, stops the installation", () => {
  const request: PlanRequest = { node: "n1", header: header(), firmware: "bios", disks: [disk()] };
  const made = planInstall(request);
  const late = disk({ name: "sdb", number: "8:16", names: ["/dev/disk/by-path/pci-0000:00:05.0"] });
  confirmChoice(made, { request, now: [disk()] });
  confirmChoice(made, { request, now: [disk(), { ...late, transport: "usb" }] });
  assert.throws(
    () => confirmChoice(made, { request, now: [disk(), late] }),
    /cannot choose between 2 disks/,
  );
  const swapped = { ...request, choices: { disks: [...late.names] } };
  assert.throws(
    () => confirmChoice(made, { request: swapped, now: [disk(), late] }),
    /the plan was made for .*04\.0.*now it would be .*05\.0/,
  );
});

Deno.test("the operator's choice decides, by any persistent name", () => {
  const id = "/dev/disk/by-id/nvme-Fast_123";
  const made = plan({ disks: [disk(), disk({ name: "nvme0n1", names: [id] })], choices: { disks: [id] } });
  assert.equal(made.disks[0]?.facts.name, "nvme0n1");
});
