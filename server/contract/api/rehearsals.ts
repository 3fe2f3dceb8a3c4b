/** Rehearsals: a version is installed into a virtual machine at the server, booted without a way out, and probed. */
import { z } from "zod";
import { count, id, ProblemSchema, text, time } from "./fields.ts";
import { ImageName } from "../format/manifest.ts";
import { REHEARSAL_LIMITS } from "../rehearsal_limits.ts";
import { PageQuery } from "./pages.ts";

const Port = z.int().min(1).max(65_535);

/** What proves that the machine works. */
export const Probe = z.discriminatedUnion("type", [
  /** A login prompt appears on the serial console. */
  z.object({ type: z.literal("login") }),
  /** This text appears on the serial console. */
  z.object({ type: z.literal("console"), text: text(200).min(1) }),
  /** The machine accepts connections on this TCP port. */
  z.object({ type: z.literal("tcp"), port: Port }),
  /** It answers HTTP on this port. `status`: what it must answer; absent: any from 200 to 399. */
  z.object({
    type: z.literal("http"),
    port: Port,
    path: z.string().regex(/^\/[\x21-\x7e]{0,500}$/, { error: "a path begins with / and has no blanks" })
      .optional(),
    status: z.int().min(100).max(599).optional(),
  }),
]);
export type Probe = z.infer<typeof Probe>;

const within = ({ min, max }: { min: number; max: number }) => z.int().min(min).max(max);

/** A body of `{}` asks for what is usual. */
export const RehearsalRequest = z.object({
  /** All must pass; absent: a login prompt. */
  probes: z.array(Probe).min(1).max(20).optional(),
  memoryMiB: within(REHEARSAL_LIMITS.memoryMiB).optional(),
  /** Longest time for the installation. */
  installSeconds: within(REHEARSAL_LIMITS.installSeconds).optional(),
  /** Longest time from power-on until every probe has passed. */
  bootSeconds: within(REHEARSAL_LIMITS.bootSeconds).optional(),
  /** Emulate the processor even if the server has KVM. */
  emulate: z.boolean().optional(),
});
export type RehearsalRequest = z.infer<typeof RehearsalRequest>;

/** "cancelled": by a person, or by the end of the server; it says nothing about the version. */
export const RehearsalState = z.enum(["queued", "installing", "booting", "proved", "failed", "cancelled"]);
export type RehearsalState = z.infer<typeof RehearsalState>;

export const ProbeResult = z.object({
  probe: Probe,
  passed: z.boolean(),
  /** What was seen, or what is missing. */
  seen: text(500).optional(),
  /** From power-on. */
  seconds: z.number().min(0).optional(),
});
export type ProbeResult = z.infer<typeof ProbeResult>;

export const RehearsalView = z.object({
  id,
  image: ImageName,
  version: z.int(),
  state: RehearsalState,
  firmware: z.enum(["bios", "uefi"]),
  /** Who ordered it. */
  by: text(200),
  ordered: time,
  /** When the installation began. */
  started: time.optional(),
  /** When the installed machine was switched on. */
  booted: time.optional(),
  ended: time.optional(),
  memoryMiB: count,
  /** While it waits: how many are before it. */
  ahead: count.optional(),
  /** What it does now, in one line. */
  message: text(500).optional(),
  probes: z.array(ProbeResult),
  /** Why it failed, or why it was cancelled. */
  problem: ProblemSchema.optional(),
  hasScreenshot: z.boolean(),
});
export type RehearsalView = z.infer<typeof RehearsalView>;

/** The latest rehearsal of a version that reached a verdict. */
export const Verdict = RehearsalView.pick({ id: true, firmware: true, by: true }).extend({
  state: z.enum(["proved", "failed"]),
  ended: time,
  /** How long it took. */
  seconds: count,
});
export type Verdict = z.infer<typeof Verdict>;

export const RehearsalQuery = PageQuery.extend({
  image: ImageName.optional(),
  state: RehearsalState.optional(),
});
