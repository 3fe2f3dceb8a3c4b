/**
 * Machines that are switched on and boot from the network, in a process of its own: DHCP as firmware, the boot program
 * by TFTP, DHCP again as iPXE, then script, kernel and initramfs by the way that the answers name. Prints JSON.
 *
 *     clients.ts --count N --within SECONDS --window BLOCKS --kernel-bytes N --initramfs-bytes N
 */
import { parseArgs } from "node:util";
import type { StormFigures } from "./figures.ts";
import { DhcpClients } from "./dhcp_client.ts";
import { type Fetched, fetchHttp, fetchTftp } from "./fetches.ts";
import { macOf } from "./place.ts";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "1000" },
    within: { type: "string", default: "60" },
    seconds: { type: "string", default: "240" },
    window: { type: "string", default: "4" },
    "kernel-bytes": { type: "string", default: "0" },
    "initramfs-bytes": { type: "string", default: "0" },
  },
});
const count = Number(values.count);
const sizes = [Number(values["kernel-bytes"]), Number(values["initramfs-bytes"])] as const;

const dhcp = new DhcpClients();
const figures = {
  dhcpMs: [] as number[],
  programMs: [] as number[],
  kernelMs: [] as number[],
  repeats: { dhcp: 0, tftp: 0, http: 0 },
  lost: [] as string[],
};
const startedMs = performance.now();
const deadline = setTimeout(finish, Number(values.seconds) * 1000);
const waiting = new Set(Array.from({ length: count }, (_, i) => i));
await Promise.all([...waiting].map(async (index) => {
  await new Promise((resolve) => setTimeout(resolve, Number(values.within) * 1000 * index / count));
  try {
    await boot(index);
  } catch (error) {
    figures.lost.push(`${macOf(index)}: ${error instanceof Error ? error.message : error}`);
  }
  waiting.delete(index);
}));
clearTimeout(deadline);
finish();

async function boot(index: number): Promise<void> {
  const first = await dhcp.ask(index, { ipxe: false });
  figures.dhcpMs.push(first.ms);
  const program = await fetchTftp(first.file, { from: first.address, windowsize: Number(values.window) });
  figures.programMs.push(program.ms);
  figures.repeats.tftp += program.repeats;
  const second = await dhcp.ask(index, { ipxe: true });
  figures.dhcpMs.push(second.ms);
  const get = (file: string): Promise<Fetched> =>
    file.startsWith("http:")
      ? fetchHttp(file, { from: second.address })
      // iPXE asks for no windowsize
      : fetchTftp(file.replace(/^\//, ""), { from: second.address, windowsize: undefined });
  const script = await get(second.file);
  const [kernel, initramfs] = namesIn(new TextDecoder().decode(script.head));
  const begunMs = performance.now();
  const files = [await get(kernel), await get(initramfs)];
  figures.kernelMs.push(performance.now() - begunMs);
  for (const [i, { bytes, repeats }] of files.entries()) {
    if (bytes !== sizes[i]) throw new Error(`file ${i} has ${bytes} bytes instead of ${sizes[i]}`);
    if (kernel.startsWith("http:")) figures.repeats.http += repeats;
    else figures.repeats.tftp += repeats;
  }
}

/** The URLs of kernel and initramfs in an iPXE script. */
function namesIn(script: string): [string, string] {
  const kernel = /^kernel (\S+)/m.exec(script)?.[1], initramfs = /^initrd .*?(\S+) \|\|/m.exec(script)?.[1];
  if (!kernel || !initramfs) throw new Error(`the script boots nothing: ${script.slice(0, 100)}`);
  return [kernel, initramfs];
}

function finish(): void {
  for (const index of waiting) figures.lost.push(`${macOf(index)}: not ready in ${values.seconds} s`);
  figures.repeats.dhcp = dhcp.repeats;
  const seconds = (performance.now() - startedMs) / 1000;
  console.log(JSON.stringify({ ...figures, seconds } satisfies StormFigures));
  Deno.exit(0);
}
