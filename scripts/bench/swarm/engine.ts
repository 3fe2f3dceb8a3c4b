/** What the bench needs to know about a program ("engine") that distributes a file to many machines. */
import type { Packages } from "../../setup.ts";
import type { LinkLab } from "../link_lab.ts";

/** The setting of one run. The server is machine 0 of the lab, the nodes are machines 1 to `nodes`. */
export interface Place {
  readonly lab: LinkLab;
  /** A folder for this run, in memory, for an engine's own settings. */
  readonly scratch: string;
  /** Holds the payload as `bench/0.pack`. */
  readonly seed: string;
  /** The payload's torrent, with our tracker on machine 0. */
  readonly torrent: string;
  readonly nodes: number;
}

export const SERVER = 0;
/** The payload in `Place.seed`, and in a node's folder if a torrent client makes the torrent's own folder there. */
export const PAYLOAD = "bench/0.pack";

/** A program on a machine, and the output line that shows its success. */
export interface Role {
  readonly argv: readonly string[];
  readonly says: (line: string) => boolean;
}

export interface Engine {
  readonly name: string;
  /** The Debian packages that it needs. */
  readonly packages: Packages;
  /** Whether it needs our tracker. */
  readonly tracker: boolean;
  /** Whether a node's program prints READY once loaded and waits for a line; the cost until then is not counted. */
  readonly waitsForGo: boolean;
  /** The payload's path in a node's folder. */
  readonly copy: string;
  /** The program that serves; its line shows that it is ready. */
  server(place: Place): Role;
  /** The program that fetches; its line shows that it has everything. */
  node(place: Place, { machine, folder }: { machine: number; folder: string }): Role;
}

export const DONE = "DONE";

/** Redirects standard error to standard output, where the bench looks for messages. */
export function withMessages(argv: readonly string[]): string[] {
  return ["sh", "-c", 'exec "$@" 2>&1', "sh", ...argv];
}

/** For a program that ends when it is done: the shell stays, so that the cost can still be read. */
export function untilDone(argv: readonly string[]): string[] {
  return ["sh", "-c", `"$@" 2>&1 || exit; echo ${DONE}; read _`, "sh", ...argv];
}

export const isDone = (line: string) => line === DONE;
