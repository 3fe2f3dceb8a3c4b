/** A machine's identity, read from a real disk that is about to be overwritten, without changing the disk. */
import assert from "node:assert/strict";
import { TargetDisks } from "../../agent/install/disk/guard.ts";
import { Journal } from "../../agent/install/records/journal.ts";
import { readOldSystem } from "../../agent/install/identity/old_system.ts";
import { mountTree } from "../../agent/install/disk/partition.ts";
import { runCommand } from "../../agent/sys/command.ts";
import { LoopDisk, missingForDisks } from "./loop_disk.ts";
import { carryOut, GIB, GPT, planFor, template } from "./template_disk.ts";

const missing = missingForDisks(["sfdisk", "mkfs.ext4", "mkfs.vfat", "mkswap", "blkid", "sha256sum"]);
if (missing) console.log(`skipped: old disks: ${missing}`);

const NICS = [{ mac: "52:54:00:00:00:0a", names: ["ens3"] }];
const run = runCommand;
const { signal } = new AbortController();

const cases: {
  name: string;
  fill: (at: string) => Promise<Disposable | void>;
  hostname?: string;
  files?: readonly string[];
  notes: RegExp;
}[] = [
  {
    name: "its name and addresses",
    hostname: "db7",
    notes: /^$/,
    fill: async (at) => {
      await Deno.mkdir(`${at}/etc/network`, { recursive: true });
      await Deno.writeTextFile(`${at}/etc/hostname`, "db7\n");
      await Deno.writeTextFile(
        `${at}/etc/network/interfaces`,
        "iface ens3 inet static\n address 10.0.0.7/24\n",
      );
    },
  },
  {
    name: "its name, and the files by which storage and servers know it",
    hostname: "db7",
    files: [
      "/etc/agent/id",
      "/etc/hostid",
      "/etc/iscsi/initiatorname.iscsi",
      "/etc/salt/pki/minion/minion.pem",
    ],
    notes: /^$/,
    fill: async (at) => {
      const own = {
        "etc/hostname": "db7\n",
        "etc/network/interfaces": "iface ens3 inet static\n address 10.0.0.7/24\n",
        "etc/agent/id": "7",
        "etc/hostid": "\x01\x02\x03\x04",
        "etc/iscsi/initiatorname.iscsi": "InitiatorName=iqn.1993-08.org.debian:01:0123456789ab\n",
        "etc/salt/pki/minion/minion.pem": "key",
        "etc/nvme/hostnqn": "no NQN\n",
      };
      for (const [path, text] of Object.entries(own)) {
        await Deno.mkdir(`${at}/${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
        await Deno.writeTextFile(`${at}/${path}`, text);
      }
    },
  },
  {
    name: "not those of a template whose installation was broken off there",
    notes: /interrupted installation/,
    fill: async (at) => {
      await Deno.mkdir(`${at}/etc`);
      await Deno.writeTextFile(`${at}/etc/hostname`, "template\n");
      return Journal.keep(at, {
        format: "rackseed-journal",
        formatVersion: 1,
        node: "n1",
        image: "web@1",
        manifest: "0".repeat(64),
        plan: "0".repeat(64),
      });
    },
  },
  { name: "nothing, where it holds no system", notes: /^$/, fill: () => Promise.resolve() },
];

for (const { name, fill, hostname, files = [], notes } of cases) {
  Deno.test({
    name: `an old disk gives ${name}, and not a byte of it changes`,
    ignore: missing !== undefined,
    async fn() {
      await using disk = await LoopDisk.make({ sizeBytes: GIB });
      const plan = await planFor(await template(GPT), disk);
      const target = await carryOut(plan);
      const at = await Deno.makeTempDir({ prefix: "rackseed-old-" });
      {
        await using _mounts = await mountTree(target, { plan, at });
        using _held = await fill(at) ?? { [Symbol.dispose]: () => {} };
      }
      const sum = async () => (await run(["sha256sum", disk.device])).stdout;
      const before = await sum();
      const proven = await TargetDisks.prove(await planFor(await template(GPT), disk), { allowLoop: true });
      const old = await readOldSystem(proven, { at, nics: NICS, own: ["/etc/agent"], run, signal });
      assert.equal(old.kept?.hostname, hostname);
      assert.deepEqual((old.kept?.files ?? []).map(({ path }) => path).sort(), files);
      if (hostname) assert.deepEqual(old.kept?.interfaces[0]?.addresses, ["10.0.0.7/24"]);
      assert.match(old.notes.join("; "), notes);
      assert.equal(await sum(), before);
      await Deno.remove(at);
    },
  });
}
