/** Captures as spans: the whole, what it received, and what the server did until it was published. */
import type { CaptureView, ServerEvent } from "#contract/api.ts";
import type { WorkSpan } from "./work_span.ts";

interface CaptureSpanOptions {
  readonly emit: (span: WorkSpan) => void;
  readonly now: () => number;
}

export class CaptureSpans {
  readonly #options: CaptureSpanOptions;
  /** Those under way, and since when each is being published. */
  readonly #active = new Map<string, number | undefined>();

  constructor(options: CaptureSpanOptions) {
    this.#options = options;
  }

  /** Takes over what there is when the server starts. */
  begin(captures: readonly CaptureView[]): void {
    for (const { id, state } of captures) if (isActive(state)) this.#active.set(id, undefined);
  }

  observe(event: ServerEvent): void {
    if (event.type !== "capture") return;
    const { capture } = event, { id, state } = capture;
    const publishingMs = this.#active.get(id);
    if (isActive(state)) {
      const sinceMs = publishingMs ?? (state === "publishing" ? this.#options.now() : undefined);
      this.#active.set(id, sinceMs);
    } else if (this.#active.has(id)) {
      // views of an ended capture may be published again
      this.#active.delete(id);
      this.#end(capture, publishingMs);
    }
  }

  #end(capture: CaptureView, publishingMs: number | undefined): void {
    const { emit, now } = this.#options;
    const { id, image, version, template, state, progress, problem } = capture;
    const startMs = Date.parse(capture.started);
    const endMs = capture.finished === undefined ? now() : Date.parse(capture.finished);
    const attributes = { "rackseed.image": image, "rackseed.template": template };
    if (publishingMs !== undefined) {
      const received = { ...attributes, "rackseed.received_bytes": progress?.bytesSent };
      emit({ path: [id, "receive"], name: "receive", startMs, endMs: publishingMs, attributes: received });
      emit({ path: [id, "publish"], name: "publish", startMs: publishingMs, endMs, attributes });
    }
    emit({
      path: [id],
      name: "capture",
      startMs,
      endMs,
      attributes: { ...attributes, "rackseed.version": version, "rackseed.state": state },
      problem: problem?.title,
    });
  }
}

function isActive(state: CaptureView["state"]): boolean {
  return state === "waiting" || state === "receiving" || state === "publishing";
}
