/**
 * Hooks: scripts of the operator's that run at set moments of a capture or an installation. Part of the API
 * (api.ts). A script without `#!` runs by /bin/sh; all run as root, with these in their environment, as far as
 * they are known at that moment:
 *
 *     RACKSEED_WHEN  RACKSEED_IMAGE  RACKSEED_VERSION  RACKSEED_NODE  RACKSEED_HOSTNAME  RACKSEED_ADDRESS
 *     RACKSEED_DISK                                    pre-install, post-install: the disk's device
 */
import { z } from "zod";

export const HOOK_MOMENTS = [
  "pre-capture",
  /** Also where the capture failed or was called off. */
  "post-capture",
  /** In the initramfs, before the disk is touched: what fails here leaves it as it was. */
  "pre-install",
  /** In the clone's tree (chroot), when it is complete and verified. */
  "post-install",
  /** On the clone, when its own system has started. */
  "first-boot",
] as const;
export const HookMoment = z.enum(HOOK_MOMENTS, { error: `a hook runs at ${HOOK_MOMENTS.join(", ")}` });
export type HookMoment = z.infer<typeof HookMoment>;

export const MAX_HOOK_BYTES = 64 << 10;
/** Hooks of one scope at one moment. */
export const MAX_HOOKS = 16;
/** What is kept of the output of one hook: its end. */
export const MAX_OUTPUT_LINES = 100, MAX_OUTPUT_BYTES = 16 << 10;
export const DEFAULT_HOOK_SECONDS = 300, MAX_HOOK_SECONDS = 86_400;

export const HookName = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/, {
  error: "a hook's name is 1 to 63 letters, digits, . _ - and starts with a letter or digit",
});

/** Whose hook it is: of all, an image, a group of nodes, a node. They run in this order, within each by name. */
export const HOOK_OWNERS = ["all", "image", "group", "node"] as const;
/** "all", "image:NAME", "group:LABEL" or "node:NAME". */
export const HookScope = z.string().regex(/^(all|(image|group|node):[a-zA-Z0-9][a-zA-Z0-9._-]{0,62})$/, {
  error: "a hook belongs to all, image:NAME, group:LABEL or node:NAME",
});
export type HookScope = z.infer<typeof HookScope>;

export const HookContent = z.object({
  script: z.string().min(1).refine((text) => new TextEncoder().encode(text).length <= MAX_HOOK_BYTES, {
    error: `a hook's script has at most ${MAX_HOOK_BYTES >> 10} KiB`,
  }),
  /** Where it fails, what it belongs to goes on. */
  optional: z.boolean().default(false),
  timeoutSeconds: z.int().min(1).max(MAX_HOOK_SECONDS).default(DEFAULT_HOOK_SECONDS),
});
export type HookContent = z.infer<typeof HookContent>;

export const Hook = HookContent.extend({ when: HookMoment, name: HookName });
export type Hook = z.infer<typeof Hook>;

/** As the operator sees it. */
export const HookView = Hook.extend({ scope: HookScope });
export type HookView = z.infer<typeof HookView>;

/** Listings leave the script out. */
export const HookSummary = HookView.omit({ script: true }).extend({ scriptBytes: z.int().min(0) });
export type HookSummary = z.infer<typeof HookSummary>;
