import assert from "node:assert/strict";
import { withOwnMachineId } from "./machine_id.ts";

const OLD = "a".repeat(32), OWN = "0123456789abcdef0123456789abcdef";
const DASHED = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", OWN_DASHED = "01234567-89ab-cdef-0123-456789abcdef";
const ENTRY = "/boot/efi/loader/entries/x.conf";

const CASES: readonly [name: string, path: string, before: string, after: string][] = [
  [
    "the entry that kernel-install writes",
    ENTRY,
    `title Debian\nmachine-id ${OLD}\noptions root=UUID=1 systemd.machine_id=${OLD}\nlinux /${OLD}/6.1/linux\n`,
    `title Debian\nmachine-id ${OWN}\noptions root=UUID=1 systemd.machine_id=${OWN}\nlinux /${OLD}/6.1/linux\n`,
  ],
  [
    "a UUID with dashes",
    "/etc/kernel/cmdline",
    `systemd.machine_id=${DASHED} ro`,
    `systemd.machine_id=${OWN_DASHED} ro`,
  ],
  ["quoted", "/etc/default/grub", `X="systemd.machine_id=${OLD}"`, `X="systemd.machine_id=${OWN}"`],
  [
    "the id of the firmware stays",
    "/etc/kernel/cmdline",
    "systemd.machine_id=firmware",
    "systemd.machine_id=firmware",
  ],
  [
    "other arguments and longer words stay",
    ENTRY,
    `x.systemd.machine_id=${OLD} id=${OLD}`,
    `x.systemd.machine_id=${OLD} id=${OLD}`,
  ],
  ["only entries have the line", "/boot/grub/grub.cfg", `machine-id ${OLD}`, `machine-id ${OLD}`],
];

for (const [name, path, before, after] of CASES) {
  Deno.test(`machine-id in boot files: ${name}`, () => {
    assert.equal(withOwnMachineId(before, { path, own: OWN }), after);
    assert.equal(withOwnMachineId(after, { path, own: OWN }), after);
    assert.equal(withOwnMachineId(before, { path, own: undefined }), before);
  });
}
