/** The sites of this server: their relays' trust, what is assigned to them, and what they report. */
import { randomBytes } from "node:crypto";
import { getLogger } from "@logtape/logtape";
import type {
  Assignment,
  OfferedImage,
  RelayOffer,
  RelayReport,
  SiteAnswer,
  SiteDetails,
  SiteEvent,
  SiteState,
  SiteView,
} from "#contract/api/sites.ts";
import { RackseedError } from "#contract/errors.ts";
import { keyIdOf, type SignedRequest } from "#contract/relay_signature.ts";
import { formatToken } from "#contract/token.ts";
import type { Images } from "../fleet/ports.ts";
import type { SiteRecord, SiteTable } from "../store/sites.ts";
import { tokenHash } from "../store/token_hash.ts";
import { assignmentOf, offerOf, versionFor } from "./offer.ts";
import { RelayProofs, revoked } from "./relay_proof.ts";

const log = getLogger(["rackseed", "sites"]);

const TOKEN_MS = 7 * 86_400_000;
/** A relay calls every few seconds. */
const SILENT_MS = 60_000;
const MAX_SITES = 10_000, MAX_ASSIGNED = 200;

interface SitesSources {
  readonly table: SiteTable;
  readonly images: Pick<Images, "get" | "secrets" | "settings">;
  /** Pin of the server's CA. */
  readonly pin: string;
  readonly now: () => number;
}

export class Sites {
  readonly #table: SiteTable;
  readonly #images: SitesSources["images"];
  readonly #pin: string;
  readonly #now: () => number;
  readonly #proofs: RelayProofs;
  /** By site, the versions that its relay was last offered. */
  readonly #offered = new Map<string, ReadonlySet<string>>();

  constructor({ table, images, pin, now }: SitesSources) {
    this.#table = table;
    this.#images = images;
    this.#pin = pin;
    this.#now = now;
    this.#proofs = new RelayProofs({ find: (keyId) => table.byKey(keyId), now });
  }

  /** By name. */
  list(): SiteView[] {
    const known = new Map<string, Assignment>();
    return this.#table.list().map((site) => this.#view(site, { known }));
  }

  /** Throws RackseedError (404). */
  get(name: string): SiteDetails {
    const site = this.#record(name);
    return { ...this.#view(site), list: this.#table.lastReport(name)?.nodes ?? [] };
  }

  /** Throws RackseedError (409). */
  add(name: string): SiteAnswer {
    const known = this.#table.list();
    if (known.length >= MAX_SITES || known.some((site) => site.name === name)) {
      throw new RackseedError(`cannot add the site ${name}`, {
        reason: known.length >= MAX_SITES
          ? `there are ${known.length} sites already.`
          : "there is one of that name.",
        remedy: `remove one first; or, for a new relay of this one: rackseed site token ${name}`,
        status: 409,
      });
    }
    this.#table.add(name, { nowMs: this.#now() });
    return this.makeToken(name);
  }

  /** The site's earlier token is no longer good. Throws RackseedError (404). */
  makeToken(name: string): SiteAnswer {
    const { name: known } = this.#record(name);
    const secret = randomBytes(32).toString("base64url"), endsMs = this.#now() + TOKEN_MS;
    this.#table.setToken(known, { hash: tokenHash(secret), endsMs });
    return {
      site: this.#shown(known),
      token: formatToken({ pin: this.#pin, secret }),
      expires: new Date(endsMs).toISOString(),
    };
  }

  /** Throws RackseedError (404). */
  revoke(name: string): SiteView {
    this.#table.revoke(this.#record(name).name, { nowMs: this.#now() });
    this.#offered.delete(name);
    log.warn("site-revoked", { site: name });
    return this.#shown(name);
  }

  /** Throws RackseedError (404). */
  remove(name: string): void {
    this.#table.remove(this.#record(name).name);
    this.#offered.delete(name);
  }

  /** Throws RackseedError (404, 409). */
  assign(name: string, ref: string): SiteView {
    const site = this.#record(name).name;
    versionFor(ref, this.#images);
    if (this.#table.images(site).length >= MAX_ASSIGNED) {
      throw new RackseedError(`cannot assign ${ref} to ${site}`, {
        reason: `${MAX_ASSIGNED} images are assigned to it, and no more are allowed.`,
        remedy: "end an assignment first: rackseed site unassign",
        status: 409,
      });
    }
    this.#table.assign(site, ref);
    return this.#shown(site);
  }

  /** Throws RackseedError (404). */
  unassign(name: string, ref: string): SiteView {
    const site = this.#record(name).name;
    this.#offered.delete(site);
    if (this.#table.unassign(site, ref)) return this.#shown(site);
    const refs = this.#table.images(site);
    throw new RackseedError(`cannot end the assignment of ${ref} to ${site}`, {
      reason: refs.length === 0 ? "nothing is assigned to it." : `assigned are ${refs.join(", ")}.`,
      remedy: `see what is: rackseed site show ${site}`,
      status: 404,
    });
  }

  /** Newest first. Throws RackseedError (404). */
  events(
    name: string,
    options: { before: number | undefined; node: string | undefined; limit: number },
  ): (SiteEvent & { readonly number: number })[] {
    return this.#table.events(this.#record(name).name, options);
  }

  /** Throws RackseedError (401) if the secret is not of a token that a relay may enrol with. */
  expects(secret: string): void {
    if (!this.#tokenOf(secret)) throw unusable("it is unknown, replaced or older than a week.");
  }

  /** The signature is of a relay that is known, though it is not verified yet. Throws RackseedError (401, 403). */
  expectsRelay(headers: Headers): void {
    this.#proofs.expects(headers);
  }

  #tokenOf(secret: string): SiteRecord | undefined {
    return this.#table.byToken(tokenHash(secret), { nowMs: this.#now() });
  }

  /**
   * Trusts the key that signed this request with the site that `secret`, of a token, is for. The same key may ask again:
   * its answer may have been lost. Throws RackseedError (401, 409).
   */
  enrol(
    secret: string,
    { publicKey, headers, request }: { publicKey: string; headers: Headers; request: SignedRequest },
  ): string {
    const site = this.#tokenOf(secret);
    if (!site) throw unusable("it is unknown, replaced or older than a week.");
    const keyId = keyOf(publicKey);
    this.#proofs.assertBy(headers, { publicKey, request });
    if (site.tokenUsedBy === keyId) return site.name;
    if (site.tokenUsedBy !== null) throw unusable("another relay has enrolled with it.");
    this.#table.enrol(site.name, { publicKey, keyId, nowMs: this.#now() });
    log.info("relay-enrolled", { site: site.name });
    return site.name;
  }

  /** The site whose relay signed this request. Throws RackseedError (401, 403). */
  callerOf(headers: Headers, request: SignedRequest): string {
    return this.#proofs.siteOf(headers, request);
  }

  /** Throws RackseedError (403) if the site was revoked or removed meanwhile. */
  assertTrusted(site: string): void {
    if (!this.#table.isTrusted(site)) throw revoked(site);
  }

  /** Stores the report, and answers what the site is to have. */
  sync(site: string, report: RelayReport, { address }: { address: string }): RelayOffer {
    this.#table.report(site, report, { address, nowMs: this.#now() });
    return { site, images: this.#offer(site) };
  }

  /** Throws RackseedError (404) unless this version, "web@3", is assigned to the site. */
  assertAssigned(site: string, ref: string): void {
    if (!this.#offered.get(site)?.has(ref)) this.#offer(site);
    if (this.#offered.get(site)?.has(ref)) return;
    throw new RackseedError(`cannot send ${ref} to ${site}`, {
      reason: "it is not assigned to that site.",
      remedy: `assign it: rackseed site assign ${site} ${ref}`,
      status: 404,
    });
  }

  #offer(site: string): OfferedImage[] {
    const { images } = offerOf(this.#table.images(site), this.#images);
    const refs = images.flatMap(({ image, versions }) =>
      versions.map(({ version }) => `${image}@${version}`)
    );
    this.#offered.set(site, new Set(refs));
    return images;
  }

  #shown(name: string): SiteView {
    return this.#view(this.#record(name));
  }

  #record(name: string): SiteRecord {
    const site = this.#table.find(name);
    if (site) return site;
    const known = this.#table.list().map((one) => one.name);
    throw new RackseedError(`there is no site ${name}`, {
      reason: known.length === 0 ? "no site was added yet." : `there are ${known.slice(0, 20).join(", ")}.`,
      remedy: `add it: rackseed site add ${name}`,
      status: 404,
    });
  }

  /** `known`: assignments that were resolved for other sites. */
  #view(site: SiteRecord, { known = new Map() }: { known?: Map<string, Assignment> } = {}): SiteView {
    const time = (ms: number) => new Date(ms).toISOString();
    const { name, createdMs, enrolledMs, heardMs, revokedMs, address } = site;
    const report = this.#table.lastReport(name);
    for (const ref of this.#table.images(name)) {
      if (!known.has(ref)) known.set(ref, assignmentOf(ref, this.#images));
    }
    const counts: Record<string, number> = {};
    for (const { state } of report?.nodes ?? []) counts[state] = (counts[state] ?? 0) + 1;
    return {
      name,
      state: stateOf(site, this.#now()),
      created: time(createdMs),
      ...(enrolledMs !== null && { enrolled: time(enrolledMs) }),
      ...(heardMs !== null && { heard: time(heardMs) }),
      ...(address !== null && { address }),
      ...(revokedMs !== null && { revoked: time(revokedMs) }),
      ...(report && { rackseed: report.rackseed }),
      assigned: this.#table.images(name).flatMap((ref) => known.get(ref) ?? []),
      mirror: report?.mirror ?? [],
      nodes: counts,
    };
  }
}

function stateOf({ revokedMs, publicKey, heardMs, enrolledMs }: SiteRecord, nowMs: number): SiteState {
  if (revokedMs !== null) return "revoked";
  if (publicKey === null) return "waiting";
  return nowMs - Math.max(heardMs ?? 0, enrolledMs ?? 0) < SILENT_MS ? "active" : "silent";
}

/** Throws RackseedError (400). */
function keyOf(publicKey: string): string {
  try {
    return keyIdOf(publicKey);
  } catch {
    throw new RackseedError("cannot enrol the relay", {
      reason: "it did not send an Ed25519 key.",
      remedy: "use the same version of rackseed on both sides (`rackseed version`).",
      status: 400,
    });
  }
}

function unusable(reason: string): RackseedError {
  return new RackseedError("cannot enrol the relay with this token", {
    reason,
    remedy: "make a new one: rackseed site token NAME, at the upstream.",
    status: 401,
  });
}
