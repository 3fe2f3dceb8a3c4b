/** What one run of the lab stands on: its network, its memory file system, its key; all gone at its end. */
import { makeSshKey } from "./guest.ts";
import { Mount } from "./loop_disk.ts";
import { LabNetwork } from "./network.ts";
import type { Firmware } from "./qemu.ts";
import type { Timeline } from "./timeline.ts";
import type { Transcript } from "./transcript.ts";

export interface LabOptions {
  readonly firmware: Firmware;
  /** MiB of random bytes that the template's application has. */
  readonly dataMiB: number;
  /** The compiled product. */
  readonly product: string;
  /** Where the Debian tree is kept from one run to the next. */
  readonly cache: string;
  /** Where logs and the summary go. */
  readonly keep: string;
  readonly timeline: Timeline;
  readonly signal: AbortSignal;
}

export interface Workplace extends LabOptions, AsyncDisposable {
  readonly network: LabNetwork;
  /** Disks and data in memory: nothing of them is worth the host's disk. */
  readonly folder: string;
  readonly sshKey: { readonly path: string; readonly publicKey: string };
  /** What spoke so far; their ends are shown where the lab fails. */
  readonly transcripts: Transcript[];
  /** Runs tasks side by side to their ends; where one fails, `signal` stops the others first. */
  together<T>(tasks: readonly Promise<T>[]): Promise<T[]>;
}

export const serverAddress = "10.77.0.1";
export const templateAddress = "10.77.0.10";
export const prefix = 24;

export interface NodeFacts {
  /** What the server calls it; its clone's host name, too, where there is no other. */
  readonly name: string;
  readonly hostname?: string;
  /** A person at its console is to say who it is; `types`: what they type, or nobody is there. */
  readonly asked?: { readonly types: readonly Typing[] };
  /** Its first card is in a bond, which has a VLAN with this address. */
  readonly vlan?: { readonly id: number; readonly cidr: string };
  readonly mac: string;
  readonly address: string;
}

interface Typing {
  /** What the console must have shown first. */
  readonly after: RegExp;
  readonly text: string;
}

/** The host name that the node's clone is to bear. */
export function hostOf({ name, hostname }: NodeFacts): string {
  return hostname ?? name;
}

/** The lab's nodes are node1, node2 …, at .11, .12 …. */
export function nodeFacts(number: number): NodeFacts {
  const hex = number.toString(16).padStart(2, "0");
  return { name: `node${number}`, mac: `52:54:00:77:00:${hex}`, address: `10.77.0.${10 + number}` };
}

export async function prepare(options: LabOptions): Promise<Workplace> {
  await using stack = new AsyncDisposableStack();
  await Deno.mkdir(options.keep, { recursive: true });
  for await (const { name } of Deno.readDir(options.keep)) {
    if (name.endsWith(".log")) await Deno.remove(`${options.keep}/${name}`);
  }
  const folder = await Deno.makeTempDir({ prefix: "rackseed-lab-" });
  stack.defer(() => Deno.remove(folder));
  stack.use(await Mount.at(folder, { source: "tmpfs", options: ["-t", "tmpfs", "-o", "size=6g,mode=700"] }));
  const network = stack.use(await LabNetwork.create({ address: `${serverAddress}/${prefix}` }));
  const path = `${folder}/ssh_key`;
  const sshKey = { path, publicKey: await makeSshKey(path) };
  const failed = new AbortController();
  const owned = stack.move();
  return {
    ...options,
    signal: AbortSignal.any([options.signal, failed.signal]),
    together: (tasks) => together(tasks, { failed }),
    network,
    folder,
    sshKey,
    transcripts: [],
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function together<T>(
  tasks: readonly Promise<T>[],
  { failed }: { readonly failed: AbortController },
): Promise<T[]> {
  for (const task of tasks) task.catch((error) => failed.abort(error));
  await Promise.allSettled(tasks);
  failed.signal.throwIfAborted();
  return await Promise.all(tasks);
}
