/**
 * Hooks: the operator's scripts that run at set moments of a capture or an installation. A script without `#!` runs
 * in /bin/sh. All run as root, with these variables in their environment, as far as they are known at that moment:
 *
 *     RACKSEED_WHEN  RACKSEED_IMAGE  RACKSEED_VERSION  RACKSEED_NODE  RACKSEED_HOSTNAME  RACKSEED_ADDRESS
 *     RACKSEED_DISK                                    pre-install, post-install: the first disk's device
 *     RACKSEED_DISKS                                   the same: all disks that are written, separated by spaces
 */
import { z } from "zod";

export const HOOK_MOMENTS = [
  "pre-capture",
  /** Also if the capture failed or was cancelled. */
  "post-capture",
  /** In the initramfs, before the disk is touched: a failure here leaves the disk unchanged. */
  "pre-install",
  /** In the clone's tree (chroot), once it is complete and verified. */
  "post-install",
  /** On the clone, once its own system has started. */
  "first-boot",
] as const;
export const HookMoment = z.enum(HOOK_MOMENTS, { error: `a hook runs at ${HOOK_MOMENTS.join(", ")}` });
export type HookMoment = z.infer<typeof HookMoment>;

export const MAX_HOOK_BYTES = 64 << 10;
/** Most hooks of one scope at one moment. */
export const MAX_HOOKS = 16;
/** How much of the end of a hook's output is kept. */
export const MAX_OUTPUT_LINES = 100, MAX_OUTPUT_BYTES = 16 << 10;
export const DEFAULT_HOOK_SECONDS = 300, MAX_HOOK_SECONDS = 86_400;

export const HookName = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/, {
  error: "a hook's name is 1 to 63 letters, digits, . _ - and starts with a letter or digit",
});

/** A hook belongs to everyone, an image, a group of nodes, or a node. Hooks run in this order, and by name within it. */
export const HOOK_OWNERS = ["all", "image", "group", "node"] as const;
/** "all", "image:NAME", "group:LABEL" or "node:NAME". */
export const HookScope = z.string().regex(/^(all|(image|group|node):[a-zA-Z0-9][a-zA-Z0-9._-]{0,62})$/, {
  error: "a hook belongs to all, image:NAME, group:LABEL or node:NAME",
});
export type HookScope = z.infer<typeof HookScope>;
/** What names a hook, in paths. */
export const HookKey = z.object({ scope: HookScope, when: HookMoment, name: HookName });

export const HookContent = z.object({
  script: z.string().min(1).refine((text) => new TextEncoder().encode(text).length <= MAX_HOOK_BYTES, {
    error: `a hook's script is at most ${MAX_HOOK_BYTES >> 10} KiB`,
  }),
  /** If it fails, the capture or installation continues. */
  optional: z.boolean().default(false),
  timeoutSeconds: z.int().min(1).max(MAX_HOOK_SECONDS).default(DEFAULT_HOOK_SECONDS),
});
export type HookContent = z.infer<typeof HookContent>;

export const Hook = HookContent.extend({ when: HookMoment, name: HookName });
export type Hook = z.infer<typeof Hook>;

/** For the operator. */
export const HookView = Hook.extend({ scope: HookScope });
export type HookView = z.infer<typeof HookView>;

/** Listings leave the script out. */
export const HookSummary = HookView.omit({ script: true }).extend({ scriptBytes: z.int().min(0) });
export type HookSummary = z.infer<typeof HookSummary>;
