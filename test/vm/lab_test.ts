/** The lab as a test: from power-on to login prompt on real firmware. Its logs stay in .cache/lab/. */
import assert from "node:assert/strict";
import { labNeeds } from "../../scripts/lab/needs.ts";
import { needs } from "../support/needs.ts";

/** The richest layouts: BIOS, two disks, MD, LVM, XFS, ext4; UEFI, LVM, XFS, host-only initramfs, SELinux labels. */
const LABS = [["--layout", "raid"], ["--layout", "rhel", "--brief"]];

Deno.test({
  name:
    "machines with RAID 1 and LVM, and machines of RHEL's shape, are captured while they run; empty machines become " +
    "their clones; those with RAID are damaged and restored, start from either disk, and are finished after a power " +
    "cut; unarmed machines stay unchanged",
  ...needs(labNeeds),
  async fn() {
    // Both at once: much of the time, each waits for one of its machines.
    const results = await Promise.all(LABS.map(runLab));
    assert.deepEqual(results.flat(), []);
  },
});

/** Runs the lab and passes its lines on. Returns what failed. */
async function runLab(options: readonly string[]): Promise<string[]> {
  const [, layout] = options;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "scripts/lab.ts", ...options],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const said: string[] = [];
  const listen = async (output: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of output) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) console.log(`${layout}: ${line}`);
      said.push(...lines);
    }
    if (rest !== "") said.push(rest);
  };
  const [{ code }] = await Promise.all([child.status, listen(child.stdout), listen(child.stderr)]);
  if (code === 0) return [];
  const why = said.filter((line) => /^ *FAILED|^the lab failed/.test(line));
  return (why.length > 0 ? why : said.slice(-20)).map((line) => `${layout}: ${line}`);
}
