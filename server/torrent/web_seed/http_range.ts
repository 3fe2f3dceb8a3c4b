import { bodyOf } from "#contract/response_body.ts";
import type { PeerIdentity } from "../ports.ts";

/** A byte range of one of a torrent's files. */
interface RemoteRange {
  /** The torrent's name. */
  readonly torrent: string;
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}

/** Requests a range, by any HTTP client. Throws if there is no response. */
type RequestRange = (
  range: RemoteRange,
  options: { rangeHeader: string; signal: AbortSignal },
) => Promise<Response>;

/** An HTTP server that has a torrent's files. */
export interface HttpSource {
  readonly url: string;
  readonly request: RequestRange;
}

/**
 * A web seed as in BEP 19 (GetRight style): a file's URL is `url`, the torrent's name, "/" and the file's name. fetch
 * keeps connections alive and reuses them.
 */
export function webSeedAt(url: string): HttpSource {
  const base = url.endsWith("/") ? url : `${url}/`;
  return {
    url,
    request: ({ torrent, file }, { rangeHeader, signal }) =>
      fetch(`${base}${encodeURIComponent(torrent)}/${encodeURIComponent(file)}`, {
        // offsets refer to content without an encoding
        headers: { range: rangeHeader, "accept-encoding": "identity" },
        // a pack store's signed URL; what it sends is verified like all else
        redirect: "follow",
        signal,
      }),
  };
}

/** Names a web seed like a peer, with its URL in place of the peer id. */
export function identityOf({ url }: HttpSource): PeerIdentity {
  const { hostname, port, protocol } = new URL(url);
  return { hostname, port: Number(port) || (protocol === "https:" ? 443 : 80), peerId: url };
}

/**
 * Yields a range's bytes as they arrive, never more than requested. Throws if the response is for another range
 * (RFC 9110 §14.4), too short or too long.
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
    if (bytes.length > left) throw new Error(`it sends more of ${file} than was requested`);
    left -= bytes.length;
    yield bytes;
  }
  if (left > 0) throw new Error(`it sent ${left} bytes too few of ${file}`);
}

/** A server may ignore the range (RFC 9110 §14.2). That is fine if the whole file was requested. */
function isAnswerTo({ offset, length }: RemoteRange, { status, headers }: Response): boolean {
  const wanted = `bytes ${offset}-${offset + length - 1}/`;
  return status === 206
    ? headers.get("content-range")?.startsWith(wanted) ?? false
    : status === 200 && offset === 0 && headers.get("content-length") === String(length);
}
