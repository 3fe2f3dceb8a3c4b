/** The setting of one run of the lab: network, file system in memory, ssh key; disposing of it removes all. */
import { ipv4, ipv6, type LabAddresses } from "./addresses.ts";
import { makeSshKey } from "./guest.ts";
import type { LabLayout } from "./layouts/layout.ts";
import { Mount } from "./loop_disk.ts";
import { madeOnce } from "./made_once.ts";
import { LabNetwork } from "./network.ts";
import type { Firmware } from "./qemu.ts";
import type { Timeline } from "./timeline.ts";
import type { Transcript } from "./transcript.ts";

export interface LabOptions {
  readonly firmware: Firmware;
  /** How the template and its clones store everything; by default on one disk with an ext4 root. */
  readonly layout?: LabLayout & { readonly name: string };
  /** MiB of random data that the template's application has. */
  readonly dataMiB: number;
  /** The compiled product. */
  readonly product: string;
  /** The server is a service of systemd, as `install-service` makes it. */
  readonly service: boolean;
  /** The product of the version before, from which the server is upgraded while its first node is installed. */
  readonly previous?: string | undefined;
  /** The folder that caches the Debian tree between runs. */
  readonly cache: string;
  /** The network has IPv6 alone. */
  readonly ipv6: boolean;
  /** The folder for logs and the summary. */
  readonly keep: string;
  readonly timeline: Timeline;
  readonly signal: AbortSignal;
}

export interface Workplace extends LabOptions, AsyncDisposable {
  readonly network: LabNetwork;
  readonly addresses: LabAddresses;
  /** A folder in memory for disks and data, which need not outlive the run. */
  readonly folder: string;
  readonly sshKey: { readonly path: string; readonly publicKey: string };
  /** All transcripts so far; their ends are shown if the lab fails. */
  readonly transcripts: Transcript[];
  /** Runs tasks concurrently to their ends. If one fails, `signal` stops the others first. */
  together<T>(tasks: readonly Promise<T>[]): Promise<T[]>;
}

export interface NodeFacts {
  /** Its name at the server, and its clone's host name unless there is another. */
  readonly name: string;
  readonly hostname?: string;
  /** It asks for its identity at the console. `types`: what a person types; empty if nobody is there. */
  readonly asked?: { readonly types: readonly Typing[] };
  /** Its first NIC is in a bond, which has a VLAN with this address. */
  readonly vlan?: { readonly id: number; readonly cidr: string };
  readonly mac: string;
  readonly address: string;
}

interface Typing {
  /** The output to wait for before typing. */
  readonly after: RegExp;
  readonly text: string;
}

/** What server and template have at first. */
export function firstProduct({ product, previous }: LabOptions): string {
  return previous ?? product;
}

/** The host name of the node's clone. */
export function hostOf({ name, hostname }: NodeFacts): string {
  return hostname ?? name;
}

/** The lab's nodes are node1, node2 …. */
export function nodeFacts(number: number, addresses: LabAddresses = ipv4): NodeFacts {
  const hex = number.toString(16).padStart(2, "0");
  return { name: `node${number}`, mac: `52:54:00:77:00:${hex}`, address: addresses.node(number) };
}

export async function prepare(options: LabOptions): Promise<Workplace> {
  await using stack = new AsyncDisposableStack();
  await Deno.mkdir(options.keep, { recursive: true });
  for await (const { name } of Deno.readDir(options.keep)) {
    if (name.endsWith(".log")) await Deno.remove(`${options.keep}/${name}`);
  }
  const folder = await Deno.makeTempDir({ prefix: "rackseed-lab-" });
  stack.defer(() => Deno.remove(folder));
  stack.use(await Mount.at(folder, { source: "tmpfs", options: ["-t", "tmpfs", "-o", "size=10g,mode=700"] }));
  const addresses = options.ipv6 ? ipv6 : ipv4;
  const network = stack.use(
    await LabNetwork.create({ address: `${addresses.server}/${addresses.prefix}` }),
  );
  // A layout's template disks are cached with the key that may log in.
  const path = `${options.layout ? options.cache : folder}/ssh_key`;
  await madeOnce(path, async (part) => {
    await makeSshKey(part);
    await Deno.rename(`${part}.pub`, `${path}.pub`);
  });
  const sshKey = { path, publicKey: (await Deno.readTextFile(`${path}.pub`)).trim() };
  const failed = new AbortController();
  const owned = stack.move();
  return {
    ...options,
    signal: AbortSignal.any([options.signal, failed.signal]),
    together: (tasks) => together(tasks, { failed }),
    network,
    addresses,
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
