/** One of the parallel workers of installTree; its messages are in extract_messages.ts. */
/// <reference lib="webworker" />
import type { Job, WorkerSetup } from "./extract_messages.ts";
import { type Extractor, extractor } from "./extractor.ts";

// the first message sets up the worker, every further one is a job; they run one at a time
const scope = self as unknown as DedicatedWorkerGlobalScope;
let run: Extractor | undefined;
let last = Promise.resolve();
scope.onmessage = ({ data }: MessageEvent<WorkerSetup | Job>) => {
  if (run === undefined) run = extractor(data as WorkerSetup);
  else {
    const ready = run;
    last = last.then(async () => scope.postMessage(await ready(data as Job)));
  }
};
