import assert from "node:assert/strict";
import { decodeAnswer } from "./bmc_answer.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const decode = (text: string, ended = true) => {
  const answer = decodeAnswer(bytes(text), { ended });
  return answer && { status: answer.status, body: new TextDecoder().decode(answer.body) };
};

const whole: [name: string, text: string, status: number, body: string][] = [
  ["a length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}"],
  ["no reason phrase", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}", 200, "{}"],
  ["the connection's end", "HTTP/1.0 200 OK\r\n\r\n{}", 200, "{}"],
  [
    "chunks",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
    200,
    "{}",
  ],
  ["100 Continue before it", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 204, ""],
];
for (const [name, text, status, body] of whole) {
  Deno.test(`an answer that ends by ${name}`, () => assert.deepEqual(decode(text), { status, body }));
}

const broken: [name: string, text: string][] = [
  ["no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
  ["nothing", ""],
  ["half a body", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}"],
  ["half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"],
  ["a chunk without a size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"],
  ["a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"],
];
for (const [name, text] of broken) {
  Deno.test(`an answer that is broken: ${name}`, () => assert.throws(() => decode(text), SyntaxError));
}

Deno.test("an answer that is not complete yet, and a header without end", () => {
  assert.equal(decode("HTTP/1.1 200 OK\r\nContent-Le", false), undefined);
  assert.throws(() => decode(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(40_000)}`, false), /too long/);
});
