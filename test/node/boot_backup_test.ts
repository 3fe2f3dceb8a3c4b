/** Backups of nodes without an agent: an armed boot reads their disks and does not change a byte. */
import assert from "node:assert/strict";
import { CaptureView, DeployAnswer, NodeView, VersionView } from "#contract/api.ts";
import { enrol, enrolMachine, isBackup } from "../../agent/steps/enrol.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";
import { type LoopDisk, missingForDisks } from "./loop_disk.ts";
import { MACHINE_INVENTORY } from "../support/inventory.ts";
import { FSTAB, StillNode } from "./still_node.ts";

const missing = missingForDisks(["sfdisk", "mkfs.ext4", "blkid", "lsblk", "debugfs", "sha256sum"]);
if (missing) console.log(`skipped: backups at boot: ${missing}`);
const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name, fn, ignore: missing !== undefined });

/** A node and its server. */
class Site implements AsyncDisposable {
  readonly node: StillNode;
  readonly server: ServerUnderTest;

  private constructor(node: StillNode, server: ServerUnderTest) {
    this.node = node;
    this.server = server;
  }

  /** n1 shares its /usr with the image that it was installed from. */
  static async make(): Promise<Site> {
    const node = await StillNode.make(), server = await ServerUnderTest.start();
    await node.mounted(1, (at) => server.publish("web", { root: `${at}/usr` }));
    await server.client.put("/nodes/n1", { body: {}, schema: NodeView });
    return new Site(node, server);
  }

  get url(): string {
    return this.server.server.urls.server;
  }

  async arm(more: Record<string, unknown> = {}): Promise<string> {
    const body = { image: "web", level: 1, ...more };
    const answer = await this.server.client.post("/nodes/n1/boot-backup", { body, schema: DeployAnswer });
    return answer.nodes[0]?.token ?? "";
  }

  boot(token: string, node = this.node): Promise<void> {
    return node.boot({ server: this.url, token });
  }

  view(): Promise<NodeView> {
    return this.server.client.get("/nodes/n1", NodeView);
  }

  async captures(): Promise<CaptureView[]> {
    const all = await this.server.client.get("/captures", CaptureView.array());
    return all.filter(({ image }) => image === "n1");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.node[Symbol.asyncDispose]();
  }
}

test("a node is backed up at boot: read-only, once per order, and the second time only its changes", async () => {
  await using site = await Site.make();
  const { node, server: { client } } = site;
  const token = await site.arm();
  assert.deepEqual(await site.view().then((v) => [v.state, v.armed]), ["armed", true]);
  // To overwrite the node, the operator must cancel the backup first.
  const deploy = client.post("/deployments", { body: { nodes: ["n1"], image: "web" }, schema: DeployAnswer });
  await assert.rejects(deploy, { status: 409, reason: /a backup is ordered or running: n1/ });
  await assert.rejects(site.arm(), { status: 409, reason: /has another order/ });

  const before = await node.sum();
  await site.boot(token);
  assert.equal(await node.sum(), before, "the disk has changed");
  const [first] = await site.captures();
  assert.equal(first?.state, "published");
  // The data in /usr is the image's too.
  assert.equal(first?.progress?.bytesSent, 50_000 + "n1\nkernel\n".length + FSTAB.length);
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
  const view = await site.view();
  assert.deepEqual([view.state, view.armed, view.image], ["idle", false, undefined]);
  assert.equal(view.report?.message, "n1@1; nothing was written to the disks");
  await assert.rejects(site.boot(token), { status: 401 }, "an order is good for one boot");

  await node.live("head -c 1000 /dev/urandom > more; rm data", 2);
  await site.boot(await site.arm());
  const second = (await site.captures()).at(-1);
  assert.deepEqual([second?.version, second?.progress?.bytesSent], [2, 1000]);
  const events = await (await client.send("POST", "/images/n1@2/verify")).text();
  assert.match(events, /"damaged":0/);
});

const broken: {
  name: string;
  harm: (node: StillNode) => Promise<unknown>;
  says: RegExp;
  /** The path that the message says to exclude, with which the backup then succeeds. */
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
    name: "that no longer has a system",
    harm: (node) => node.live("rm -r etc"),
    says: /none of its disks has a system that can be read/,
  },
  {
    name: "with two systems",
    harm: (node) => node.live("mkdir etc; echo other > etc/hostname", 2),
    says: /more than one system: .*\(n1\), .*\(other\)/,
  },
];
for (const { name, harm, says, without } of broken) {
  test(`the backup of a node ${name} fails, reports why on console and server, and leaves the disk unchanged`, async () => {
    await using site = await Site.make();
    const { node } = site;
    await harm(node);
    const before = await node.sum();
    await assert.rejects(site.boot(await site.arm()), (error: Error) => says.test(error.message));
    assert.equal(await node.sum(), before, "the disk has changed");
    assert.match(node.shown, /(mount|capture): FAILED/);
    const { state, armed, report } = await site.view();
    assert.deepEqual([state, armed], ["failed", false]);
    assert.match(`${report?.problem?.title}: ${report?.problem?.detail} ${report?.problem?.remedy}`, says);
    assert.deepEqual((await site.captures()).map((c) => c.state).filter((s) => s !== "failed"), []);
    const again = await site.arm({ excludes: without === undefined ? [] : [without] });
    if (without === undefined) return;
    await site.boot(again);
    assert.equal(await node.sum(), before, "the disk has changed");
    assert.equal((await site.view()).report?.message, "n1@1; nothing was written to the disks");
  });
}

test("a file system that was in use at a power cut is read with its journal replayed, the disk unchanged", async () => {
  await using site = await Site.make();
  await using cut = new StillNode(await cutOff(site.node));
  const before = await cut.sum();
  const done = site.boot(await site.arm(), cut);
  // LVM makes /dev/mapper/control even where the kernel has no device mapper
  if (/ device-mapper$/m.test(await Deno.readTextFile("/proc/misc"))) {
    await done;
    assert.match((await site.captures())[0]?.notes.join() ?? "", /its journal was replayed in memory/);
  } else {
    await assert.rejects(
      done,
      (error: Error) => /in use when its machine stopped.*e2fsck -p/.test(error.message),
    );
  }
  assert.equal(await cut.sum(), before, "the disk has changed");
});

/** The disk as a power cut would leave it, just after a file was written. */
async function cutOff(node: StillNode): Promise<LoopDisk> {
  return await node.mounted(1, async (at) => {
    await Deno.writeTextFile(`${at}/var/last`, "words");
    await run(["sync", "-f", at]);
    return await node.disk.copy();
  });
}

test("a cancelled backup ends its capture, and the token of a backup cannot install", async () => {
  await using site = await Site.make();
  const { server: { client }, url } = site;
  const { signal } = new AbortController();
  const wrong = enrol({ server: url, token: await site.arm(), inventory: MACHINE_INVENTORY, signal });
  await assert.rejects(wrong, /a backup was ordered/);
  await client.send("POST", "/nodes/n1/cancel");
  const token = await site.arm();
  const enrolled = await enrolMachine({ server: url, token, inventory: MACHINE_INVENTORY, signal });
  assert.ok(isBackup(enrolled));
  using agent = enrolled.client;
  await (await agent.send("POST", "/node/backup")).body?.cancel();
  // After a restart halfway, the same capture continues.
  await (await agent.send("POST", "/node/backup")).body?.cancel();
  const [capture] = await site.captures();
  assert.equal(capture?.state, "receiving");
  const hashes = { body: new Uint8Array(32) };
  await (await agent.send("POST", `/captures/${capture?.id}/known`, hashes)).body?.cancel();
  for (const path of ["/templates", "/captures/other/known", "/nodes/n1/boot-backup"]) {
    await assert.rejects(agent.send("POST", path, hashes), { status: 401 }, path);
  }
  await client.send("POST", "/nodes/n1/cancel");
  assert.deepEqual((await site.captures()).map((c) => c.state), ["cancelled"]);
  await assert.rejects(agent.send("POST", `/captures/${capture?.id}/known`, hashes), { status: 401 });
  await assert.rejects(agent.send("POST", "/node/backup"), { status: 409 });
  assert.deepEqual(await site.view().then((v) => [v.state, v.armed]), ["aborted", false]);
});
