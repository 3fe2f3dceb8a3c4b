/**
 * A room is switched on: many machines boot from the network at once, on a link of limited rate. Each asks for an address
 * as firmware, loads the boot program by TFTP, asks again as iPXE, and loads its script, kernel and initramfs. The
 * packets are real; the machines are a process that knows only these protocols. Then dnsmasq does the same in the same
 * way, with everything by TFTP.
 *
 *     deno task bench boot-storm [--count 1000] [--within 60] [--rate 100] [--kernel 512] [--product PATH] [--json]
 *
 *     --count    machines                                        (1000)
 *     --within   seconds in which they are switched on           (60)
 *     --rate     Mbit/s of the server's link                     (100)
 *     --kernel   KiB of kernel and initramfs together            (512)
 *     --window   blocks of the firmware's TFTP window; OVMF has 4 (4)
 *     --servers  which servers: ours,dnsmasq                     (both)
 *     --product  measure another build of the product
 *     --json     print the figures as JSON
 *
 * Files and link are smaller than real ones by the same measure, because server and machines share the processors. Bars:
 * the 99th percentile of DHCP at most 1 s, that of kernel and initramfs at most 1.3 times their bytes times the machines
 * over the link; every machine gets everything. Needs root. Set STORM_LOG to see the servers' logs.
 */
import { parseArgs } from "node:util";
import { ensureProduct } from "../build.ts";
import { numberOption } from "./number_option.ts";
import { percentile } from "./percentile.ts";
import type { StormFigures } from "./storm/figures.ts";
import { StormLab, type StormShape } from "./storm/lab.ts";
import { startDnsmasq, startProduct } from "./storm/servers.ts";

const BARS = { dhcpMs: 1000, kernelShare: 1.3 };
const KERNEL_PART = 0.25;

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "1000" },
    within: { type: "string", default: "60" },
    rate: { type: "string", default: "100" },
    kernel: { type: "string", default: "512" },
    window: { type: "string", default: "4" },
    servers: { type: "string", default: "ours,dnsmasq" },
    product: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const bytes = numberOption("kernel", values.kernel) * 1024;
const kernelBytes = Math.round(bytes * KERNEL_PART);
const shape: StormShape = {
  count: numberOption("count", values.count),
  withinSeconds: numberOption("within", values.within),
  rateMbit: numberOption("rate", values.rate),
  windowsize: numberOption("window", values.window),
  kernelBytes,
  initramfsBytes: bytes - kernelBytes,
};
/** All kernels and initramfs, alone on the link. */
const idealMs = bytes * shape.count * 8 / (shape.rateMbit * 1e6) * 1000;

type Figures = StormFigures & { readonly cpuSeconds: number };
const rows: { readonly name: string; readonly figures: Figures }[] = [];
for (const name of values.servers.split(",")) {
  await using lab = await StormLab.create(shape);
  const { pid } = name === "ours"
    ? await startProduct(lab, { product: values.product ?? await ensureProduct(), shape })
    : await startDnsmasq(lab, { shape });
  rows.push({ name, figures: await lab.storm(shape, { pid }) });
}
report();

function isKept({ dhcpMs, kernelMs, lost }: StormFigures): boolean {
  return percentile(dhcpMs, 0.99) <= BARS.dhcpMs &&
    percentile(kernelMs, 0.99) <= BARS.kernelShare * idealMs &&
    lost.length === 0 && kernelMs.length === shape.count;
}

function report(): void {
  const ours = rows.find(({ name }) => name === "ours");
  const kept = ours === undefined || isKept(ours.figures);
  if (values.json) console.log(JSON.stringify({ shape, idealMs, rows, bars: BARS, kept }));
  else {
    console.log(
      `${shape.count} machines within ${shape.withinSeconds} s, ${values.kernel} KiB each over ${shape.rateMbit} Mbit/s: ` +
        `${(idealMs / 1000).toFixed(1)} s of the link; load average ${Deno.loadavg()[0]?.toFixed(1)}`,
    );
    console.log(
      "server    DHCP p50   p99  program p99  kernel p50   p99   ÷ link  sent again D/T/H  lost  CPU s  all s",
    );
    for (const { name, figures } of rows) console.log(line(name, figures));
    for (const { name, figures: { lost } } of rows) {
      if (lost.length > 0) console.log(`${name}, lost: ${lost.slice(0, 3).join("; ")}`);
    }
    console.log(
      `bars: DHCP ${BARS.dhcpMs} ms, kernel ${BARS.kernelShare} × the link, nothing lost: ${
        kept ? "kept" : "MISSED"
      }`,
    );
  }
  if (!kept) Deno.exitCode = 1;
}

function line(
  name: string,
  { dhcpMs, programMs, kernelMs, repeats, lost, cpuSeconds, seconds }: Figures,
): string {
  const ms = (value: number) => value.toFixed(0), s = (value: number) => (value / 1000).toFixed(1);
  const p99 = percentile(kernelMs, 0.99);
  return [
    name.padEnd(8),
    `${ms(percentile(dhcpMs, 0.5))} ms`.padStart(9),
    `${ms(percentile(dhcpMs, 0.99))} ms`.padStart(8),
    `${s(percentile(programMs, 0.99))} s`.padStart(8),
    `${s(percentile(kernelMs, 0.5))} s`.padStart(10),
    `${s(p99)} s`.padStart(8),
    (p99 / idealMs).toFixed(2).padStart(6),
    `${repeats.dhcp}/${repeats.tftp}/${repeats.http}`.padStart(14),
    String(lost.length).padStart(7),
    cpuSeconds.toFixed(1).padStart(6),
    seconds.toFixed(1).padStart(6),
  ].join(" ");
}
