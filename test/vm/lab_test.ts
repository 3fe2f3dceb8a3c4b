/** The lab as tests: from power-on to login prompt on real firmware. Its logs stay in .cache/lab/. */
import assert from "node:assert/strict";
import { labNeeds } from "../../scripts/lab/needs.ts";
import { needs } from "../support/needs.ts";

const runs = [
  {
    firmware: "bios",
    more: ["--restore", "--power-cut", "3"],
    also: "a damaged one is restored, one that loses power three times is finished",
  },
  { firmware: "uefi", more: [], also: "the clone boots from its own disk" },
];
for (const { firmware, more, also } of runs) {
  Deno.test({
    name:
      `an empty ${firmware.toUpperCase()} machine becomes the clone of a running Debian; ${also}; unarmed machines stay unchanged`,
    ...needs(labNeeds),
    async fn() {
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "--allow-all", "scripts/lab.ts", "--firmware", firmware, ...more],
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
