/** One of the parallel workers of installTree; see extract_messages.ts for what it is told. */
/// <reference lib="webworker" />
import type { Job, WorkerSetup } from "./extract_messages.ts";
import { type Extractor, extractor } from "./extractor.ts";

// the first message sets the worker up, every further one is a job; one job at a time
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
