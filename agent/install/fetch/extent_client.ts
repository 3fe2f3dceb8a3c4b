/** Fetches scattered extents from the server's extent service, verifies them, and retries if the connection breaks. */
import type { ApiClient } from "#contract/client.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { decodeCuts, type ExtentRequest, MAX_CUT_FRAMES, openCut } from "#contract/format/extent_answer.ts";
import type { FrameSlice, Manifest } from "#contract/format/manifest.ts";
import { bodyOf } from "#contract/response_body.ts";
import { sha256 } from "#native/sha256.ts";
import type { FrameRoute } from "../compare/differences.ts";
import { type Pause, pauseFor } from "../../sys/retry.ts";
import type { LooseFrame } from "../extract/install_options.ts";

/** Attempts in a row that bring no frame at all; with their pauses about a minute. */
const MAX_FAILURES = 6;
/** After this long without a byte the request is repeated: a server that restarted never says so. */
const IDLE_MS = 60_000;

interface ExtentFetch {
  readonly client: Pick<ApiClient, "send">;
  /** Path of the service, below the API. */
  readonly path: string;
  readonly manifest: Manifest;
  readonly routes: readonly Pick<FrameRoute, "frame" | "extents">[];
  /** Called for every chunk of an answer. */
  readonly onBytes: (bytes: number) => void;
  readonly signal: AbortSignal;
  readonly idleMs?: number;
  /** Waits before a retry. */
  readonly pause?: Pause;
}

/** Yields frames in the order of the routes. Throws RackseedError if the server sends anything else, or stays silent. */
export async function* fetchExtents(options: ExtentFetch): AsyncGenerator<LooseFrame> {
  const { routes, signal, pause = pauseFor } = options;
  let done = 0, failures = 0;
  while (done < routes.length) {
    try {
      for await (const frame of fetchSome(options, routes.slice(done, done + MAX_CUT_FRAMES))) {
        done++;
        failures = 0;
        yield frame;
      }
    } catch (error) {
      signal.throwIfAborted();
      const lasting = error instanceof RackseedError && error.status < 500;
      if (lasting || ++failures === MAX_FAILURES) throw error;
      // with jitter: all nodes of a rack may be waiting for the same server
      await pause(1000 * 2 ** failures * (0.75 + Math.random() / 2), signal);
    }
  }
}

async function* fetchSome(
  { client, path, manifest, onBytes, signal, idleMs = IDLE_MS }: ExtentFetch,
  routes: readonly Pick<FrameRoute, "frame" | "extents">[],
): AsyncGenerator<LooseFrame> {
  const frames = routes.map(({ frame, extents }) => ({ frame, extents: [...extents] }));
  using idle = new IdleTimer(idleMs);
  const either = AbortSignal.any([signal, idle.signal]);
  const response = await client.send("POST", path, {
    json: { frames } satisfies ExtentRequest,
    signal: either,
  });
  const onMoved = (bytes: number) => {
    idle.reset();
    onBytes(bytes);
  };
  let next = 0;
  for await (const packed of decodeCuts(counted(bodyOf(response, either), onMoved))) {
    const route = routes[next++];
    if (route === undefined) throw unfit(new RangeError("it holds more than was requested"));
    // the consumer may take its time over the frame
    idle.stop();
    yield { frame: route.frame, contents: openProved(packed, { route, manifest }) };
    idle.reset();
  }
  if (next < routes.length) throw unfit(new RangeError("it ends too early"));
}

/** Its signal aborts unless the timer is reset or stopped in time. */
class IdleTimer implements Disposable {
  readonly #abort = new AbortController();
  readonly #idleMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(idleMs: number) {
    this.#idleMs = idleMs;
    this.reset();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  reset(): void {
    this.stop();
    const reason = new Error(`the server sent nothing for ${this.#idleMs / 1000} s`);
    this.#timer = setTimeout(() => this.#abort.abort(reason), this.#idleMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}

function openProved(
  packed: Uint8Array,
  { route, manifest }: { route: Pick<FrameRoute, "frame" | "extents">; manifest: Manifest },
): Map<number, Uint8Array> {
  const slices = route.extents.map((number) => manifest.frames[route.frame]?.extents[number] as FrameSlice);
  try {
    const contents = openCut(packed, slices.map(({ sizeBytes }) => sizeBytes));
    return new Map(contents.map((content, i) => {
      if (sha256(content).toString("base64url") !== slices[i]?.sha256) {
        throw new RangeError("an extent has another SHA-256 than the manifest says");
      }
      return [route.extents[i] as number, content];
    }));
  } catch (error) {
    throw unfit(error);
  }
}

async function* counted(
  body: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    onBytes(chunk.length);
    yield chunk;
  }
}

function unfit(error: unknown): RackseedError {
  return new RackseedError("cannot use what the server's extent service sent", {
    reason: `${messageOf(error)}.`,
    remedy: "verify the image on the server (`rackseed image verify`), then restore again.",
    status: 502,
    cause: error,
  });
}
