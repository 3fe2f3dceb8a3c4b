/** `rackseed image export-disk`. */
import { ImageRef } from "#contract/api.ts";
import type { ExportDisk } from "#contract/disk_export.ts";
import { Hostname, Mac } from "#contract/identity.ts";
import { formatBytes } from "../words/figures.ts";
import { checked } from "../words/usage.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { printJson, ProgressLine, remark } from "./terminal.ts";

export async function exportImageDisk(
  ref: string,
  { output, format, size, hostname, mac, memory, emulate = false, json, exportDisk, signal, ...options }:
    & ConnectionOptions
    & {
      output: string;
      format: "raw" | "qcow2";
      size?: number | undefined;
      hostname?: string | undefined;
      mac?: string | undefined;
      memory: number;
      emulate?: boolean | undefined;
      json?: boolean | undefined;
      exportDisk: ExportDisk;
      signal: AbortSignal;
    },
): Promise<void> {
  const image = checked(ImageRef, { name: "IMAGE", value: ref });
  if (hostname !== undefined) checked(Hostname, { name: "--hostname", value: hostname });
  const nic = mac === undefined ? undefined : checked(Mac, { name: "--mac", value: mac });
  using client = await connect(options, signal);
  using line = new ProgressLine();
  const exported = await exportDisk({
    client,
    image,
    output,
    format,
    sizeBytes: size,
    hostname,
    mac: nic,
    memoryMiB: Math.round(memory / 2 ** 20),
    emulate,
    signal,
    onProgress: (text) => line.show(text),
  });
  line.clear();
  if (json) return printJson({ image, ...exported });
  for (const file of exported.files) remark(`wrote ${file}, ${formatBytes((await Deno.stat(file)).size)}`);
  remark(`its network is set up for a NIC with the MAC address ${exported.mac}, by DHCP`);
}
