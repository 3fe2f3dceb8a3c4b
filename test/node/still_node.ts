/** A node whose own system is not running: a disk, and the agent's backup steps that read it. */
import assert from "node:assert/strict";
import { backUpMachine } from "../../agent/backup/backup_steps.ts";
import type { DiskFacts } from "#contract/disk_facts.ts";
import { readDisk } from "../../agent/layout/disks.ts";
import { enrolMachine, isBackup } from "../../agent/steps/enrol.ts";
import { LogTail } from "../../agent/steps/log_tail.ts";
import { Reporter } from "../../agent/steps/reporter.ts";
import { StepRunner } from "../../agent/steps/step_runner.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { TerminalConsole } from "../../agent/sys/console.ts";
import { Mount } from "../../agent/sys/mount.ts";
import { MACHINE_INVENTORY } from "../support/inventory.ts";
import { LoopDisk } from "./loop_disk.ts";

export const FSTAB = "LABEL=p1 / ext4\nLABEL=p2 /srv ext4 noatime 0 2\nLABEL=gone /old ext4 nofail\n";
const TABLE = "label: gpt\n1 : size=60M, type=L\n2 : size=20M, type=L\n3 : size=10M, type=L\n";

/** The root is on its first partition, 50 000 bytes of data on its second, which is /srv. */
export class StillNode implements AsyncDisposable {
  readonly disk: LoopDisk;
  /** The console's output so far. */
  shown = "";

  constructor(disk: LoopDisk) {
    this.disk = disk;
  }

  static async make(): Promise<StillNode> {
    const node = new StillNode(await LoopDisk.make({ sizeBytes: 100 << 20 }));
    const { disk } = node;
    await run(["sfdisk", "--quiet", "--no-tell-kernel", disk.device], { input: TABLE });
    await run(["partx", "--add", disk.device]);
    for (const number of [1, 2]) {
      await run(["mkfs.ext4", "-q", "-F", "-L", `p${number}`, disk.partition(number)]);
    }
    await node.live(`
      mkdir -p etc srv usr/bin usr/lib/modules/6.1.0 boot var; ln -s usr/lib lib
      echo n1 > etc/hostname; printf 'ID=debian\\nVERSION_ID="12"\\n' > usr/lib/os-release
      printf '${FSTAB.replaceAll("\n", "\\n")}' > etc/fstab
      head -c 400000 /dev/urandom > usr/bin/tool
      touch usr/lib/modules/6.1.0/modules.dep; echo kernel > boot/vmlinuz-6.1.0`);
    await node.live("head -c 50000 /dev/urandom > data", 2);
    return node;
  }

  /** Acts as the node's own system: runs a script in the root of one of its file systems. */
  async live(script: string, number = 1): Promise<void> {
    await this.mounted(number, (at) => run(["sh", "-ec", `cd "$0"; ${script}`, at]));
  }

  async mounted<T>(number: number, use: (at: string) => Promise<T>): Promise<T> {
    const at = await Deno.makeTempDir();
    await run(["blockdev", "--setrw", this.disk.device, this.disk.partition(1), this.disk.partition(2)]);
    try {
      await using _mount = await Mount.at(at, { source: this.disk.partition(number), type: "ext4" });
      return await use(at);
    } finally {
      await Deno.remove(at);
    }
  }

  async sum(): Promise<string> {
    return (await run(["sha256sum", this.disk.device])).stdout;
  }

  /** Boots from the network: runs the agent's own steps on this disk. */
  async boot({ server, token }: { server: string; token: string }): Promise<void> {
    const facts = await readDisk(this.disk.name);
    assert.ok(facts);
    await using stack = new AsyncDisposableStack();
    const { signal } = new AbortController();
    const enrolled = await enrolMachine({ server, token, inventory: MACHINE_INVENTORY, signal });
    stack.use(enrolled.client);
    assert.ok(isBackup(enrolled));
    const reporter = new Reporter(), at = await Deno.makeTempDir();
    stack.defer(() => Deno.remove(at));
    await reporter.connect(enrolled.client);
    const write = (text: string) => void (this.shown += text);
    const console = new TerminalConsole([{ path: "/dev/none", read: () => Promise.resolve(null), write }]);
    const disks: DiskFacts[] = [{ ...facts, kind: "disk" }];
    const steps = new StepRunner({ reporter, console, log: new LogTail(), signal });
    await backUpMachine({
      steps,
      enrolled,
      disks,
      firmware: "bios",
      at,
      stack,
      run,
      signal,
      diskTypes: ["loop"],
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disk[Symbol.asyncDispose]();
  }
}
