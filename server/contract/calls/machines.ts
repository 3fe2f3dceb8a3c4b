/** Calls about machines that appeared, and the hardware of nodes. */
import { z } from "zod";
import { HardwareRecord } from "../api/hardware_history.ts";
import { AdoptRequest, MachineView } from "../api/machines.ts";
import { DeployAnswer, DiscoverRequest, NodeView } from "../api/nodes.ts";
import type { Calls } from "./call.ts";

export const machineCalls = {
  "GET /machines": {
    summary: "List machines that appeared and are no nodes, oldest first.",
    answer: z.array(MachineView),
  },
  "POST /machines/adopt": {
    summary: "Make nodes of machines that appeared, all or none.",
    body: AdoptRequest,
    answer: z.array(NodeView),
    errors: [404, 409],
  },
  "GET /nodes/:node/hardware": {
    summary: "List what a node's hardware was, newest first.",
    answer: z.array(HardwareRecord),
  },
  "POST /nodes/:node/accept-hardware": {
    summary: "Accept what changed in a node's hardware, which is then no longer flagged.",
    answer: NodeView,
  },
  "POST /nodes/:node/forget-tpm": {
    summary: "Forget a node's TPM: the next one that it shows is taken for its own.",
    answer: NodeView,
  },
  "POST /discoveries": {
    summary: "Read the hardware of nodes at their next network boot.",
    about: "Their disks are not written. Only an admin gets the nodes' boot tokens.",
    isOrder: true,
    body: DiscoverRequest,
    answer: DeployAnswer,
    errors: [404, 409],
  },
} as const satisfies Calls;
