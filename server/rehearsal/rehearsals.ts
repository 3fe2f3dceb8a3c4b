/** The rehearsals: ordered, one at a time, cancelled, and kept with their verdicts. */
import { getLogger } from "@logtape/logtape";
import type { ImageView, VersionView } from "#contract/api.ts";
import {
  type ProbeResult,
  type RehearsalRequest,
  type RehearsalState,
  type RehearsalView,
  type Verdict,
} from "#contract/api/rehearsals.ts";
import { REHEARSAL_LIMITS } from "#contract/rehearsal_limits.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import type { RehearsalRecord, RehearsalTable, RehearsedVersion } from "../store/rehearsals.ts";
import { type InstallSite, macOf, proveInstallable, randomName } from "../virtual_machine/install_disks.ts";
import { findQemu } from "../virtual_machine/qemu.ts";
import { withoutTokens } from "./console_text.ts";
import { removeLeftovers } from "./leftovers.ts";
import type { Outcome } from "./boot_and_probe.ts";
import { rehearse, screenshotFile, USUAL_PROBES } from "./rehearse.ts";

const log = getLogger(["rackseed", "rehearsals"]);

/** Rehearsals that may wait. */
const MAX_QUEUE = 100;
/** Rehearsals of a version that are kept; its newest verdict is kept besides. */
const KEPT = 10;
/** The end of a console that is shown. */
const MAX_CONSOLE = 4 << 20;
/** The shortest time between two published changes of the message or the probes. */
const PUBLISH_MS = 1000;

interface RehearsalSources {
  readonly table: RehearsalTable;
  /** Has a folder for each rehearsal. */
  readonly folder: string;
  readonly images: { list(): readonly ImageView[]; get(ref: string): VersionView };
  /** This server, as the machine reaches it. */
  readonly site: () => InstallSite;
  readonly freeBytes: () => number;
  readonly onChange: (view: RehearsalView) => void;
  readonly now: () => number;
}

interface Running {
  readonly id: string;
  readonly stop: AbortController;
  message?: string;
}

export class Rehearsals implements AsyncDisposable {
  readonly #sources: RehearsalSources;
  #running: Running | undefined;
  #work: Promise<void> = Promise.resolve();
  #isClosed = false;
  #publishTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(sources: RehearsalSources) {
    this.#sources = sources;
  }

  /** Cleans up after a server that was killed, and goes on with those that wait. */
  async resume(): Promise<void> {
    const { table, folder } = this.#sources;
    for (const record of table.open()) {
      if (record.state === "queued") continue;
      await removeLeftovers(`${folder}/${record.id}`);
      await this.#sources.site().removeNode(record.node);
      this.#finish(record, { state: "cancelled", problem: serverEnded(record) });
    }
    this.#prune();
    this.#next();
  }

  /** Throws RackseedError (404, 409). */
  async order(ref: string, request: RehearsalRequest, { by }: { by: string }): Promise<RehearsalView> {
    const { table, images, site } = this.#sources;
    const version = images.get(ref), named = `${version.image}@${version.version}`;
    const title = `cannot rehearse ${named}`;
    const { firmware } = proveInstallable(version, { title, server: site().server });
    await findQemu();
    if (table.open().length >= MAX_QUEUE) {
      throw new RackseedError(title, {
        reason: `${MAX_QUEUE} rehearsals wait already.`,
        remedy: "wait, or cancel some: rackseed image rehearsals.",
        status: 409,
      });
    }
    const random = randomName();
    const record: RehearsalRecord = {
      id: crypto.randomUUID(),
      image: version.image,
      version: version.version,
      versionId: version.id,
      state: "queued",
      firmware,
      by,
      ordered: this.#time(),
      memoryMiB: request.memoryMiB ?? REHEARSAL_LIMITS.memoryMiB.usual,
      probes: (request.probes ?? USUAL_PROBES).map((probe) => ({ probe, passed: false })),
      request,
      mac: macOf(random),
      node: `rehearsal-${random}`,
    };
    table.put(record);
    log.info("ordered", { rehearsal: record.id, image: named, by });
    this.#publish(record.id);
    this.#next();
    return this.get(record.id);
  }

  /** Newest first. */
  list(): RehearsalView[] {
    const ahead = this.#ahead();
    return this.#sources.table.all().map((record) => this.#view(record, ahead));
  }

  /** Of one version, the newest first. Throws RackseedError (404). */
  of(ref: string): RehearsalView[] {
    const { table, images } = this.#sources;
    const ahead = this.#ahead();
    return table.of(images.get(ref)).map((record) => this.#view(record, ahead));
  }

  /** Throws RackseedError (404). */
  get(id: string): RehearsalView {
    return this.#view(this.#record(id), this.#ahead());
  }

  verdict(version: RehearsedVersion): Verdict | undefined {
    return this.#sources.table.verdict(version);
  }

  /** Throws RackseedError (404, 409). */
  cancel(id: string, { by }: { by: string }): RehearsalView {
    const record = this.#record(id), title = `cannot cancel the rehearsal ${id}`;
    if (record.ended !== undefined) {
      throw new RackseedError(title, { reason: "it has ended.", remedy: "order another one.", status: 409 });
    }
    const problem = cancelledBy(record, by);
    if (this.#running?.id === id) this.#running.stop.abort(problem);
    else this.#finish(record, { state: "cancelled", problem });
    return this.get(id);
  }

  /** What the machine has written to its console so far. Throws RackseedError (404). */
  async console(id: string): Promise<string> {
    const bytes = await this.#file(id, "console.log");
    return withoutTokens(new TextDecoder().decode((bytes ?? new Uint8Array()).subarray(-MAX_CONSOLE)));
  }

  /** The screen, in PNG. Throws RackseedError (404). */
  async screenshot(id: string): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = await this.#file(id, "screenshot.png");
    if (bytes) return bytes;
    throw new RackseedError(`there is no screenshot of the rehearsal ${id}`, {
      reason: "its machine has not booted.",
      remedy: "wait until it boots; see its console.",
      status: 404,
    });
  }

  /** Ends the machine. Those that wait go on at the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const record = this.#running && this.#record(this.#running.id);
    if (record) this.#running?.stop.abort(serverEnded(record));
    await this.#work;
    clearTimeout(this.#publishTimer);
  }

  #next(): void {
    if (this.#running || this.#isClosed) return;
    const record = this.#sources.table.open().find(({ state }) => state === "queued");
    if (!record) return;
    const running: Running = { id: record.id, stop: new AbortController() };
    this.#running = running;
    this.#work = this.#run(record, running).catch((error) => {
      log.error("not-recorded", { rehearsal: record.id, error: messageOf(error) });
    }).finally(() => {
      this.#running = undefined;
      this.#next();
    });
  }

  async #run(queued: RehearsalRecord, running: Running): Promise<void> {
    const { table, folder: folders, images, site, freeBytes } = this.#sources;
    const { stop } = running, folder = `${folders}/${queued.id}`;
    let record: RehearsalRecord = { ...queued, state: "installing", started: this.#time() };
    const keep = (change: Partial<RehearsalRecord>) => {
      record = { ...record, ...change };
      table.put(record);
      this.#publish(record.id);
    };
    keep({});
    let outcome: Outcome;
    try {
      await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
      outcome = await rehearse({
        record,
        version: this.#versionOf(record, images),
        site: site(),
        folder,
        freeBytes,
        onProgress: (message) => this.#say(message, { running, probes: undefined }),
        onBoot: () => {
          delete running.message;
          keep({ state: "booting", booted: this.#time() });
        },
        onProbes: (probes) => {
          record = { ...record, probes: [...probes] };
          this.#say(missing(probes), { running, probes: record });
        },
        signal: stop.signal,
      });
    } catch (error) {
      const problem = error instanceof RackseedError ? error : couldNot(record, error);
      if (!stop.signal.aborted) {
        log.warn("not-carried-out", { rehearsal: record.id, error: messageOf(error) });
      }
      return this.#finish(record, { state: "cancelled", problem });
    }
    this.#finish(record, outcome ? { state: "failed", problem: outcome } : { state: "proved" });
    this.#prune();
  }

  /** Stores probes as they pass, and publishes what the rehearsal does. */
  #say(
    message: string,
    { running, probes }: { running: Running; probes: RehearsalRecord | undefined },
  ): void {
    const { table } = this.#sources;
    if (running.message === message) return;
    running.message = message.slice(0, 500);
    if (probes) table.put(probes);
    this.#publishTimer ??= setTimeout(() => {
      this.#publishTimer = undefined;
      if (this.#running === running) this.#publish(running.id);
    }, PUBLISH_MS);
  }

  #finish(
    record: RehearsalRecord,
    { state, problem }: { state: RehearsalState; problem?: RackseedError },
  ): void {
    const { table } = this.#sources;
    const ended = { ...record, state, ended: this.#time(), ...(problem && { problem: problem.toProblem() }) };
    table.put(ended);
    const image = `${record.image}@${record.version}`;
    log.info("ended", { rehearsal: record.id, image, state, ...(problem && { reason: problem.reason }) });
    this.#publish(record.id);
  }

  /** Throws RackseedError if the version was deleted while the rehearsal waited. */
  #versionOf(
    { image, version, versionId }: RehearsalRecord,
    images: RehearsalSources["images"],
  ): VersionView {
    const found = images.get(`${image}@${version}`);
    if (found.id === versionId) return found;
    throw new RackseedError(`cannot rehearse ${image}@${version}`, {
      reason: "the version was deleted, and another one has its number now.",
      remedy: "order a rehearsal of the new one.",
      status: 409,
    });
  }

  /** Removes rehearsals of versions that are gone, and old ones. */
  #prune(): void {
    const { table, images, folder } = this.#sources;
    const versions = new Map(images.list().map(({ image, version, id }) => [`${image}@${version}`, id]));
    const kept = new Map<string, number>();
    for (const { id, image, version, versionId, ended } of table.all()) {
      const ref = `${image}@${version}`, isThere = versions.get(ref) === versionId;
      const before = kept.get(ref) ?? 0;
      if (ended === undefined) continue;
      const isVerdict = isThere && table.verdict({ image, version, id: versionId })?.id === id;
      if (isVerdict || isThere && before < KEPT) {
        kept.set(ref, before + 1);
        continue;
      }
      table.delete(id);
      Deno.remove(`${folder}/${id}`, { recursive: true }).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) log.warn("not-removed", { error: messageOf(error) });
      });
    }
  }

  #publish(id: string): void {
    const { onChange } = this.#sources;
    onChange(this.get(id));
  }

  #record(id: string): RehearsalRecord {
    const record = this.#sources.table.find(id);
    if (record) return record;
    throw new RackseedError(`there is no rehearsal ${id.slice(0, 64)}`, {
      reason: "it does not exist, or was removed with its version.",
      remedy: "see rackseed image rehearsals.",
      status: 404,
    });
  }

  /** Of every rehearsal that waits: how many are before it. */
  #ahead(): Map<string, number> {
    return new Map(this.#sources.table.open().map(({ id }, i) => [id, i]));
  }

  #view(record: RehearsalRecord, ahead: ReadonlyMap<string, number>): RehearsalView {
    const { versionId: _, request: __, mac: ___, node: ____, ...view } = record;
    const message = this.#running?.id === record.id ? this.#running.message : undefined;
    return {
      ...view,
      ...(record.state === "queued" && { ahead: ahead.get(record.id) ?? 0 }),
      ...(message !== undefined && record.ended === undefined && { message }),
      hasScreenshot: isFile(screenshotFile(`${this.#sources.folder}/${record.id}`)),
    };
  }

  async #file(id: string, name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { folder } = this.#sources;
    try {
      // the id is one of the table's
      return await Deno.readFile(`${folder}/${this.#record(id).id}/${name}`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  #time(): string {
    return new Date(this.#sources.now()).toISOString();
  }
}

function missing(results: readonly ProbeResult[]): string {
  const open = results.filter(({ passed }) => !passed);
  return open.length === 0
    ? "all probes have passed"
    : `waiting: ${open.map(({ seen = "" }) => seen).join("; ")}`;
}

function couldNot({ image, version }: RehearsalRecord, error: unknown): RackseedError {
  return new RackseedError(`cannot rehearse ${image}@${version}`, {
    reason: `${messageOf(error)}.`,
    remedy: "see the server's log, and order it again.",
    cause: error,
  });
}

function cancelledBy({ image, version }: RehearsalRecord, by: string): RackseedError {
  return new RackseedError(`the rehearsal of ${image}@${version} was cancelled`, {
    reason: `${by} cancelled it.`,
    remedy: "order it again.",
    status: 409,
  });
}

function serverEnded({ image, version }: RehearsalRecord): RackseedError {
  return new RackseedError(`the rehearsal of ${image}@${version} was cancelled`, {
    reason: "the server ended while it ran.",
    remedy: "order it again.",
    status: 409,
  });
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
