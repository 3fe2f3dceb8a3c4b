/** Decodes an HTTP/1.1 answer (RFC 9112) that arrives on a connection of its own. */

export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

const MAX_HEAD_BYTES = 32 << 10;
/** Statuses without a body (RFC 9112 §6.3). */
const BODILESS = new Set([204, 304]);

/**
 * Returns undefined while the answer is not complete; `ended`: no more bytes will come. Throws SyntaxError if it is no
 * HTTP, or ends early.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const bytes = new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
 * assert.equal(decodeAnswer(bytes.subarray(0, -1), { ended: false }), undefined);
 * assert.equal(decodeAnswer(bytes, { ended: false })?.status, 200);
 * assert.throws(() => decodeAnswer(bytes.subarray(0, -1), { ended: true }), SyntaxError);
 * ```
 */
export function decodeAnswer(bytes: Uint8Array, { ended }: { ended: boolean }): RawAnswer | undefined {
  const at = indexOf(bytes, "\r\n\r\n", 0);
  if (at < 0) {
    if (bytes.length > MAX_HEAD_BYTES) throw new SyntaxError("the answer's header is too long");
    if (ended) throw new SyntaxError("the connection ended before the answer");
    return undefined;
  }
  const { status, headers } = decodeHead(new TextDecoder("latin1").decode(bytes.subarray(0, at)));
  const rest = bytes.subarray(at + 4);
  // 100 Continue and its like come before the answer
  if (status < 200) return decodeAnswer(rest, { ended });
  if (BODILESS.has(status)) return { status, headers, body: new Uint8Array() };
  if (/\bchunked\s*$/i.test(headers.get("transfer-encoding") ?? "")) {
    const body = decodeChunks(rest);
    if (body) return { status, headers, body };
  } else {
    const length = headers.get("content-length");
    if (length === null && ended) return { status, headers, body: rest };
    if (length !== null && !/^\d{1,10}$/.test(length)) throw new SyntaxError("a wrong Content-Length");
    if (length !== null && rest.length >= Number(length)) {
      return { status, headers, body: rest.subarray(0, Number(length)) };
    }
  }
  if (ended) throw new SyntaxError("the connection ended within the answer");
  return undefined;
}

function decodeHead(head: string): { status: number; headers: Headers } {
  const [first = "", ...lines] = head.split("\r\n");
  const [, status] = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first) ?? [];
  if (status === undefined) throw new SyntaxError("it does not speak HTTP");
  const headers = new Headers();
  for (const line of lines) {
    const [, name, value = ""] = /^([!#$%&'*+.^_`|~\w-]{1,100}):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    // a header that cannot be read is none that this client needs
    if (name !== undefined && !/[^\x20-\x7e\t\x80-\xff]/.test(value)) headers.append(name, value);
  }
  return { status: Number(status), headers };
}

/** RFC 9112 §7.1; undefined while the last chunk is missing. */
function decodeChunks(bytes: Uint8Array): Uint8Array | undefined {
  const chunks: Uint8Array[] = [];
  for (let at = 0;;) {
    const end = indexOf(bytes, "\r\n", at);
    if (end < 0) return undefined;
    const line = new TextDecoder("latin1").decode(bytes.subarray(at, Math.min(end, at + 100)));
    const [, digits] = /^([0-9a-fA-F]{1,7})\s*(?:;|$)/.exec(line) ?? [];
    if (digits === undefined) throw new SyntaxError("a wrong chunk");
    const size = parseInt(digits, 16), start = end + 2;
    if (size === 0) return new Uint8Array(Buffer.concat(chunks));
    if (start + size + 2 > bytes.length) return undefined;
    chunks.push(bytes.subarray(start, start + size));
    at = start + size + 2;
  }
}

function indexOf(bytes: Uint8Array, text: string, from: number): number {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(text, from, "latin1");
}
