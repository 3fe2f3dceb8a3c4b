/**
 * Measures the size of the agent's initramfs segment against its bar, and against the same cpio archive compressed
 * by the zstd program at its default level.
 *
 *     deno task bench initramfs [--json]
 *
 *     --json  print the figures as JSON
 */
import { buildAgentSegment } from "../../boot/initramfs/agent_segment.ts";
import { directorySource } from "../../boot/initramfs/directory_source.ts";
import { ensureProduct } from "../build.ts";

const BAR_MB = 36;

const product = await ensureProduct();
const scratch = await Deno.makeTempDir({ prefix: "rackseed-bench-" });
try {
  const output = `${scratch}/agent.zst`;
  const started = performance.now();
  const source = await directorySource("/");
  await buildAgentSegment({
    product,
    source,
    output,
    compression: "zstd",
    signal: AbortSignal.timeout(600_000),
  });
  const seconds = (performance.now() - started) / 1000;
  const oursMb = (await Deno.stat(output)).size / 1e6;
  const peer = "zstd -dc agent.zst | zstd -c | wc -c";
  const { stdout } = await new Deno.Command("sh", { args: ["-c", peer], cwd: scratch }).output();
  const peerMb = Number(new TextDecoder().decode(stdout)) / 1e6;
  if (Deno.args.includes("--json")) console.log(JSON.stringify({ oursMb, peerMb, seconds, barMb: BAR_MB }));
  else {
    console.log(`agent segment ${oursMb.toFixed(1)} MB in ${seconds.toFixed(1)} s (bar ≤ ${BAR_MB} MB)`);
    console.log(`÷ the same cpio by zstd -3 (${peerMb.toFixed(1)} MB): ${(oursMb / peerMb).toFixed(2)}`);
  }
  if (oursMb > BAR_MB) Deno.exitCode = 1;
} finally {
  await Deno.remove(scratch, { recursive: true });
}
