import { bodyOf } from "#contract/response_body.ts";
import type { PeerIdentity } from "../ports.ts";

/** A run of bytes of one of a torrent's files. */
interface RemoteRange {
  /** The torrent's own name. */
  readonly torrent: string;
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

/** Asks for a range; any HTTP client will do. Throws where nothing comes back. */
type RequestRange = (
  range: RemoteRange,
  options: { rangeHeader: string; signal: AbortSignal },
) => Promise<Response>;

/** A place that has a torrent's files over HTTP. */
export interface HttpSource {
  readonly url: string;
  readonly request: RequestRange;
}

/**
 * A web seed in the way of BEP 19 (GetRight): the file's URL is `url`, the torrent's name, "/", the file's
 * name. Connections are kept and used again by fetch itself.
 */
export function webSeedAt(url: string): HttpSource {
  const base = url.endsWith("/") ? url : `${url}/`;
  return {
    url,
    request: ({ torrent, file }, { rangeHeader, signal }) =>
      fetch(`${base}${encodeURIComponent(torrent)}/${encodeURIComponent(file)}`, {
        // encoded content would have other offsets
        headers: { range: rangeHeader, "accept-encoding": "identity" },
        redirect: "error",
        signal,
      }),
  };
}

/** How a web seed is named where peers are. */
export function identityOf({ url }: HttpSource): PeerIdentity {
  const { hostname, port, protocol } = new URL(url);
  return { hostname, port: Number(port) || (protocol === "https:" ? 443 : 80), peerId: url };
}

/**
 * The bytes of a range as they come, never more than asked for. Throws where the answer is another range
 * (RFC 9110 §14.4), or ends too early.
 */
export async function* readRange(
  { request }: HttpSource,
  { range, signal }: { range: RemoteRange; signal: AbortSignal },
): AsyncGenerator<Uint8Array, void, undefined> {
  const { offset, length, file } = range;
  const last = offset + length - 1;
  const response = await request(range, { rangeHeader: `bytes=${offset}-${last}`, signal });
  if (!isAnswerTo(range, response)) {
    await response.body?.cancel();
    throw new Error(`it answered ${response.status} to a request for bytes ${offset}-${last} of ${file}`);
  }
  let left = length;
  for await (const bytes of bodyOf(response, signal)) {
    if (bytes.length > left) throw new Error(`it sends more of ${file} than was asked for`);
    left -= bytes.length;
    yield bytes;
  }
  if (left > 0) throw new Error(`it ended ${left} bytes too early in ${file}`);
}

/** A server may ignore the range (RFC 9110 §14.2): right where the whole file was asked for. */
function isAnswerTo({ offset, length }: RemoteRange, { status, headers }: Response): boolean {
  const wanted = `bytes ${offset}-${offset + length - 1}/`;
  return status === 206
    ? headers.get("content-range")?.startsWith(wanted) ?? false
    : status === 200 && offset === 0 && headers.get("content-length") === String(length);
}
