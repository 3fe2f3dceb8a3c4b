/** What the bench asks of an engine that hands a file to many machines. */
import type { Packages } from "../../setup.ts";
import type { LinkLab } from "../link_lab.ts";

/** What one run works with. The server is machine 0 of the lab, the nodes are machines 1 to `nodes`. */
export interface Place {
  readonly lab: LinkLab;
  /** Of this run, in memory: for an engine's own settings. */
  readonly scratch: string;
  /** Holds the payload as `bench/0.pack`. */
  readonly seed: string;
  /** The payload's torrent, with our tracker on machine 0. */
  readonly torrent: string;
  readonly nodes: number;
}

export const SERVER = 0;
/** Below `Place.seed`, and below a node's folder where a torrent client makes the torrent's own folder there. */
export const PAYLOAD = "bench/0.pack";

/** A program on a machine, and the line by which it says that it has got where it should. */
interface Role {
  readonly argv: readonly string[];
  readonly says: (line: string) => boolean;
}

export interface Engine {
  readonly name: string;
  /** Debian packages that it comes from. */
  readonly packages: Packages;
  /** Whether our tracker is to run beside its server. */
  readonly tracker: boolean;
  /** Whether a node's program loads, prints READY and waits for a line: what it costs until then is not counted. */
  readonly waitsForGo: boolean;
  /** Where the payload lies in a node's folder. */
  readonly copy: string;
  /** Says when it can serve. */
  server(place: Place): Role;
  /** Says when it has everything. */
  node(place: Place, { machine, folder }: { machine: number; folder: string }): Role;
}

export const DONE = "DONE";

/** With its messages among its output, where the bench looks for them. */
export function withMessages(argv: readonly string[]): string[] {
  return ["sh", "-c", 'exec "$@" 2>&1', "sh", ...argv];
}

/** A program that ends when it is done; the shell stays, so that its cost can still be asked for. */
export function untilDone(argv: readonly string[]): string[] {
  return ["sh", "-c", `"$@" 2>&1 || exit; echo ${DONE}; read _`, "sh", ...argv];
}

export const isDone = (line: string) => line === DONE;
