/** Verifications of versions: they go on, and are remembered, while the reader looks at other pages. */
import { signal } from "@preact/signals";
import type { VerifyEvent } from "#contract/api.ts";
import type { Problem } from "#contract/errors.ts";
import { segment, send } from "../../api/call.ts";
import { bytesText } from "../../messages/figures.ts";
import { problemOf, ProblemText } from "../../parts/problem.tsx";
import { t } from "./messages.ts";

interface Verification {
  readonly abort: AbortController;
  readonly done: number;
  readonly total: number;
  readonly damages: readonly string[];
  readonly result?: Extract<VerifyEvent, { type: "done" }>;
  readonly problem?: Problem;
}

/** By version ("web@3"). */
const verifications = signal<ReadonlyMap<string, Verification>>(new Map());

function set(ref: string, change: Partial<Verification> | undefined): void {
  const next = new Map(verifications.value), known = next.get(ref);
  if (change === undefined) next.delete(ref);
  else next.set(ref, { abort: new AbortController(), done: 0, total: 0, damages: [], ...known, ...change });
  verifications.value = next;
}

export async function verify(ref: string): Promise<void> {
  const abort = new AbortController();
  set(ref, undefined);
  set(ref, { abort });
  try {
    const response = await send("POST", `/images/${segment(ref)}/verify`, { signal: abort.signal });
    let isDone = false;
    for await (const line of linesOf(response)) {
      const event = JSON.parse(line) as VerifyEvent;
      if (event.type === "progress") set(ref, { done: event.bytesDone, total: event.bytesTotal });
      else if (event.type === "done") set(ref, { result: event });
      else set(ref, { damages: [...verifications.value.get(ref)?.damages ?? [], event.what] });
      isDone ||= event.type === "done";
    }
    if (!isDone) throw new Error("the server stopped before the end");
  } catch (error) {
    set(ref, abort.signal.aborted ? undefined : { problem: problemOf(error) });
  }
}

async function* linesOf({ body }: Response): AsyncGenerator<string> {
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  while (reader) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

export function VerifyButton({ image }: { image: string }) {
  const known = verifications.value.get(image);
  const isRunning = known !== undefined && !known.result && !known.problem;
  return isRunning
    ? <button type="button" onClick={() => known.abort.abort()}>{t("stop")}</button>
    : <button type="button" onClick={() => void verify(image)}>{t("verify")}</button>;
}

export function VerifyResult({ image }: { image: string }) {
  const known = verifications.value.get(image);
  if (!known) return null;
  const { done, total, damages, result, problem } = known;
  return (
    <div class="verification" role="status">
      {problem && <ProblemText problem={problem} />}
      {!result && !problem && (
        <>
          <progress aria-label={t("verify")} max={Math.max(1, total)} value={done} />
          <small>{t("verifying", { ref: image, done: bytesText(done), all: bytesText(total) })}</small>
        </>
      )}
      {result?.damaged === 0 && (
        <p class="well">✓ {t("sound", { ref: image, bytes: bytesText(result.bytes) })}</p>
      )}
      {result && result.damaged > 0 && (
        <p class="problem">✕ {t("damaged", { ref: image, n: result.damaged })}</p>
      )}
      {damages.length > 0 && <ul>{damages.slice(0, 20).map((what) => <li key={what}>{what}</li>)}</ul>}
    </div>
  );
}
