import { getLogger } from "@logtape/logtape";
import type { Database } from "../store/engine.ts";
import type { z } from "zod";
import type {
  CaptureHeader,
  CaptureOrder,
  CaptureProgress,
  CaptureRequest,
  CaptureView,
} from "#contract/api.ts";
import { messageOf, type Problem, RackseedError } from "#contract/errors.ts";
import { SHA256_BYTES } from "#contract/format/sha256.ts";
import { removeSync } from "../store/durable.ts";
import type { HeldLineage } from "../store/held_lineages.ts";
import type { ImageStore } from "../store/images.ts";
import { diskFull, storeError } from "../store/store_error.ts";
import { CaptureViews, isActive } from "./capture_views.ts";
import type { Draft } from "./draft.ts";
import { EntryIntake } from "./entry_intake.ts";
import { type PublishPorts, publishVersion } from "./publish.ts";

const log = getLogger(["rackseed", "capture"]);

/** A capture whose sender has been silent for this long gives way to a new one. */
const SILENT_MS = 60_000;
/** A capture that has been silent for this long, longer than any hook at its end, is abandoned. */
const ABANDONED_MS = 60 * 60_000;
const MAX_KNOWN_HASHES = 65_536;

interface CaptureServiceOptions extends PublishPorts {
  readonly db: Database;
  readonly store: ImageStore;
  /** Called with the capture's view after every change. */
  readonly onChange?: (view: CaptureView) => void;
}

/** The origin of a capture. */
export interface CaptureFrom {
  readonly template?: { readonly id: string; readonly name: string } | undefined;
  /** Name of the node, if it is a backup. */
  readonly backupOf?: string | undefined;
  /** An image whose content need not be sent again. */
  readonly base?: string | undefined;
}

interface ActiveCapture {
  readonly image: string;
  readonly templateId: string | undefined;
  readonly level: number;
  readonly isBackup: boolean;
  readonly force: boolean;
  readonly excludes: readonly string[];
  /** The capture that the image's newest version came from. */
  readonly parent: string | undefined;
  readonly held: HeldLineage;
  readonly intake: EntryIntake;
  readonly abort: AbortController;
  heardMs: number;
}

/**
 * Captures from their start to the published version: gives orders to templates, receives their frames, and publishes
 * when everything has arrived. No part of a capture is visible as a version before it is complete. All methods throw
 * RackseedError.
 *
 * @example
 * ```ts
 * import type { CaptureView } from "#contract/api.ts";
 * import type { CaptureService } from "./capture_service.ts";
 *
 * // an import: its client sends frames and entries, then the header
 * export async function captureOne(
 *   service: CaptureService,
 *   { frame, entries, header }: { frame: Uint8Array; entries: Uint8Array; header: Uint8Array },
 * ): Promise<CaptureView> {
 *   const { id } = service.begin({ image: "web", level: 9, excludes: [] });
 *   await service.addFrame(id, frame);
 *   service.addEntries(id, 0, entries);
 *   await service.endEntries(id, header);
 *   return service.get(id); // "publishing", and "published" later
 * }
 * ```
 */
export class CaptureService implements AsyncDisposable {
  readonly #options: CaptureServiceOptions;
  readonly #store: ImageStore;
  readonly #views: CaptureViews;
  readonly #active = new Map<string, ActiveCapture>();
  /** Work in the background: versions being published, files being closed. */
  readonly #running = new Set<Promise<void>>();

  constructor(options: CaptureServiceOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#views = new CaptureViews(options.db, { onChange: options.onChange });
  }

  /** Stops everything that runs; the next start finds it interrupted. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { abort, held } of this.#active.values()) {
      abort.abort(new Error("the server is stopping"));
      this.#run(held.release());
    }
    this.#active.clear();
    await Promise.allSettled([...this.#running]);
  }

  /**
   * Starts a capture. With a template it waits for the template's agent; without one, the caller sends. 409 if the
   * image has a capture under way, 507 if the disk is full.
   */
  begin(
    { image, level, excludes, force = false }: z.output<typeof CaptureRequest>,
    { template, backupOf, base }: CaptureFrom = {},
  ): CaptureView {
    const title = `cannot capture ${image}`;
    try {
      this.#makeRoom(image);
      if (this.#store.directory.roomBytes() <= 0) throw diskFull(title);
      const held = this.#store.hold(image, { backupOf, base });
      if (held === undefined) {
        throw new RackseedError(title, {
          reason: `capture ${this.#activeOf(image)?.[0]} of this image is under way.`,
          remedy: "wait until it is done, or cancel it.",
          status: 409,
        });
      }
      const id = crypto.randomUUID();
      const abort = new AbortController();
      const templateId = template?.id;
      this.#store.pool.start();
      const { parent: version } = this.#store.nextVersion(held.lineage);
      const isParent = (c: CaptureView) =>
        c.state === "published" && c.image === image && c.version === version;
      const parent = this.list().findLast(isParent)?.id;
      const intake = new EntryIntake({
        find: (sha256) => held.writer.find(sha256),
        frame: (id) => this.#store.packs.frame(id),
      }, { parent: () => parent === undefined ? [] : this.#store.hashedEntries(`${image}@${version}`) });
      const isBackup = backupOf !== undefined;
      const started = { image, templateId, level, excludes, parent, held, intake, abort, isBackup, force };
      this.#active.set(id, { ...started, heardMs: Date.now() });
      log.info("capture-begun", { capture: id, image, template: template?.name, level });
      return this.#views.put({
        id,
        image,
        ...(template && { template: template.name }),
        state: template ? "waiting" : "receiving",
        started: new Date().toISOString(),
        notes: [],
      });
    } catch (error) {
      throw storeError(title, error);
    }
  }

  get(id: string): CaptureView {
    return this.#views.get(id);
  }

  /** Oldest first. */
  list(): CaptureView[] {
    return this.#views.list();
  }

  /**
   * The order for a template's agent. An agent that asks again while its capture runs was restarted: it gets the same
   * order, and need not resend what it sent before.
   */
  orderFor(templateId: string): CaptureOrder | undefined {
    const mine = [...this.#active].filter(([, capture]) => capture.templateId === templateId);
    const inState = (state: CaptureView["state"]) => mine.find(([id]) => this.get(id).state === state);
    const [id, capture] = inState("receiving") ?? inState("waiting") ?? [];
    if (id === undefined || capture === undefined) return undefined;
    capture.heardMs = Date.now();
    if (this.get(id).state === "waiting") this.#views.change(id, { state: "receiving" });
    const { image, excludes, level, parent, isBackup, force } = capture;
    return {
      capture: id,
      image,
      excludes: [...excludes],
      level,
      ...(parent !== undefined && { parent }),
      ...(isBackup && { isBackup }),
      ...(force && { force }),
    };
  }

  /** `hashes`: n × 32 bytes. Returns n bytes, 1 where the store has that extent. */
  known(id: string, hashes: Uint8Array): Uint8Array {
    const { held } = this.#receiving(id);
    const count = hashes.length / SHA256_BYTES;
    if (!Number.isInteger(count) || count > MAX_KNOWN_HASHES) {
      throw new RackseedError("cannot look up these extents", {
        reason: `${hashes.length} bytes are not 0 to ${MAX_KNOWN_HASHES} hashes of ${SHA256_BYTES} bytes.`,
        remedy: "use the same version of rackseed on both sides.",
        status: 400,
      });
    }
    return Uint8Array.from({ length: count }, (_, i) => {
      return held.writer.has(hashes.subarray(i * SHA256_BYTES, (i + 1) * SHA256_BYTES)) ? 1 : 0;
    });
  }

  /**
   * Takes ownership of one frame (contract/format/frame_upload.ts) and its whole buffer: checks it, compresses it unless
   * it is packed, seals and writes it. Resolves when it is written, which limits the sender's speed: with two frames
   * under way per core, all workers are busy.
   */
  async addFrame(id: string, body: Uint8Array): Promise<void> {
    const { held, level, image } = this.#receiving(id);
    const title = `cannot store a frame of ${image}`;
    try {
      const frame = await this.#store.pool.sealUpload(body, { key: held.lineage.key, level });
      this.#receiving(id);
      await held.writer.append(frame);
    } catch (error) {
      if (error instanceof RangeError) {
        throw new RackseedError(title, {
          reason: `${error.message}.`,
          remedy: "send it again; if that fails too, check the memory and the network of the template.",
          status: 400,
        });
      }
      throw this.#fail(id, storeError(title, error));
    }
  }

  progress(id: string, progress: CaptureProgress): void {
    const { state } = this.get(id);
    // a report may be overtaken by the list of entries
    if (state === "publishing" || state === "published") return;
    const { intake } = this.#receiving(id);
    this.#views.change(id, { progress });
    // a sender that reports progress has its order; if the parent is unreadable, that shows when it is needed
    try {
      intake.prepare();
    } catch (error) {
      log.warn("parent-not-read", { capture: id, error: messageOf(error) });
    }
  }

  /** Receives a part of the entries (zstd of lines) while contents still arrive. 400 and 409 as in EntryIntake. */
  addEntries(id: string, part: number, body: Uint8Array): void {
    this.#receiving(id).intake.take(part, body);
  }

  /**
   * Receives the header (zstd of a CaptureHeader), the last part of a capture. Resolves when all entries and their
   * extents have arrived; publishing continues in the background. 400 and 409 as in EntryIntake.
   */
  async endEntries(id: string, body: Uint8Array): Promise<void> {
    // a sender that missed the answer sends again
    const isTaken = () => ["publishing", "published"].includes(this.get(id).state);
    if (isTaken()) return;
    const { held: { writer } } = this.#receiving(id);
    try {
      await writer.close();
    } catch (error) {
      throw this.#fail(id, storeError("cannot store the last frames", error));
    }
    if (isTaken()) return;
    const capture = this.#receiving(id);
    const complete = capture.intake.complete(body);
    this.#views.change(id, { state: "publishing", notes: complete.header.notes });
    this.#run(this.#publish(id, { ...capture, ...complete }));
  }

  /** Fails captures whose sender is gone for good, so that the schedule of backups does not wait for them. */
  endAbandoned({ afterMs = ABANDONED_MS }: { afterMs?: number } = {}): void {
    for (const [id, { image, heardMs }] of [...this.#active]) {
      const { state } = this.get(id);
      if (!["waiting", "receiving"].includes(state) || Date.now() - heardMs < afterMs) continue;
      this.#fail(
        id,
        interrupted(image, { forMs: afterMs, because: "no capture is silent for that long" }),
      );
    }
  }

  /** The sender gives up, for the given reason. */
  fail(id: string, { title, status, detail, remedy }: Problem): void {
    this.#receiving(id);
    this.#fail(id, new RackseedError(title, { reason: detail, remedy, status }));
  }

  /**
   * Cancels a capture and drops what it stored. If it has already failed, drops what was kept for reuse. 409 if the
   * version is already published.
   */
  cancel(id: string): CaptureView {
    const view = this.get(id);
    if (view.state === "published") {
      throw new RackseedError(`cannot cancel the capture of ${view.image}`, {
        reason: `it is published as ${view.image}@${view.version}.`,
        remedy: `delete that version: \`rackseed image delete ${view.image}@${view.version}\`.`,
        status: 409,
      });
    }
    if (isActive(view)) this.#end(id, { state: "cancelled" });
    this.#store.dropUnpublished(view.image);
    return this.get(id);
  }

  async #publish(
    id: string,
    { held, abort, ...capture }: ActiveCapture & { header: CaptureHeader; draft: Draft },
  ): Promise<void> {
    const stagingPath = `${this.#store.directory.staging}/${id}`;
    try {
      // a frame that was sent twice may have arrived after the last check
      await held.writer.close();
      const version = await publishVersion({
        ...capture,
        held,
        stagingPath,
        signal: abort.signal,
        onActivity: (activity) => void (this.#active.has(id) && this.#views.change(id, { activity })),
      }, { store: this.#store, ports: this.#options });
      this.#end(id, { state: "published", version });
    } catch (error) {
      removeSync(stagingPath);
      if (!abort.signal.aborted) this.#fail(id, storeError(`cannot publish ${capture.image}`, error));
    }
  }

  /** Ends a capture with this error, unless it has ended already. Returns the error. */
  #fail(id: string, error: RackseedError): RackseedError {
    this.#end(id, { state: "failed", problem: error.toProblem() });
    return error;
  }

  #end(id: string, ending: Pick<CaptureView, "state" | "version" | "problem">): void {
    const capture = this.#active.get(id);
    if (capture === undefined) return;
    this.#active.delete(id);
    capture.abort.abort(new Error(`the capture has ended: ${ending.state}`));
    this.#run(capture.held.release());
    log.info("capture-ended", { capture: id, image: capture.image, ...ending });
    const { activity: _, ...view } = this.get(id);
    this.#views.put({ ...view, ...ending, finished: new Date().toISOString() });
  }

  /** The capture, if it accepts content now; otherwise throws 404, 409, or the error that ended it. */
  #receiving(id: string): ActiveCapture {
    const { state, image, problem } = this.get(id);
    const capture = this.#active.get(id);
    if (capture !== undefined && (state === "receiving" || state === "waiting")) {
      capture.heardMs = Date.now();
      return capture;
    }
    if (problem !== undefined) throw RackseedError.fromProblem(problem);
    throw new RackseedError(`the capture of ${image} accepts no more content`, {
      reason: `it is ${state}.`,
      remedy: "start a new capture.",
      status: 409,
    });
  }

  #activeOf(image: string): [id: string, capture: ActiveCapture] | undefined {
    return [...this.#active].find(([, capture]) => capture.image === image);
  }

  /** Ends a capture of the image whose sender is silent. */
  #makeRoom(image: string): void {
    const [id, capture] = this.#activeOf(image) ?? [];
    if (id === undefined || capture === undefined || this.get(id).state !== "receiving") return;
    if (Date.now() - capture.heardMs < SILENT_MS) return;
    this.#fail(id, interrupted(image, { forMs: SILENT_MS, because: "a new capture was requested" }));
  }

  #run(work: Promise<void>): void {
    const tracked = work.catch((error) => {
      log.error("capture-work-failed", { error: messageOf(error) });
    }).finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }
}

function interrupted(image: string, { forMs, because }: { forMs: number; because: string }): RackseedError {
  return new RackseedError(`capture of ${image} was interrupted`, {
    reason: `its sender has been silent for ${forMs / 1000} s, and ${because}.`,
    remedy: "capture again; the new capture reuses what was sent.",
  });
}
