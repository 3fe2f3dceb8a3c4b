/**
 * Measures the size of the agent's initramfs segment against its bar, and against the same cpio archive compressed
 * by the zstd program at its default level.
 *
 *     deno task bench initramfs [--kernel PACKAGE [--drivers LIST]] [--json]
 *
 *     --kernel   also an image's segment: with this package of Debian's, linux-image-amd64 for instance, and with no
 *                driver of it, which shows what all drivers take
 *     --drivers  also with these drivers alone, as a known machine needs them: ixgbe,megaraid_sas,sd_mod
 *     --json     print the figures as JSON
 */
import { parseArgs } from "node:util";
import { kernelPackageOf, makeImageSegment } from "../../test/support/boot_image.ts";
import { buildAgentSegment } from "../../boot/initramfs/agent_segment.ts";
import { directorySource } from "../../boot/initramfs/directory_source.ts";
import { DEFAULT_LEVEL } from "../../boot/initramfs/segment.ts";
import { ensureProduct } from "../build.ts";

const BAR_MB = 36;

const { values } = parseArgs({
  options: {
    kernel: { type: "string" },
    drivers: { type: "string", default: "" },
    json: { type: "boolean", default: false },
  },
});
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
  const parts = [{ name: "agent", modules: 0, ...await unpacked(output), mb: oursMb }];
  for (const { name, drivers } of values.kernel === undefined ? [] : driverSets()) {
    const folder = `${scratch}/${name.replaceAll(" ", "-")}`;
    await Deno.mkdir(folder);
    const kernelPackage = kernelPackageOf(values.kernel ?? "");
    const made = await makeImageSegment(folder, { kernelPackage, drivers, level: DEFAULT_LEVEL });
    const { path, sizeBytes } = made.image;
    parts.push({ name, modules: made.moduleCount, ...await unpacked(path), mb: sizeBytes / 1e6 });
  }
  if (values.json) console.log(JSON.stringify({ oursMb, peerMb, seconds, barMb: BAR_MB, parts }));
  else {
    console.log(`agent segment ${oursMb.toFixed(1)} MB in ${seconds.toFixed(1)} s (bar ≤ ${BAR_MB} MB)`);
    console.log(`÷ the same cpio by zstd -3 (${peerMb.toFixed(1)} MB): ${(oursMb / peerMb).toFixed(2)}`);
    console.log("\nsegment             modules       MB  unpacked MB  unpacking, one core");
    for (const { name, modules, mb, unpackedMb, unpackS } of parts) {
      console.log(
        `${name.padEnd(18)} ${`${modules}`.padStart(8)} ${mb.toFixed(1).padStart(8)} ` +
          `${unpackedMb.toFixed(1).padStart(12)} ${`${unpackS.toFixed(2)} s`.padStart(20)}`,
      );
    }
  }
  if (oursMb > BAR_MB) Deno.exitCode = 1;
} finally {
  await Deno.remove(scratch, { recursive: true });
}

function driverSets(): { readonly name: string; readonly drivers?: readonly string[] }[] {
  const known = values.drivers.split(",").filter((name) => name !== "");
  return [
    { name: "image" },
    ...known.length > 0 ? [{ name: "these drivers", drivers: known }] : [],
    { name: "no driver", drivers: [] },
  ];
}

/** The zstd program's processor time is that of the kernel's decoder within a few tenths: the same code, no SIMD. */
async function unpacked(path: string): Promise<{ readonly unpackedMb: number; readonly unpackS: number }> {
  const script = `times=$(TIMEFORMAT=%U; { time zstd -dc "$0" > /dev/null 2> /dev/null; } 2>&1)
zstd -dc "$0" 2> /dev/null | wc -c; echo "$times"`;
  const { stdout } = await new Deno.Command("bash", { args: ["-c", script, path] }).output();
  const [bytes = NaN, unpackS = NaN] = new TextDecoder().decode(stdout).trim().split("\n").map(Number);
  return { unpackedMb: bytes / 1e6, unpackS };
}
