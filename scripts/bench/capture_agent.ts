/** The agent's side of scripts/bench/capture.ts, in its own thread, since a real agent has its own machine. */
/// <reference lib="deno.worker" />
import type { Api } from "../../agent/capture/capture_api.ts";
import { compileExcludes } from "../../agent/tree/excludes.ts";
import { sendCapture } from "../../agent/capture/send_capture.ts";
import { TreeSource } from "../../agent/capture/tree_source.ts";

/** An API call. Frames are transferred, not copied. */
export interface Call {
  readonly number: number;
  readonly path: string;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly json?: unknown;
}
export interface CallAnswer {
  readonly number: number;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly error?: string;
}

/** What the thread is sent, once it has said that it is ready. */
export interface Order {
  readonly tree: string;
  readonly capture: string;
}

const waiting = new Map<number, PromiseWithResolvers<Response>>();
let calls = 0;

const api: Api = {
  send(_method, path, { body, json } = {}) {
    const number = calls++;
    const answer = Promise.withResolvers<Response>();
    waiting.set(number, answer);
    const content = body as Uint8Array<ArrayBuffer> | undefined;
    const call: Call = {
      number,
      path,
      ...(content && { body: content }),
      ...(json !== undefined && { json }),
    };
    self.postMessage(call, content && path.endsWith("/frames") ? [content.buffer] : []);
    return answer.promise;
  },
};

self.onmessage = async ({ data }: MessageEvent<CallAnswer | Order>) => {
  if ("number" in data) {
    const answer = waiting.get(data.number);
    waiting.delete(data.number);
    if (data.error === undefined) answer?.resolve(new Response(data.body ?? null));
    else answer?.reject(new Error(data.error));
    return;
  }
  const excludes = compileExcludes([]);
  await sendCapture({
    api,
    capture: data.capture,
    tree: new TreeSource(data.tree, { excludes, mountPoints: [] }),
    excludes: [],
    signal: new AbortController().signal,
  });
  self.postMessage("sent");
};
self.postMessage("ready");
