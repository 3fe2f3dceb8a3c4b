/** The lab as tests: from power-on to login prompt on real firmware. Its logs stay in .cache/lab/. */
import assert from "node:assert/strict";
import { labNeeds } from "../../scripts/lab/needs.ts";
import { needs } from "../support/needs.ts";

const runs = [
  {
    name:
      "an empty BIOS machine becomes the clone of a running Debian; a damaged one is restored, one that loses " +
      "power twice is finished; unarmed machines stay unchanged",
    args: ["--firmware", "bios", "--restore", "--power-cut", "2"],
  },
  {
    name:
      "an empty UEFI machine becomes the clone of a running Debian, and boots from its own disk; unarmed machines " +
      "stay unchanged",
    args: ["--firmware", "uefi"],
  },
  {
    name:
      "RAID 1 with LVM on two disks is cloned, starts from either disk, is restored, and finished after a power cut",
    args: ["--layout", "raid"],
  },
  {
    name:
      "the shape of RHEL (XFS on LVM, dracut, NetworkManager, SELinux labels) is cloned, restored, and finished " +
      "after a power cut",
    args: ["--layout", "rhel"],
  },
];
for (const { name, args } of runs) {
  Deno.test({
    name,
    ...needs(labNeeds),
    async fn() {
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "--allow-all", "scripts/lab.ts", ...args],
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      let said = "";
      const listen = async (output: ReadableStream<Uint8Array>) => {
        const decoder = new TextDecoder();
        for await (const chunk of output) {
          await Deno.stdout.write(chunk);
          said += decoder.decode(chunk, { stream: true });
        }
      };
      const [{ code }] = await Promise.all([child.status, listen(child.stdout), listen(child.stderr)]);
      const why = said.split("\n").filter((line) => /^ *FAILED|^the lab failed/.test(line));
      assert.equal(code, 0, why.join("\n") || said.slice(-1_000));
    },
  });
}
