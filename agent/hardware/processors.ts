/** This machine's processors, out of /proc/cpuinfo. */
import type { Inventory } from "#contract/api.ts";

/**
 * Undefined if the text names no model. Virtual machines without a topology count as one core per processor.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const one = (processor: number, core: number) =>
 *   `processor\t: ${processor}\nmodel name\t: AMD EPYC 9454P\nphysical id\t: 0\ncore id\t\t: ${core}\n\n`;
 * const text = one(0, 0) + one(1, 1) + one(2, 0) + one(3, 1);
 * assert.deepEqual(parseCpuinfo(text), { model: "AMD EPYC 9454P", sockets: 1, cores: 2 });
 * assert.equal(parseCpuinfo("flags\t: fpu\n"), undefined);
 * ```
 */
export function parseCpuinfo(text: string): Inventory["processors"] {
  let model: string | undefined;
  let processors = 0;
  const sockets = new Set<string>(), cores = new Set<string>();
  for (const block of text.split(/\n\s*\n/)) {
    const fields = new Map(
      block.split("\n").map((line) => {
        const at = line.indexOf(":");
        return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
      }),
    );
    if (fields.get("processor") === undefined) continue;
    processors++;
    model ??= fields.get("model name");
    const socket = fields.get("physical id"), core = fields.get("core id");
    if (socket === undefined) continue;
    sockets.add(socket);
    if (core !== undefined) cores.add(`${socket} ${core}`);
  }
  if (model === undefined || model === "") return undefined;
  return {
    model: model.replace(/\s+/g, " ").slice(0, 128),
    sockets: Math.max(1, sockets.size),
    cores: cores.size || processors,
  };
}
