/** Runs boot loader programs of the image in the clone's tree. */
import type { SecureBootOrder } from "#contract/api/secure_boot.ts";
import { RackseedError } from "#contract/errors.ts";
import type { BootFacts } from "#contract/format/boot.ts";
import type { Plan } from "#plan/actions.ts";
import type { SecureStart } from "#plan/secure_boot_obstacle.ts";
import type { TemplateDisks } from "../../disk_references/template_disks.ts";
import type { CommandOptions, Run } from "../../sys/command.ts";
import type { CloneTree } from "../../tree/tree_files.ts";

export interface BootLoaderOptions {
  readonly plan: Plan;
  readonly clone: CloneTree;
  /** How the template boots. */
  readonly facts: BootFacts;
  /** What the names in the image's files mean on this machine. */
  readonly disks: TemplateDisks;
  /** ID from os-release; the name of the firmware's boot entry. */
  readonly distribution: string;
  /** The firmware started the system before, and not the agent: its current entry is not the network. */
  readonly byKexec?: boolean | undefined;
  /** The site's key, for a machine in set-up mode. */
  readonly secureBoot?: SecureBootOrder | undefined;
  /** What this machine's firmware trusts, and who signs what it does not. */
  readonly secureStart?: SigningStart | undefined;
  readonly run: Run;
  readonly signal?: AbortSignal | undefined;
}

/** Whether the clone would start under Secure Boot, and who signs what would not. */
export interface SigningStart extends SecureStart {
  /** A PKCS #7 SignedData for each digest, by the key of `signs`. */
  readonly sign: (digests: readonly string[]) => Promise<readonly Uint8Array[]>;
}

export const TITLE = "cannot install the boot loader";

export function inClone(
  argv: readonly [string, ...string[]],
  { clone, run, signal, accept }:
    & Pick<BootLoaderOptions, "clone" | "run" | "signal">
    & Pick<CommandOptions, "accept">,
) {
  return run(argv, {
    root: clone.root,
    signal,
    timeoutMs: 5 * 60_000,
    title: TITLE,
    remedy: `check that \`${argv.join(" ")}\` works on the template.`,
    ...(accept && { accept }),
  });
}

export function missingProgram(name: string, remedy: string): RackseedError {
  return new RackseedError(TITLE, { reason: `the image has no ${name}.`, remedy });
}
