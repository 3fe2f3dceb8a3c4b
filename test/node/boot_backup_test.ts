/** Nodes on which no agent runs: their disks are read at an armed boot, and not a byte of them changes. */
import assert from "node:assert/strict";
import { CaptureView, DeployAnswer, type Inventory, NodeView, VersionView } from "#contract/api.ts";
import { backupSteps } from "../../agent/backup/backup_steps.ts";
import { type DiskFacts, readDisk } from "../../agent/install/disks.ts";
import { enrol, enrolMachine, isBackup } from "../../agent/install/enrol.ts";
import { LogTail } from "../../agent/install/log_tail.ts";
import { Reporter } from "../../agent/install/reporter.ts";
import { runSteps } from "../../agent/install/run_steps.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import type { Console } from "../../agent/sys/console.ts";
import { Mount } from "../../agent/sys/mount.ts";
import { exists } from "../../agent/sys/small_file.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";
import { LoopDisk, missingForDisks } from "./loop_disk.ts";

const missing = missingForDisks(["sfdisk", "mkfs.ext4", "blkid", "lsblk", "findmnt", "debugfs", "sha256sum"]);
if (missing) console.log(`tests of backups at boot are left out: ${missing}`);
const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, ignore: missing !== undefined });

const INVENTORY: Inventory = {
  ...{ kind: "machine", firmware: "bios", memoryBytes: 1, cpus: 1, nics: [], disks: [] },
};
const FSTAB = "LABEL=p1 / ext4\nLABEL=p2 /srv ext4 noatime 0 2\nLABEL=gone /old ext4 nofail\n";
const TABLE = "label: gpt\n1 : size=60M, type=L\n2 : size=20M, type=L\n3 : size=10M, type=L\n";

/** A node with a system on a disk: the root on its first partition, data on its second. */
class StillNode implements AsyncDisposable {
  readonly disk: LoopDisk;
  readonly test: ServerUnderTest;
  /** What its console has shown. */
  shown: string[] = [];

  private constructor(disk: LoopDisk, test: ServerUnderTest) {
    this.disk = disk;
    this.test = test;
  }

  static async make(): Promise<StillNode> {
    const disk = await LoopDisk.make({ sizeBytes: 100 << 20 });
    await run(["sfdisk", "--quiet", "--no-tell-kernel", disk.device], { input: TABLE });
    await run(["partx", "--add", disk.device]);
    for (const number of [1, 2]) {
      await run(["mkfs.ext4", "-q", "-F", "-L", `p${number}`, disk.partition(number)]);
    }
    const node = new StillNode(disk, await ServerUnderTest.start());
    await node.live(`
      mkdir -p etc srv usr/bin usr/lib/modules/6.1.0 boot var; ln -s usr/lib lib
      echo n1 > etc/hostname; printf 'ID=debian\\nVERSION_ID="12"\\n' > usr/lib/os-release
      printf '${FSTAB.replaceAll("\n", "\\n")}' > etc/fstab
      head -c 400000 /dev/urandom > usr/bin/tool
      touch usr/lib/modules/6.1.0/modules.dep boot/vmlinuz-6.1.0`);
    await node.live("head -c 50000 /dev/urandom > data", 2);
    return node;
  }

  /** Its own system runs for a while: a script in the root of one of its file systems. */
  async live(script: string, number = 1): Promise<void> {
    const at = await Deno.makeTempDir();
    await run(["blockdev", "--setrw", this.disk.device, this.disk.partition(1), this.disk.partition(2)]);
    {
      await using _mount = await Mount.at(at, { source: this.disk.partition(number), type: "ext4" });
      await run(["sh", "-ec", `cd "$0"; ${script}`, at]);
    }
    await Deno.remove(at);
  }

  sum(): Promise<string> {
    return run(["sha256sum", this.disk.device]).then(({ stdout }) => stdout);
  }

  async arm(more: Record<string, unknown> = {}): Promise<string> {
    const body = { image: "web", level: 1, ...more };
    const answer = await this.test.client.post("/nodes/n1/boot-backup", { body, schema: DeployAnswer });
    return answer.nodes[0]?.token ?? "";
  }

  /** Boots from the network: the agent's own steps, on this disk. */
  async boot(token: string, signal = new AbortController().signal): Promise<void> {
    const facts = await readDisk(this.disk.name);
    assert.ok(facts);
    const { server } = this.test.server.urls;
    await using stack = new AsyncDisposableStack();
    const enrolled = await enrolMachine({ server, token, inventory: INVENTORY, signal });
    assert.ok(isBackup(enrolled));
    stack.use(enrolled.client);
    const reporter = new Reporter(), at = await Deno.makeTempDir();
    stack.defer(() => Deno.remove(at));
    await reporter.connect(enrolled.client);
    const show = (text: string) => void this.shown.push(text);
    const console = { line: show, progress: () => {} } as unknown as Console;
    const disks: DiskFacts[] = [{ ...facts, kind: "disk" }];
    const steps = backupSteps({
      ...{ enrolled, disks, firmware: "bios", at, stack, run, signal, diskTypes: ["loop"] },
    });
    await runSteps(steps, { reporter, console, log: new LogTail(), signal });
  }

  view(): Promise<NodeView> {
    return this.test.client.get("/nodes/n1", NodeView);
  }

  async captures(): Promise<CaptureView[]> {
    const all = await this.test.client.get("/captures", CaptureView.array());
    return all.filter(({ image }) => image === "n1");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.test[Symbol.asyncDispose]();
    await this.disk[Symbol.asyncDispose]();
  }
}

/** The image that n1 was made of, in a folder: it shares a file with the node. */
async function publishImage(node: StillNode): Promise<void> {
  const at = await Deno.makeTempDir(), { test } = node;
  {
    await using _mount = await Mount.at(at, { source: node.disk.partition(1), type: "ext4" });
    await test.publish("web", { root: `${at}/usr` });
  }
  await Deno.remove(at);
  await test.client.put("/nodes/n1", { body: {}, schema: NodeView });
}

test("a node is backed up at its boot: read-only, once, and the second time only what has changed", async () => {
  await using node = await StillNode.make();
  await publishImage(node);
  const { client } = node.test;
  const token = await node.arm();
  assert.deepEqual(await node.view().then((v) => [v.state, v.armed]), ["armed", true]);
  // whoever would overwrite it must call the backup off first
  const deploy = client.post("/deployments", { body: { nodes: ["n1"], image: "web" }, schema: DeployAnswer });
  await assert.rejects(deploy, { status: 409, reason: /to be backed up/ });
  await assert.rejects(node.arm(), { status: 409, reason: /has another order/ });

  const before = await node.sum();
  await node.boot(token);
  assert.equal(await node.sum(), before, "the disk has changed");
  const [first] = await node.captures();
  assert.equal(first?.state, "published");
  // what lies in /usr is the image's, too
  assert.equal(first?.progress?.bytesSent, 50_000 + "n1\n".length + FSTAB.length);
  const version = await client.get("/images/n1@1", VersionView);
  assert.equal(version.backupOf, "n1");
  assert.deepEqual(
    version.layout?.fileSystems.map(({ mountPoint, mountOptions }) => [mountPoint, mountOptions]),
    [
      ["/", "defaults"],
      ["/srv", "noatime"],
    ],
  );
  assert.deepEqual(
    version.source && [version.source.hostname, version.source.release, version.source.kernel],
    [
      ...["n1", "12", "6.1.0"],
    ],
  );
  assert.match(first.notes.join("; "), /left out, no disk of this machine has it: \/old \(LABEL=gone\)/);
  const view = await node.view();
  assert.deepEqual([view.state, view.armed, view.image], ["idle", false, undefined]);
  assert.equal(view.report?.message, "n1@1; nothing was written to the disks");
  await assert.rejects(node.boot(token), { status: 401 }, "one arming is one run");

  await node.live("head -c 1000 /dev/urandom > more; rm data", 2);
  await node.boot(await node.arm());
  const second = (await node.captures()).at(-1);
  assert.deepEqual([second?.version, second?.progress?.bytesSent], [2, 1000]);
  const events = await (await client.send("POST", "/images/n1@2/verify")).text();
  assert.match(events, /"damaged":0/);
});

const broken: {
  name: string;
  harm: (node: StillNode) => Promise<unknown>;
  says: RegExp;
  /** What the message says to leave out, and the backup then does without. */
  without?: string;
}[] = [
  {
    name: "whose data cannot be mounted",
    harm: ({ disk }) =>
      run(["dd", "if=/dev/zero", `of=${disk.partition(2)}`, "bs=1M", "count=1", "conv=fsync"]),
    says: /cannot back up n1 with its \/srv: .*no disk of this machine has it.*--exclude \/srv/,
    without: "/srv",
  },
  {
    name: "with a file whose inode is damaged",
    harm: async ({ disk }) => {
      await run(["debugfs", "-w", "-R", "clri /usr/bin/tool", disk.partition(1)]);
    },
    says: /cannot capture \/usr\/bin\/tool/,
    without: "/usr/bin/tool",
  },
  {
    name: "that has no system any more",
    harm: (node) => node.live("rm -r etc"),
    says: /no disk of it carries a system that can be read/,
  },
  {
    name: "with two systems",
    harm: (node) => node.live("mkdir etc; echo other > etc/hostname", 2),
    says: /more than one system: .*\(n1\), .*\(other\)/,
  },
];
for (const { name, harm, says, without } of broken) {
  test(`the backup of a node ${name} fails, says why on console and server, and leaves the disk as it is`, async () => {
    await using node = await StillNode.make();
    await publishImage(node);
    await harm(node);
    const before = await node.sum();
    await assert.rejects(node.boot(await node.arm()), (error: Error) => says.test(error.message));
    assert.equal(await node.sum(), before, "the disk has changed");
    const { state, armed, report } = await node.view();
    assert.deepEqual([state, armed], ["failed", false]);
    assert.match(`${report?.problem?.title}: ${report?.problem?.detail} ${report?.problem?.remedy}`, says);
    assert.deepEqual((await node.captures()).map((c) => c.state).filter((s) => s !== "failed"), []);
    const again = await node.arm({ excludes: without === undefined ? [] : [without] });
    if (without === undefined) return;
    await node.boot(again);
    assert.equal(await node.sum(), before, "the disk has changed");
    assert.equal((await node.view()).report?.message, "n1@1; nothing was written to the disks");
  });
}

test("a file system in use when its machine stopped is read with its journal replayed, the disk unchanged", async () => {
  await using node = await StillNode.make();
  await publishImage(node);
  const dirty = await cutOff(node);
  await using _disk = dirty.disk;
  const cut = Object.create(node, { disk: { value: dirty.disk } }) as StillNode;
  const before = await cut.sum();
  const done = cut.boot(await node.arm());
  if (await exists("/dev/mapper/control")) {
    await done;
    assert.match((await node.captures())[0]?.notes.join() ?? "", /its journal was replayed in memory/);
  } else {
    await assert.rejects(
      done,
      (error: Error) => /in use when its machine stopped.*e2fsck -p/.test(error.message),
    );
  }
  assert.equal(await cut.sum(), before, "the disk has changed");
});

/** What a power cut would leave: the disk as it is while a file was just written. */
async function cutOff({ disk }: StillNode): Promise<{ disk: LoopDisk }> {
  const at = await Deno.makeTempDir();
  try {
    await using _mount = await Mount.at(at, { source: disk.partition(1), type: "ext4" });
    await Deno.writeTextFile(`${at}/var/last`, "words");
    await run(["sync", "-f", at]);
    return { disk: await disk.copy() };
  } finally {
    await Deno.remove(at);
  }
}

test("a backup that is called off ends its capture, and a token for one installs nothing", async () => {
  await using node = await StillNode.make();
  await publishImage(node);
  const { test: { client, server } } = node;
  const { signal } = new AbortController();
  const wrong = enrol({ server: server.urls.server, token: await node.arm(), inventory: INVENTORY, signal });
  await assert.rejects(wrong, /a backup was ordered/);
  await client.send("POST", "/nodes/n1/cancel");
  const token = await node.arm();
  const enrolled = await enrolMachine({ server: server.urls.server, token, inventory: INVENTORY, signal });
  assert.ok(isBackup(enrolled));
  using agent = enrolled.client;
  await (await agent.send("POST", "/node/backup")).body?.cancel();
  // restarted amid it: the same capture goes on
  await (await agent.send("POST", "/node/backup")).body?.cancel();
  const [capture] = await node.captures();
  assert.equal(capture?.state, "receiving");
  const hashes = { body: new Uint8Array(32) };
  await (await agent.send("POST", `/captures/${capture?.id}/known`, hashes)).body?.cancel();
  for (const path of ["/templates", "/captures/other/known", "/nodes/n1/boot-backup"]) {
    await assert.rejects(agent.send("POST", path, hashes), { status: 401 }, path);
  }
  await client.send("POST", "/nodes/n1/cancel");
  assert.deepEqual((await node.captures()).map((c) => c.state), ["cancelled"]);
  await assert.rejects(agent.send("POST", `/captures/${capture?.id}/known`, hashes), { status: 401 });
  await assert.rejects(agent.send("POST", "/node/backup"), { status: 409 });
  assert.deepEqual(await node.view().then((v) => [v.state, v.armed]), ["failed", false]);
});
