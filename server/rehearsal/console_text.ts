/** What the serial console of a machine tells: a login prompt, or why it will not get there. */

/** Longest part that is read: the end of what the machine has written. */
const MAX_BYTES = 1 << 20;

// deno-lint-ignore no-control-regex
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_=>])/g;

/** Plain lines: without escape sequences and carriage returns. */
export function plainText(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes.subarray(-MAX_BYTES));
  return text.replace(ESCAPES, "").replaceAll("\r", "");
}

/** The prompt of getty(8). */
export function loginPrompt(text: string): string | undefined {
  return /^(?!Last )[\w.-]+ login:/m.exec(text)?.[0];
}

const DEAD_ENDS: readonly (readonly [sign: RegExp, reason: string])[] = [
  [/Kernel panic - not syncing: .*/, "its kernel panicked"],
  [/^\(initramfs\)/m, "its initramfs stopped at a shell"],
  [/^(?:dracut|switch_root):\/.*#/m, "its initramfs stopped at a shell"],
  [
    /You are in emergency mode.*|Press Enter for emergency shell.*|Give root password for maintenance/,
    "it stopped in emergency mode",
  ],
  [/^grub rescue>|^grub>/m, "its boot loader stopped at a prompt"],
  [
    /No bootable device.*|Boot failed: not a bootable disk|BdsDxe: No bootable option.*/,
    "its firmware found nothing to boot",
  ],
];

/** Why the machine will not come up by itself; undefined if nothing says so. */
export function deadEnd(text: string): string | undefined {
  for (const [sign, reason] of DEAD_ENDS) {
    const found = sign.exec(text);
    if (found) return `${reason}: ${found[0].trim().slice(0, 200)}`;
  }
  return undefined;
}

/** Boot tokens stand on the installer's command line, which kernels print. */
export function withoutTokens(text: string): string {
  return text.replace(/rackseed\.token=\S+/g, "rackseed.token=…");
}
