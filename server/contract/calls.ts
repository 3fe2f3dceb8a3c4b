/**
 * Every call of the API, and nothing else: what it takes and answers. web/route_rules.ts says who may make it.
 *
 * A new route needs an entry in the table of its subject; the server does not start without it.
 */
import type { Call, Calls } from "./calls/call.ts";
import { captureCalls } from "./calls/captures.ts";
import { checkCalls } from "./calls/checks.ts";
import { deploymentCalls } from "./calls/deployments.ts";
import { hookCalls } from "./calls/hooks.ts";
import { imageCalls } from "./calls/images.ts";
import { machineCalls } from "./calls/machines.ts";
import { mediaCalls } from "./calls/media.ts";
import { nodeAgentCalls } from "./calls/node_agent.ts";
import { nodeCalls } from "./calls/nodes.ts";
import { peopleCalls } from "./calls/people.ts";
import { powerCalls } from "./calls/power.ts";
import { rehearsalCalls } from "./calls/rehearsals.ts";
import { relayCalls } from "./calls/relays.ts";
import { scheduleCalls } from "./calls/schedules.ts";
import { siteCalls } from "./calls/site.ts";
import { transferCalls } from "./calls/transfers.ts";
import { standbyCalls } from "./calls/standbys.ts";

/** By subject, in the order in which the document shows them. */
export const SUBJECTS: Readonly<Record<string, Calls>> = {
  "Nodes and orders": nodeCalls,
  "Deployments": deploymentCalls,
  "Templates and captures": captureCalls,
  "Images": imageCalls,
  "OCI registries": transferCalls,
  "Rehearsals": rehearsalCalls,
  "Hooks": hookCalls,
  "Power": powerCalls,
  "Machines and hardware": machineCalls,
  "Bootable media": mediaCalls,
  "Checks": checkCalls,
  "Schedules": scheduleCalls,
  "Sites and relays": relayCalls,
  "Users, tokens, audit": peopleCalls,
  "The server": siteCalls,
  "Standbys": standbyCalls,
  "A node's agent": nodeAgentCalls,
};

export const CALLS = {
  ...nodeCalls,
  ...deploymentCalls,
  ...captureCalls,
  ...imageCalls,
  ...transferCalls,
  ...rehearsalCalls,
  ...hookCalls,
  ...powerCalls,
  ...machineCalls,
  ...mediaCalls,
  ...checkCalls,
  ...scheduleCalls,
  ...relayCalls,
  ...peopleCalls,
  ...siteCalls,
  ...standbyCalls,
  ...nodeAgentCalls,
};
export type CallName = keyof typeof CALLS;

export function callNamed(name: string): Call | undefined {
  return (CALLS as Readonly<Record<string, Call>>)[name];
}
