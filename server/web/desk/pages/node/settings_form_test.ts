import assert from "node:assert/strict";
import { NodeSettings } from "#contract/api.ts";
import { FIELDS, settingsOf, textsOf } from "./settings_form.ts";

const ALL: NodeSettings = {
  mac: "52:54:00:00:00:01",
  hostname: "n1.example",
  identity: "keep",
  address: "10.0.0.5/24",
  gateway: "10.0.0.1",
  dns: ["10.0.0.2", "10.0.0.3"],
  interfaces: [{
    kind: "bond",
    name: "bond0",
    members: ["52:54:00:00:00:02", "52:54:00:00:00:03"],
    mode: "802.3ad",
    addresses: ["10.1.0.5/24"],
    gateways: [],
    dns: [],
  }],
  group: "compute",
  bootProgram: "ipxe.efi",
  disks: ["/dev/disk/by-path/pci-0000:00:05.0"],
  leaveDisks: [">2TB", "label=DATA"],
  dataDisks: [{ of: "/srv", disk: "/dev/disk/by-id/wwn-0x5" }],
  mirror: 2,
  unlock: "tpm2",
  uploadLimit: 12_345_679,
  rack: "r1",
  backupEverySeconds: 86_400,
  finish: "kexec",
};

Deno.test("the form has a field for everything that can be set, and gives back what it was given", () => {
  const keys = Object.values(FIELDS).flat().map(({ key }) => key).sort();
  assert.deepEqual(keys, Object.keys(NodeSettings.shape).sort());
  assert.deepEqual(settingsOf(textsOf(ALL), { before: ALL }), { settings: ALL });
  for (const uploadLimit of ["off", 1000, 12_500_000, 125_000_000] as const) {
    assert.deepEqual(settingsOf(textsOf({ uploadLimit }), { before: {} }), { settings: { uploadLimit } });
  }
});

Deno.test("an empty field clears its setting", () => {
  assert.deepEqual(settingsOf({ ...textsOf(ALL), group: " ", dns: "" }, { before: ALL }), {
    settings: Object.fromEntries(Object.entries(ALL).filter(([key]) => key !== "group" && key !== "dns")),
  });
});

Deno.test("every fault is shown at its field", () => {
  const wrong = {
    mac: "nonsense",
    gateway: "10.0.0",
    uploadLimit: "fast",
    interfaces: "eth0",
    mirror: "two",
  };
  const parsed = settingsOf(wrong, { before: {} });
  assert.deepEqual(Object.keys("faults" in parsed ? parsed.faults : {}).sort(), [
    "interfaces",
    "mirror",
    "uploadLimit",
  ]);
  const checked = settingsOf({ mac: "nonsense", gateway: "10.0.0" }, { before: {} });
  assert.deepEqual(Object.keys("faults" in checked ? checked.faults : {}).sort(), ["gateway", "mac"]);
});
