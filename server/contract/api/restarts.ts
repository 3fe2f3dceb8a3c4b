/**
 * Restarts of running nodes straight into the installer, by the agent that runs on them: neither the firmware nor the
 * network's boot services take part.
 */
import { z } from "zod";
import { Mac } from "../identity.ts";
import { Sha256Hex } from "../format/sha256.ts";
import { count, id, MachineName, ProblemSchema, text } from "./fields.ts";

export * from "./finish.ts";

/** What an agent says with its announcement about restarting its machine. */
export const RestartAbility = z.object({
  /** Why it cannot, and what to do about it; absent: it can. */
  obstacle: z.object({ reason: text(600), remedy: text(600) }).optional(),
  /** Of the NICs over which it reaches the server: the installer has to use one of them. */
  macs: z.array(Mac).max(16),
  /** Its kernel is locked down, as under Secure Boot, and starts signed kernels only. */
  signedOnly: z.boolean(),
  /** Memory that it can give away without swapping; kexec_memory.ts says how much it takes. */
  availableBytes: count,
});
export type RestartAbility = z.infer<typeof RestartAbility>;

/** A file to load, at GET /templates/:id/boot/:file. */
const LoadedFile = z.object({ sizeBytes: count, sha256: Sha256Hex });

/** The order to restart, in place of a CaptureOrder. */
export const RestartOrder = z.object({
  /** The deployment. */
  restart: id,
  node: MachineName,
  /** For the console: "restored to web@3". */
  purpose: text(200),
  /** The NIC that the installer uses. */
  mac: Mac,
  /** The server as the installer reaches it. */
  server: z.url({ protocol: /^https$/ }),
  /** The kernel's parameters as the network's boot programs would give them, without the address. Secret. */
  parameters: z.string().max(1500).regex(/^[!-~]+( [!-~]+)*$/),
  kernel: LoadedFile,
  initramfs: LoadedFile,
});
export type RestartOrder = z.infer<typeof RestartOrder>;

/** How a restart went: "done" before the system stops, "failed" if it goes on. */
export const RestartReport = z.object({
  state: z.enum(["done", "failed"]),
  elapsedMs: count,
  message: text(1000).optional(),
  problem: ProblemSchema.optional(),
});
export type RestartReport = z.infer<typeof RestartReport>;
