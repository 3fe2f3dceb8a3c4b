import assert from "node:assert/strict";
import { LUKS_UUID as LUKS, luksVolume } from "#contract/format/testing/samples.ts";
import { type BootFacts, GRUB_ONLY } from "#contract/format/boot.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import { GPT_LAYOUT, NVME, onDisk } from "../disk_references/testing/layouts.ts";
import { TemplateDisks, type UnlockWay } from "../disk_references/template_disks.ts";
import { initramfsNeeds, volumeArguments } from "./initramfs_needs.ts";

const [root] = GPT_LAYOUT.fileSystems as [DiskLayout["fileSystems"][0]];
const encrypted = (mountPoint: string): DiskLayout => ({
  ...GPT_LAYOUT,
  encrypted: [luksVolume("crypt", { on: { kind: "partition", disk: 0, number: 2 } })],
  fileSystems: [{ ...root, mountPoint, volume: { kind: "luks", name: "crypt" } }],
});

interface Case {
  readonly name: string;
  readonly facts?: Partial<BootFacts>;
  readonly drivers?: readonly string[];
  readonly rewritten?: readonly string[];
  readonly layout?: DiskLayout;
  readonly unlock?: UnlockWay["way"];
  /** Text, and whether the clone does not boot without it. */
  readonly needs: readonly [RegExp, boolean][];
}

const own = { hostOnly: true, drivers: ["ahci", "sd_mod"] };
const CASES: Case[] = [
  { name: "an initramfs for any machine", drivers: ["nvme"], needs: [] },
  { name: "the template's drivers do", facts: own, drivers: ["ahci"], needs: [] },
  {
    name: "another controller",
    facts: own,
    drivers: ["megaraid_sas", "sd_mod"],
    needs: [[/this machine needs megaraid_sas$/, true]],
  },
  {
    name: "resume names a disk",
    rewritten: ["/etc/initramfs-tools/conf.d/resume"],
    needs: [[/conf\.d\/resume names/, false]],
  },
  {
    name: "crypttab of a swap beside a plain root",
    rewritten: ["/etc/crypttab"],
    needs: [[/crypttab names/, false]],
  },
  {
    name: "crypttab of the root",
    rewritten: ["/etc/crypttab"],
    layout: encrypted("/"),
    needs: [[/crypttab names/, true]],
  },
  { name: "a passphrase is typed", layout: encrypted("/"), unlock: "passphrase", needs: [] },
  {
    name: "the TPM opens the root",
    layout: encrypted("/"),
    unlock: "tpm2",
    needs: [[/opened by the machine's TPM/, true]],
  },
  {
    name: "a key file opens the root",
    layout: encrypted("/"),
    unlock: "key-file",
    needs: [[/opened by a key file/, true]],
  },
  { name: "the TPM opens what is mounted later", layout: encrypted("/srv"), unlock: "tpm2", needs: [] },
];

for (const { name, facts = {}, drivers = [], rewritten = [], layout = GPT_LAYOUT, unlock, needs } of CASES) {
  Deno.test(`whether the initramfs is made again: ${name}`, () => {
    const ways = unlock && new Map([["crypt", { way: unlock }]]);
    const disks = new TemplateDisks(layout, { ...onDisk(NVME), ...(ways && { unlock: ways }) });
    const found = initramfsNeeds({ facts: { ...GRUB_ONLY, ...facts }, drivers, rewritten, disks });
    assert.deepEqual(found.map(({ isVital }) => isVital), needs.map(([, isVital]) => isVital));
    for (const [i, [words]] of needs.entries()) assert.match(found[i]?.because ?? "", words);
  });
}

Deno.test("the arguments by which dracut finds the root's volumes", () => {
  const locked = new TemplateDisks(encrypted("/"), onDisk(NVME));
  assert.deepEqual(volumeArguments(locked), [`rd.luks.uuid=${LUKS}`, `rd.luks.name=${LUKS}=crypt`]);
  assert.deepEqual(volumeArguments(new TemplateDisks(GPT_LAYOUT, onDisk(NVME))), []);
});
