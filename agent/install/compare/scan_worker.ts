/** One of the parallel workers of scanContents; its messages are in scan_messages.ts. */
/// <reference lib="webworker" />
import { FileScanner } from "./file_scanner.ts";
import type { ScanPart, ScanSetup } from "./scan_messages.ts";

// the first message sets up the worker, every further one is a job
const scope = self as unknown as DedicatedWorkerGlobalScope;
let scanner: FileScanner | undefined;
scope.onmessage = ({ data }: MessageEvent<ScanSetup | readonly ScanPart[]>) => {
  if (scanner === undefined) scanner = new FileScanner(data as ScanSetup);
  else scope.postMessage(scanner.scan(data as readonly ScanPart[]));
};
