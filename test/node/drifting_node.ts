/** A node with about 12 000 files of a real Debian on a disk of its own, installed by the steps of a node. */
import assert from "node:assert/strict";
import { AgentToken, DeployAnswer, NodeView, VersionView } from "#contract/api.ts";
import { CheckAnswer, CheckReport, type CheckRequest } from "#contract/api/checks.ts";
import type { ApiClient } from "#contract/client.ts";
import { applyIdentity } from "../../agent/install/identity/apply_identity.ts";
import type { FetchTarget } from "../../agent/install/fetch/image_fetch.ts";
import { writeCloneRecord, writeIndex } from "../../agent/install/records/clone_record.ts";
import { Journal } from "../../agent/install/records/journal.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { CloneTree } from "../../agent/tree/tree_files.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";
import { TemplateUnderTest } from "../flows/support/template_under_test.ts";
import { waitFor } from "../support/wait_for.ts";
import { fetchingNode } from "./directory_nodes.ts";
import { LoopDisk } from "./loop_disk.ts";

export const DRIFT_PROGRAMS = [
  "mkfs.ext4",
  "setfacl",
  "setcap",
  "setfattr",
  "chattr",
  "getfattr",
  "tar",
  "find",
];

/** Every one of them is changed by the test. */
const OWN_FILES = String.raw`
mkdir -p opt/app/data opt/app/old srv/www tmp var/log proc run
for i in content same-size replaced mode owner setuid xattr capability acl time truncated locked to-directory to-fifo; do
  head -c 3000 /dev/urandom | base64 > opt/app/$i; chmod 644 opt/app/$i
done
chmod 755 opt/app/capability; setcap cap_net_raw+ep opt/app/capability
setfattr -n user.origin -v image opt/app/xattr
echo shared > opt/app/first; ln opt/app/first opt/app/second
for i in 1 2 3; do echo $i > opt/app/old/$i; echo $i > opt/app/data/$i; done
ln -s content opt/app/link; ln -s content opt/app/to-file
mkdir opt/app/closed opt/app/inherits opt/app/to-link; echo x > opt/app/to-link/file
head -c 9000000 /dev/urandom > opt/app/large
truncate -s 1M opt/app/sparse
echo web > srv/www/index.html
find opt srv -exec touch -h -d '2025-01-02 03:04:05.678901234' {} +
`;

/** What may happen to a node, as a script in its /opt/app, and how a check's line of it begins. */
export const PLANTED: readonly (readonly [script: string, finding: string])[] = [
  ["echo more >> content", "changed /opt/app/content content"],
  [
    "touch -r same-size mark; printf X | dd of=same-size bs=1 seek=100 conv=notrunc status=none; " +
    "touch -r mark same-size; rm mark",
    "changed /opt/app/same-size content",
  ],
  [
    "tr 'A-Z' 'a-z' < replaced > new; touch -r replaced new; chmod 644 new; mv new replaced",
    "changed /opt/app/replaced content",
  ],
  ["chmod 600 mode", "changed /opt/app/mode mode"],
  ["chown 1000:1000 owner", "changed /opt/app/owner owner"],
  ["chmod u+s setuid", "changed /opt/app/setuid mode"],
  ["setfattr -n user.origin -v node xattr", "changed /opt/app/xattr other attribute"],
  ["setcap cap_sys_admin+ep capability", "changed /opt/app/capability other capabilities"],
  ["setfacl -m u:1234:r acl", "changed /opt/app/acl ACL added"],
  ["touch time", "changed /opt/app/time modified"],
  [": > truncated", "changed /opt/app/truncated content"],
  ["chattr +i locked", "changed /opt/app/locked inode flags"],
  [
    "rm to-directory; mkdir to-directory; echo x > to-directory/x",
    "changed /opt/app/to-directory a directory",
  ],
  ["rm to-fifo; mkfifo to-fifo", "changed /opt/app/to-fifo a FIFO"],
  ["rm -r to-link; ln -s /etc to-link", "changed /opt/app/to-link a symbolic link"],
  ["ln -sfn mode link", "changed /opt/app/link leads to"],
  ["rm to-file; echo x > to-file", "changed /opt/app/to-file a file"],
  ["cp -p second copy; mv copy second", "changed /opt/app/second no longer the same"],
  ["chmod 700 closed", "changed /opt/app/closed mode"],
  ["setfacl -d -m u:1234:rwx inherits", "changed /opt/app/inherits default ACL"],
  ["printf X | dd of=large bs=1 seek=8000000 conv=notrunc status=none", "changed /opt/app/large content"],
  ["printf X | dd of=sparse bs=1 seek=500000 conv=notrunc status=none", "changed /opt/app/sparse content"],
  ["rm data/2", "missing /opt/app/data/2"],
  ["rm -r old", "missing /opt/app/old 3 entries"],
  ["echo x > stranger", "foreign /opt/app/stranger"],
  ["mkdir -p strangers/below; echo x > strangers/below/file", "foreign /opt/app/strangers a directory"],
  ["echo changed >> ../../usr/bin/env", "changed /usr/bin/env content"],
  ["echo x > ../../usr/bin/implant", "foreign /usr/bin/implant"],
];

export class DriftingNode implements AsyncDisposable {
  readonly test: ServerUnderTest;
  /** The path of the node's root. */
  readonly root: string;
  readonly #stack: AsyncDisposableStack;

  private constructor(test: ServerUnderTest, { root, stack }: { root: string; stack: AsyncDisposableStack }) {
    this.test = test;
    this.root = root;
    this.#stack = stack;
  }

  /** `files`: how many of this machine's own files the image has, in addition to its own. */
  static async make({ files }: { files: number }): Promise<DriftingNode> {
    await using stack = new AsyncDisposableStack();
    const test = stack.use(await ServerUnderTest.start());
    const source = `${test.folder}/source`, root = `${test.folder}/n1`;
    await fill(source, files);
    await test.publish("tree", { root: source });
    const disk = stack.use(await LoopDisk.make({ sizeBytes: 1536 << 20 }));
    await run(["mkfs.ext4", "-q", "-F", disk.device]);
    await Deno.mkdir(root);
    await run(["mount", disk.device, root]);
    stack.defer(async () => void await run(["umount", "--recursive", "--lazy", root]));
    await test.client.put("/nodes/n1", { body: { hostname: "n1" }, schema: NodeView });
    await install(test, root);
    return new DriftingNode(test, { root, stack: stack.move() });
  }

  /** The tree that was captured. */
  get source(): string {
    return `${this.test.folder}/source`;
  }

  get client(): ApiClient {
    return this.test.client;
  }

  /** The node's own agent, with the node's own token. */
  async agent(options: { checkShare?: number } = {}): Promise<TemplateUnderTest> {
    const own = this.#stack.use(await this.test.as(await this.token()));
    const state = `${this.test.folder}/state`;
    return await TemplateUnderTest.start(own, { name: "n1", root: this.root, state, ...options });
  }

  /** Orders a check, waits for it, and returns its report. */
  async check(terms: Omit<CheckRequest, "nodes"> = {}): Promise<CheckReport> {
    const body = { nodes: ["n1"], ...terms };
    const { ordered: [ordered] } = await this.client.post("/checks", { body, schema: CheckAnswer });
    return await waitFor("the check to end", async () => {
      const report = await this.client.get("/nodes/n1/check", CheckReport);
      if (report.id !== ordered?.check) return undefined;
      if (report.problem) throw new Error(`${report.problem.title}: ${report.problem.detail}`);
      return report.state === "done" && report;
    }, { timeoutMs: 180_000, everyMs: 50 });
  }

  /** Acts as the node's own system: runs a bash script in its root. */
  async live(script: string): Promise<void> {
    await run(["bash", "-euc", `cd "$1"; ${script}`, "bash", this.root]);
  }

  /** Does to the node all that PLANTED names. */
  async plant(): Promise<void> {
    await this.live(["cd opt/app", ...PLANTED.map(([script]) => script)].join("\n"));
  }

  /** A token of the node's agent. */
  async token(): Promise<string> {
    return (await this.client.post("/nodes/n1/agent", { body: {}, schema: AgentToken })).token;
  }

  /** Inode, times and attributes of every entry; any write would change the time of change. */
  async marks(): Promise<string> {
    const format = String.raw`%p %i %C@ %T@ %m %U:%G %s %l\n`;
    const { stdout } = await run(["find", this.root, "-xdev", "-printf", format]);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** Files of this machine, up to a size, with all that they have; and those that the test changes. */
async function fill(source: string, files: number): Promise<void> {
  await Deno.mkdir(source);
  // two that the test changes or asks about come first
  const places = "usr/bin/env var/lib/dpkg/info/coreutils.list " +
    "etc usr/bin usr/sbin usr/lib/systemd var/lib/dpkg usr/share/zoneinfo usr/share/doc usr/share/man " +
    "usr/share/perl usr/include usr/share/locale";
  await run([
    "bash",
    "-euo",
    "pipefail",
    "-c",
    `
    cd /; find ${places} -xdev ! -type s \\( ! -type f -o -size -200k \\) 2> /dev/null | head -n ${files} \
      > "$1.list" || true
    # the machine's own files may change meanwhile
    { tar -c --ignore-failed-read --no-recursion --xattrs --xattrs-include='*' --acls -T "$1.list" || [ $? = 1 ]; } |
      tar -x --xattrs --xattrs-include='*' --acls -C "$1"
    rm "$1.list"; cd "$1"; umask 022
    ${OWN_FILES}`,
    "bash",
    source,
  ], { timeoutMs: 5 * 60_000 });
}

/** Installs as a machine's steps do, apart from partitions and boot loader. */
async function install(test: ServerUnderTest, root: string): Promise<void> {
  const body = { nodes: ["n1"], image: "tree" };
  const { nodes: [ordered] } = await test.client.post("/deployments", { body, schema: DeployAnswer });
  const { id: manifest } = await test.client.get("/images/tree", VersionView);
  const { enrolled, reporter, fetch } = await fetchingNode(test, ordered?.token ?? "");
  const { signal } = new AbortController(), progress = { update: () => {} };
  using _client = enrolled.client;
  await using _fetch = fetch;
  const plan = "0".repeat(64), clone = new CloneTree(root);
  const record = { format: "rackseed-journal", formatVersion: 1, node: "n1", image: "tree@1" } as const;
  using journal = Journal.keep(root, { ...record, manifest, plan });
  const target: FetchTarget = { path: root, journal };
  await fetch.join(target, { progress });
  await fetch.install(progress);
  await applyIdentity(enrolled.order.identity.assigned, {
    clone,
    run,
    signal,
    templateHostname: Deno.hostname(),
    bootMac: "52:54:00:12:34:56",
    own: [],
    isBackup: false,
  });
  await writeCloneRecord(clone, { manifest, own: [...clone.changed], boot: undefined });
  await writeIndex(clone, fetch.contentIndex({ changed: clone.changed, plain: [] }));
  await fetch.verify({ privileged: true, changed: clone.changed, plain: [], fromDisk: false });
  journal.end();
  await reporter.send({ step: "finish", state: "done", elapsedMs: 1 });
  assert.equal((await Deno.readTextFile(`${root}/etc/hostname`)).trim(), "n1");
}
