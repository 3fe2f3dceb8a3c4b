import type { Run } from "../../sys/command.ts";

/** What carrying out a plan needs besides proven disks. */
export interface CarryOut {
  readonly run: Run;
  readonly signal?: AbortSignal | undefined;
}
