/**
 * Sends one capture: counts, reads, sends the extents that the server is missing and the entries at the same time.
 * After any interruption it can simply run again, since the server knows which extents it has.
 */
import type { CaptureOrder, CaptureProgress } from "#contract/api.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import type { Source } from "#contract/format/manifest.ts";
import { type Api, CaptureApi } from "./capture_api.ts";
import type { CaptureSource } from "./capture_source.ts";
import type { Amount } from "./cache/amount.ts";
import { EntrySender } from "./entry_sender.ts";
import { ExtentSender } from "./extent_sender.ts";
import { ProgressReporter } from "./progress_reporter.ts";
import type { Pause } from "../sys/retry.ts";
import type { CaptureHistory } from "./tree_source.ts";

export interface SendOptions {
  readonly api: Api;
  /** The capture's id, from the order or from `POST /captures`. */
  readonly capture: string;
  /** Where the entries come from. */
  readonly tree: CaptureSource;
  /** The machine that is captured; absent for a directory or a tar. */
  readonly source?: Source | undefined;
  readonly layout?: DiskLayout | undefined;
  /** All patterns that apply, recorded in the manifest. */
  readonly excludes: readonly string[];
  readonly history?: CaptureHistory | undefined;
  /** zstd level to compress at on this side; absent if the server does it. */
  readonly packLevel?: number | undefined;
  readonly signal: AbortSignal;
  /** Called once everything was read; returns further notes. The capture fails if it throws. */
  readonly onRead?: () => Promise<readonly string[]>;
  readonly onProgress?: (progress: CaptureProgress) => void;
  readonly pause?: Pause;
}

/** Limit of the header; notes beyond it are only counted. */
const MAX_NOTES = 10_000;
const MAX_NOTE_CHARACTERS = 8191;

export interface Sent {
  readonly entries: number;
  readonly notes: readonly string[];
  readonly amount: Amount;
  readonly bytesSent: number;
}

/** A first capture is compressed by the server; the smaller later ones are compressed here, to relieve it. */
export function packLevelFor({ parent, level }: CaptureOrder): number | undefined {
  return parent === undefined ? undefined : level;
}
/**
 * Sends one capture, from counting to the last entry.
 *
 * @example
 * ```ts
 * import type { ApiClient } from "#contract/client.ts";
 * import { compileExcludes } from "../tree/excludes.ts";
 * import { TreeSource } from "./tree_source.ts";
 *
 * async function example(api: ApiClient, capture: string, signal: AbortSignal) {
 *   const excludes = compileExcludes(["*.tmp"]);
 *   const tree = new TreeSource("/srv/tools", { excludes, mountPoints: [] });
 *   const sent = await sendCapture({ api, capture, tree, excludes: excludes.patterns, signal });
 *   console.log(`${sent.entries} entries, ${sent.bytesSent} bytes`);
 * }
 * ```
 */
export async function sendCapture(options: SendOptions): Promise<Sent> {
  const { tree, onProgress, excludes, source, layout, history, pause } = options;
  const stopped = new AbortController();
  const signal = AbortSignal.any([options.signal, stopped.signal]);
  const { capture, packLevel } = options;
  const api = new CaptureApi(options.api, { capture, packLevel, signal, ...(pause && { pause }) });
  const sender = new ExtentSender(api);
  let counting: Promise<void> | undefined;
  try {
    const reporter = new ProgressReporter(api, onProgress);
    const none: Amount = { files: 0, bytes: 0 };
    const view = (phase: CaptureProgress["phase"], done: Amount, total: Amount): CaptureProgress => ({
      phase,
      filesDone: done.files,
      filesTotal: Math.max(total.files, done.files),
      bytesDone: done.bytes,
      bytesTotal: Math.max(total.bytes, done.bytes),
      bytesSent: sender.bytesSent,
    });
    // counts while reading: counting first would leave the server idle for as long
    let total: Amount | undefined;
    counting = tree.measure({
      signal,
      onProgress: (sofar) => reporter.report(() => view("walking", none, sofar)),
    }).then((amount) => void (total = amount));
    counting.catch(() => {});
    const lines = new EntrySender(api, { parent: history?.past?.lines ?? [] });
    let done = none;
    const entries = tree.entries(sender, {
      signal,
      onProgress: (sofar) => {
        done = sofar;
        const all = total;
        if (all !== undefined) reporter.report(() => view("reading", sofar, all));
      },
    });
    for await (const entry of entries) {
      lines.add(entry);
      history?.record.add(entry);
      if (lines.full) await lines.drained();
    }
    const more = await options.onRead?.() ?? [];
    await counting;
    await sender.finish();
    await reporter.last(view("finishing", done, done));
    const notes = bounded([...more, ...tree.notes]);
    await lines.finish({
      ...(source && { source }),
      ...(layout && { layout }),
      excludes: [...excludes],
      notes,
    });
    return { entries: lines.count, notes, amount: done, bytesSent: sender.bytesSent };
  } finally {
    stopped.abort(new Error("the capture has ended"));
    await counting?.catch(() => {});
  }
}

function bounded(notes: readonly string[]): string[] {
  const kept = notes.slice(0, MAX_NOTES - 1).map((note) => note.slice(0, MAX_NOTE_CHARACTERS));
  if (notes.length > kept.length) kept.push(`and ${notes.length - kept.length} more notes`);
  return kept;
}
