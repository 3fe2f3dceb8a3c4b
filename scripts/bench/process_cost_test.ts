import assert from "node:assert/strict";
import { cpuSecondsOf, memoryBytesOf } from "./process_cost.ts";

const linux = Deno.build.os === "linux";

Deno.test({
  name: "the cost of a program includes that of its ended children",
  ignore: !linux,
  async fn() {
    const busy = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
    const child = new Deno.Command("sh", {
      args: ["-c", `sh -c '${busy}'; echo; read _`],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    await using stack = new AsyncDisposableStack();
    stack.defer(async () => {
      await child.stdin.close();
      await child.status;
    });
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    assert(cpuSecondsOf(child.pid) > 0.02);
    assert(memoryBytesOf(child.pid) > 0);
  },
});

Deno.test({
  name: "the cost of a program that has ended is zero, without an error",
  ignore: !linux,
  async fn() {
    const child = new Deno.Command("true").spawn();
    await child.status;
    assert.equal(cpuSecondsOf(child.pid), 0);
    assert.equal(memoryBytesOf(child.pid), 0);
  },
});
