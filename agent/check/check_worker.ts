/** The thread that compares a running system with its image; its messages are in check_messages.ts. */
/// <reference lib="webworker" />
import { takeLowestPriority } from "../sys/low_priority.ts";
import type { CheckMessage, CheckSetup } from "./check_messages.ts";
import { checkNode, problemOf } from "./check_node.ts";

const scope = self as unknown as DedicatedWorkerGlobalScope;
const send = (message: CheckMessage) => scope.postMessage(message);

scope.onmessage = async ({ data }: MessageEvent<CheckSetup>) => {
  if (data.share < 1) takeLowestPriority();
  try {
    const result = await checkNode(data, { onProgress: (progress) => send({ type: "progress", progress }) });
    send({ type: "result", result });
  } catch (error) {
    send({ type: "failed", problem: problemOf(error, data.root) });
  }
};
