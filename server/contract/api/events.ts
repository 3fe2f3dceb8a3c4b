/** Live events: each carries the new state of what changed. */
import { z } from "zod";
import { SwarmSettings } from "./distribution.ts";
import { id, MachineName } from "./fields.ts";
import { CaptureView, TemplateView } from "./captures.ts";
import { MachineView } from "./machines.ts";
import { NodeView } from "./nodes.ts";
import { Notice } from "./notices.ts";
import { RehearsalView } from "./rehearsals.ts";

export const ServerEvent = z.discriminatedUnion("type", [
  z.object({ type: z.literal("node"), node: NodeView }),
  z.object({ type: z.literal("node-removed"), name: MachineName }),
  z.object({ type: z.literal("machine"), machine: MachineView }),
  /** It was forgotten, or is a node now. */
  z.object({ type: z.literal("machine-removed"), id }),
  z.object({ type: z.literal("template"), template: TemplateView }),
  z.object({ type: z.literal("capture"), capture: CaptureView }),
  /** A version was published or removed, or its tags or note changed. */
  z.object({ type: z.literal("images") }),
  z.object({ type: z.literal("rehearsal"), rehearsal: RehearsalView }),
  /** A hook was set or removed. */
  z.object({ type: z.literal("hooks") }),
  /** A schedule was added, changed or removed, or a run of it got further. */
  z.object({ type: z.literal("schedules") }),
  z.object({ type: z.literal("notices"), notices: z.array(Notice) }),
  z.object({ type: z.literal("swarm"), settings: SwarmSettings }),
]);
export type ServerEvent = z.infer<typeof ServerEvent>;
