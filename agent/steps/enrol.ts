/** Enrolment: a node sends its inventory to the server and receives its order. */
import { BackupOrder, DiscoverOrder, type Inventory, Order, type StepReport } from "#contract/api.ts";
import type { TpmQuote } from "#contract/api/attestation.ts";
import { ApiClient } from "#contract/client.ts";
import { RackseedError } from "#contract/errors.ts";
import { type Header, parseHeader, verifyManifestId } from "#contract/format/manifest.ts";
import { SEALED_KEY_BYTES } from "#contract/format/sealed.ts";
import { CARRIED_CA } from "#contract/token.ts";
import { z } from "zod";
import { textOf } from "../sys/small_file.ts";

/** The server of an order, or what stands for it. */
export type OrderClient = Pick<ApiClient, "post" | "send" | "server"> & Disposable;

/** The medium that the order came from, and that carries the version. */
interface CarryingMedium {
  /** The folder of its files. */
  readonly folder: string;
  /** "sdb" */
  readonly device: string;
  readonly id: string;
  /** It was written for this very machine. */
  readonly isNamed: boolean;
  readonly inventory: Inventory;
  /** The steps that are done. */
  steps(): StepReport[];
}

export interface Enrolled {
  readonly client: OrderClient;
  readonly order: Order;
  readonly header: Header;
  /** The key of the image's lineage. */
  readonly key: Uint8Array;
  /** Absent: the version comes over the network. */
  readonly medium?: CarryingMedium;
}

/** An order to install that is not verified yet. */
type Ordered = Pick<Enrolled, "client" | "order">;

/** A node with an order to be backed up. */
export interface EnrolledBackup {
  readonly client: ApiClient;
  readonly order: BackupOrder;
}

/** A node whose hardware is to be read. */
export interface EnrolledDiscovery {
  readonly client: ApiClient;
  readonly order: DiscoverOrder;
}

type AnyOrder = Ordered & { readonly client: ApiClient } | EnrolledBackup | EnrolledDiscovery;

interface Enrolment {
  readonly server: string;
  readonly token: string;
  /** May still be in the making while the server is being reached. */
  readonly inventory: Inventory | Promise<Inventory>;
  /** What waits to be reported. */
  readonly reports?: () => StepReport[];
  /** Makes the quote that the server may ask for; a directory cannot. */
  readonly prove?: (client: ApiClient) => Promise<TpmQuote>;
  readonly signal: AbortSignal;
}

/** The status of an answer that asks for a quote (RFC 6585 §3). */
const QUOTE_NEEDED = 428;

/** A switch port may block traffic for half a minute after the link comes up. */
const REACH_MS = 90_000;

/** Throws RackseedError if the server is not reached, or does not know the token. */
export async function enrol(options: Enrolment): Promise<Ordered & { readonly client: ApiClient }> {
  const enrolled = await enrolMachine(options);
  if (!isBackup(enrolled) && !isDiscovery(enrolled)) return enrolled;
  enrolled.client[Symbol.dispose]();
  const ordered = isBackup(enrolled) ? "a backup" : "a discovery";
  throw new RangeError(`${ordered} was ordered, and not an installation`);
}

/** The same for a machine, whose order may also be to be backed up, or to be described. */
export async function enrolMachine(
  { server, token, inventory, reports, prove, signal }: Enrolment,
): Promise<AnyOrder> {
  const ca = await textOf(CARRIED_CA);
  const client = await reach(() => ApiClient.connect({ server, token, ca, signal }), signal);
  try {
    // none can be mistaken for another: each lacks a required member of the others
    const schema = z.union([Order, BackupOrder, DiscoverOrder]);
    const body = { inventory: await inventory, reports: reports?.() };
    const ask = (quote?: TpmQuote) =>
      reach(() => client.post("/node/enrol", { body: { ...body, quote }, schema, signal }), signal);
    const order = await ask().catch(async (error) => {
      if (!prove || !(error instanceof RackseedError) || error.status !== QUOTE_NEEDED) throw error;
      return await ask(await prove(client));
    });
    client.useSession(order.session);
    return { client, order } as AnyOrder;
  } catch (error) {
    client[Symbol.dispose]();
    throw error;
  }
}

export function isBackup(enrolled: AnyOrder | Enrolled): enrolled is EnrolledBackup {
  return "backup" in enrolled.order;
}

export function isDiscovery(enrolled: AnyOrder): enrolled is EnrolledDiscovery {
  return "discover" in enrolled.order;
}

/** Verifies the order. Throws RackseedError if its manifest is not signed, or is not the ordered image's. */
export function verifyOrder({ client, order }: Ordered): Enrolled {
  return { client, order, header: verifiedHeader(order), key: keyOf(order) };
}

/** Tries again while the server is not reached. */
async function reach<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const deadline = performance.now() + REACH_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const unreachable = error instanceof RackseedError && error.status === 503;
      if (!unreachable || signal.aborted || performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1000 + Math.random() * 1000));
    }
  }
}

function verifiedHeader({ image, version, manifest }: Order): Header {
  if (!verifyManifestId(manifest.id, manifest)) {
    throw new RackseedError(`cannot trust the order to install ${image}@${version}`, {
      reason: "the manifest's signature is not valid.",
      remedy: "verify the image on the server, then deploy again.",
    });
  }
  const header = parseHeader(manifest.header);
  if (header.image === image && header.version === version) return header;
  throw new RackseedError(`cannot trust the order to install ${image}@${version}`, {
    reason: `its manifest belongs to ${header.image}@${header.version}.`,
    remedy: "verify the image on the server, then deploy again.",
  });
}

function keyOf({ key }: Order): Uint8Array {
  const bytes = Buffer.from(key, "base64");
  if (bytes.length === SEALED_KEY_BYTES) return bytes;
  throw new RangeError("the key in the order has the wrong length");
}
