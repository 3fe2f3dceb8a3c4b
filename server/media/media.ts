/**
 * Bootable media: makes them, serves their images, and lets machines that they started enrol.
 *
 * A medium of kind "network" boots a machine to this server, which gives it the boot token that a boot from the network
 * would have got. One of kind "packs" carries a version and installs it without a server.
 */
import { Buffer } from "node:buffer";
import { randomBytes, timingSafeEqual } from "node:crypto";
import { getLogger } from "@logtape/logtape";
import { API, type Order } from "#contract/api.ts";
import { MediumAnswer, type MediumBootAnswer, MediumRequest, type MediumView } from "#contract/api/media.ts";
import { RackseedError } from "#contract/errors.ts";
import {
  makeCode,
  type MediumContents,
  type MediumDescription,
  type MediumNode,
  sealContents,
} from "#contract/format/medium.ts";
import { formatToken } from "#contract/token.ts";
import type { z } from "zod";
import { fileOfText } from "../../boot/boot_file.ts";
import { MEDIUM_PROGRAMS, mediumImage, type MediumProgram } from "../../boot/medium/medium_image.ts";
import { openFile } from "../../boot/tftp/tftp_file.ts";
import { diskChoices } from "../fleet/disk_choices.ts";
import type { HookRegistry } from "../fleet/hook_registry.ts";
import type { NetbootOrders } from "../fleet/netboot_orders.ts";
import type { BootFile, Images } from "../fleet/ports.ts";
import { tableIdentity } from "../fleet/table_identity.ts";
import type { MediaTable } from "../store/media.ts";
import { carriedOrder } from "./carried_order.ts";

const log = getLogger(["rackseed", "media"]);

/** How long a medium's image can be fetched. */
const KEPT_MS = 60 * 60_000;
const MAX_KEPT = 100;
/** How long a BMC may read a medium: servers test their memory for minutes, and installing takes its time. */
const LENT_MS = 12 * 60 * 60_000;
const HOUR_MS = 3_600_000;

interface MediaSources {
  readonly table: MediaTable;
  readonly images: Pick<Images, "get" | "secrets" | "file" | "settings" | "damage">;
  readonly hooks: Pick<HookRegistry, "ofNode">;
  readonly netboot: Pick<NetbootOrders, "issue" | "noteSeen">;
  /** "images/web@3/vmlinuz"; undefined if there is none, or it is damaged. */
  readonly bootFile: (name: string) => BootFile | undefined;
  /** Throws RackseedError if the build has not fetched it. */
  readonly program: (name: MediumProgram) => Promise<Uint8Array>;
  /** As machines reach it; asked once it listens. */
  readonly server: () => string;
  /** Pin of the server's CA. */
  readonly pin: string;
  readonly now: () => number;
}

/** What an image is made of, besides files that are on the disk. */
interface KeptMedium {
  readonly id: string;
  /** "web@3" */
  readonly ref: string;
  readonly created: Date;
  readonly untilMs: number;
  readonly description: MediumDescription;
  readonly programs: ReadonlyMap<MediumProgram, Uint8Array>;
}

export class Media {
  readonly #sources: MediaSources;
  /** By id. Lost at a restart: a medium is then made again. */
  readonly #kept = new Map<string, KeptMedium>();

  /** By the node that has the medium in its virtual drive. */
  readonly #lent = new Map<string, { readonly id: string; readonly key: string; readonly untilMs: number }>();

  constructor(sources: MediaSources) {
    this.#sources = sources;
  }

  /** Throws RackseedError: 404 if there is no such version, 400 or 409 if no medium can be made of it so. */
  async make(
    request: z.output<typeof MediumRequest>,
    { by }: { by: string },
  ): Promise<MediumAnswer> {
    const { images, table, now } = this.#sources;
    const { image, version, architecture = "x86_64" } = images.get(request.image),
      ref = `${image}@${version}`;
    const title = `cannot make a medium of ${ref}`;
    refuseContradictions(request, title);
    this.#refuseUnbootable(ref, title);
    refuseArchitecture(architecture, title);
    const damage = request.packs ? images.damage(ref) : undefined;
    if (damage) throw damage;
    const nowMs = now(), id = randomBytes(4).toString("hex"), code = makeCode();
    const kind = request.packs ? "packs" as const : "network" as const;
    const secret = kind === "network" ? randomBytes(32).toString("base64url") : undefined;
    const contents = secret === undefined
      ? this.#version(ref, { request, id, title })
      : this.#access(request, secret);
    const { unattended } = request;
    const description: MediumDescription = {
      format: 1,
      id,
      image: ref,
      kind,
      sealed: sealContents(contents, { id, code }),
      ...(unattended && { code }),
    };
    const programs = new Map<MediumProgram, Uint8Array>();
    for (const name of MEDIUM_PROGRAMS) programs.set(name, await this.#sources.program(name));
    const created = new Date(nowMs), untilMs = nowMs + KEPT_MS;
    this.#keep({ id, ref, created, untilMs, description, programs });
    const medium = this.image(id), { sizeBytes } = medium;
    medium.close?.();
    const expiresMs = secret === undefined ? untilMs : nowMs + request.hours * HOUR_MS;
    const view = { id, image, version, kind, created: created.toISOString(), by, unattended };
    table.add({ ...view, expiresMs, ...(secret !== undefined && { secret }) }, nowMs);
    log.info("medium-made", { medium: id, image: ref, kind, by, unattended });
    return { medium: { ...view, expires: new Date(expiresMs).toISOString() }, code, sizeBytes };
  }

  list(): MediumView[] {
    return this.#sources.table.list(this.#sources.now());
  }

  /** Throws RackseedError (404). */
  revoke(id: string): void {
    const kept = this.#kept.delete(id);
    for (const [node, lent] of this.#lent) if (lent.id === id) this.#lent.delete(node);
    if (!this.#sources.table.remove(id) && !kept) throw unknownMedium(id, "there is none of that id.");
    log.info("medium-revoked", { medium: id });
  }

  /** The caller closes it. Throws RackseedError (404, 409). */
  image(id: string): BootFile {
    const { images, now } = this.#sources;
    const kept = this.#kept.get(id);
    if (kept === undefined || kept.untilMs <= now()) {
      throw unknownMedium(id, "its image is no longer kept: it is for an hour, unless the server restarts.");
    }
    const { ref, created, description, programs } = kept;
    using open = new DisposableStack();
    const opened = (file: BootFile) => {
      open.defer(() => file.close?.());
      return file;
    };
    const bootFile = (name: string) => {
      const file = this.#sources.bootFile(`images/${ref}/${name}`);
      if (file === undefined) throw unknownMedium(id, `${ref} has no ${name} any more.`);
      return opened(file);
    };
    const carried = description.kind === "packs" ? filesOf(ref, images) : [];
    const medium = mediumImage({
      id,
      created,
      program: (name) => programs.get(name)!,
      kernel: bootFile("vmlinuz"),
      initramfs: bootFile("initramfs"),
      files: [
        { name: "medium.jsn", file: fileOfText(JSON.stringify(description)) },
        ...carried.map(({ name, path }) => ({ name, file: opened(openFile(path)) })),
      ],
    });
    open.move();
    return medium;
  }

  /** An address of the image for the BMC of this node (by id), which replaces an earlier one. Throws RackseedError (404). */
  lend(id: string, node: string): string {
    this.image(id).close?.();
    const untilMs = this.#sources.now() + LENT_MS, key = randomBytes(32).toString("base64url");
    const kept = this.#kept.get(id);
    if (kept) this.#kept.set(id, { ...kept, untilMs: Math.max(kept.untilMs, untilMs) });
    this.#lent.set(node, { id, key, untilMs });
    // some BMCs look at the name's ending
    return `${this.#sources.server()}${API}/media/${id}/image/${key}.iso`;
  }

  /** The address that was made for this node is good no longer. */
  end(node: string): void {
    this.#lent.delete(node);
  }

  /** `name`: the last part of an address that was made for a BMC. The caller closes it. Throws RackseedError (401, 404). */
  lentImage(id: string, name: string): BootFile {
    const nowMs = this.#sources.now(), wanted = Buffer.from(name);
    const isLent = this.#lent.values().some((lent) => {
      const known = Buffer.from(`${lent.key}.iso`);
      return lent.id === id && lent.untilMs > nowMs && known.length === wanted.length &&
        timingSafeEqual(known, wanted);
    });
    if (isLent) return this.image(id);
    throw new RackseedError(`cannot fetch the medium ${id}`, {
      reason: "this address was never given to a BMC, or is good no longer.",
      remedy: "insert the medium again: rackseed node power cycle NODE --medium ID",
      status: 401,
    });
  }

  /** Throws RackseedError (401) unless machines may enrol by this secret. */
  expects(secret: string): MediumView {
    const { table, now } = this.#sources;
    const medium = table.use(secret, now());
    if (medium) return medium;
    throw new RackseedError("cannot let this medium in", {
      reason: "it has expired, or was revoked.",
      remedy: "write a new one: rackseed medium --help",
      status: 401,
    });
  }

  /**
   * The boot token for a machine that a medium started, if it is armed; undefined if nothing is ordered for it.
   * Throws RackseedError (401).
   */
  boot(
    secret: string,
    { macs, address }: { macs: readonly string[]; address: string },
  ): z.output<typeof MediumBootAnswer> | undefined {
    const { netboot } = this.#sources, medium = this.expects(secret);
    for (const mac of macs) {
      const order = netboot.issue(mac);
      if (order === undefined) continue;
      const image = `${order.image}@${order.version}`;
      log.info("boots-agent", { mac, node: order.node.name, image, medium: medium.id });
      return { image, token: order.token, mac };
    }
    // so that it is shown among the machines that appeared
    const [first] = macs;
    if (first !== undefined) netboot.noteSeen(first, { by: "http", address, boots: true });
    return undefined;
  }

  #access(
    { network }: z.output<typeof MediumRequest>,
    secret: string,
  ): MediumContents {
    const { server, pin } = this.#sources;
    return { kind: "network", server: server(), token: formatToken({ pin, secret }), ...network };
  }

  #version(
    ref: string,
    { request, id, title }: { request: z.output<typeof MediumRequest>; id: string; title: string },
  ): MediumContents {
    const { images, hooks } = this.#sources;
    const version = images.get(ref);
    const order: Order = carriedOrder(version, {
      medium: id,
      title,
      secrets: images.secrets(ref),
      hooks: hooks.ofNode({ id: "", settings: {} }, { image: version.image }),
      own: images.settings(version.image).own ?? [],
      // a person is at the machine already
      askSeconds: 86_400,
    });
    const nodes = (request.nodes ?? []).map(({ node: name, serial, settings }): MediumNode => ({
      name,
      ...(settings.mac !== undefined && { mac: settings.mac }),
      ...(serial !== undefined && { serial }),
      identity: tableIdentity({ name, settings }),
      ...diskChoices(settings),
    }));
    return { kind: "packs", order, nodes };
  }

  #refuseUnbootable(ref: string, title: string): void {
    const file = this.#sources.bootFile(`images/${ref}/vmlinuz`);
    file?.close?.();
    if (file) return;
    throw new RackseedError(title, {
      reason: "it cannot boot machines.",
      remedy: "see what it lacks: rackseed image show",
      status: 409,
    });
  }

  #keep(medium: KeptMedium): void {
    const nowMs = this.#sources.now();
    for (const [id, { untilMs }] of this.#kept) {
      if (untilMs <= nowMs || this.#kept.size >= MAX_KEPT) this.#kept.delete(id);
    }
    this.#kept.set(medium.id, medium);
  }
}

function refuseArchitecture(architecture: string, title: string): void {
  if (architecture === "x86_64") return;
  throw new RackseedError(title, {
    reason: `it is for ${architecture} machines, and media have boot programs for x86-64 only.`,
    remedy: "boot its machines from the network.",
    status: 409,
  });
}

/** The manifest, and the packs by their numbers in it. */
function filesOf(
  ref: string,
  images: MediaSources["images"],
): { name: string; path: string }[] {
  const { packs } = JSON.parse(images.secrets(ref).manifest.header) as { packs: { sha256: string }[] };
  const path = (name: string) => {
    const file = images.file(ref, name);
    if (file === undefined) throw new RangeError(`${ref} has no file ${name}`);
    return file.path;
  };
  return [
    { name: "manifest.bin", path: path("manifest.rsm") },
    ...packs.map(({ sha256 }, i) => ({ name: packName(i), path: path(`${sha256}.pack`) })),
  ];
}

/** "p0000001.pck" */
function packName(number: number): string {
  return `p${String(number).padStart(7, "0")}.pck`;
}

function refuseContradictions(
  { packs, nodes, network, unattended }: z.output<typeof MediumRequest>,
  title: string,
): void {
  const wrong = packs && network
    ? "a medium that carries the version needs no address and no VLAN, as it needs no server."
    : network && network.address === undefined && (network.gateway ?? network.dns) !== undefined
    ? "a gateway and DNS servers belong to an address; without one, the machine gets them by DHCP."
    : !packs && nodes
    ? "a table of machines is for a medium that carries the version; else the server knows its nodes."
    : packs && unattended && (nodes ?? []).length === 0
    ? "an unattended medium that carries the version needs the table of the machines that it is for."
    : undefined;
  if (wrong === undefined) return;
  throw new RackseedError(title, { reason: wrong, remedy: "see `rackseed medium --help`.", status: 400 });
}

function unknownMedium(id: string, reason: string): RackseedError {
  return new RackseedError(`cannot find the medium ${id}`, {
    reason,
    remedy: "see `rackseed medium list`, or make a new one.",
    status: 404,
  });
}
