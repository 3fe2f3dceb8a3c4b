/** `rackseed image export-disk`. */
import { ImageRef } from "#contract/api.ts";
import type { ExportDisk } from "#contract/disk_export.ts";
import { Hostname } from "#contract/identity.ts";
import { formatBytes } from "../words/figures.ts";
import { checked } from "../words/usage.ts";
import { connect, type ConnectionOptions } from "./connection.ts";
import { printJson, ProgressLine, remark } from "./terminal.ts";

export async function exportImageDisk(
  ref: string,
  { output, format, size, hostname, memory, emulate = false, json, exportDisk, signal, ...options }:
    & ConnectionOptions
    & {
      output: string;
      format: "raw" | "qcow2";
      size?: number | undefined;
      hostname?: string | undefined;
      memory: number;
      emulate?: boolean | undefined;
      json?: boolean | undefined;
      exportDisk: ExportDisk;
      signal: AbortSignal;
    },
): Promise<void> {
  const image = checked(ImageRef, { name: "IMAGE", value: ref });
  if (hostname !== undefined) checked(Hostname, { name: "--hostname", value: hostname });
  using client = await connect(options, signal);
  using line = new ProgressLine();
  const files = await exportDisk({
    client,
    image,
    output,
    format,
    sizeBytes: size,
    hostname,
    memoryMiB: Math.round(memory / 2 ** 20),
    emulate,
    signal,
    onProgress: (text) => line.show(text),
  });
  line.clear();
  if (json) return printJson({ image, files });
  for (const file of files) remark(`wrote ${file}, ${formatBytes((await Deno.stat(file)).size)}`);
}
