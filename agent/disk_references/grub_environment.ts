/** GRUB's environment block: 1024 bytes, "name=value" lines, padded with "#" (GRUB manual, "Environment block"). */

const BLOCK_BYTES = 1024;
const SIGNATURE = "# GRUB Environment Block\n";

/** Returns the block (one character per byte) with its lines changed; undefined if it is invalid or they do not fit. Pure. */
export function changeEnvironment(block: string, change: (lines: string) => string): string | undefined {
  if (!block.startsWith(SIGNATURE) || block.length !== BLOCK_BYTES) return undefined;
  const padding = /#*$/.exec(block)?.[0] ?? "";
  const body = block.slice(SIGNATURE.length, block.length - padding.length);
  const changed = change(body);
  if (changed === body) return block;
  const used = SIGNATURE + changed;
  const left = BLOCK_BYTES - used.length;
  return left < 0 ? undefined : used + "#".repeat(left);
}
