import assert from "node:assert/strict";
import type { IdentityClaim } from "#contract/api.ts";
import { RackseedError } from "#contract/errors.ts";
import type { Identity } from "#contract/identity.ts";
import type { Answer } from "../../sys/question.ts";
import { askIdentity } from "./ask_identity.ts";

const identity = (hostname: string, address: string): Identity => ({
  hostname,
  interfaces: [{
    kind: "ethernet",
    addresses: address === "dhcp" ? address : [address],
    gateways: [],
    dns: [],
  }],
});
const person = (text: string): Answer => ({ by: "person", text });
const time: Answer = { by: "time" };

/** Answers are given in order; "taken" is another node's name, 10.0.0.9 another node's address. */
async function session(answers: Answer[], { assigned = identity("n1", "10.0.0.5/24") } = {}) {
  const asked: string[] = [], lines: string[] = [], claims: IdentityClaim[] = [];
  const result = await askIdentity({
    console: {
      line: (text) => void lines.push(text),
      ask: (text) => {
        asked.push(text);
        return Promise.resolve(answers.shift() ?? time);
      },
    },
    assigned,
    limitMs: 60_000,
    claim(body) {
      claims.push(body);
      if (body.hostname === "taken" || body.address === "10.0.0.9/24") {
        const reason = `the ${body.address ? "address 10.0.0.9" : "host name taken"} belongs to the node n9.`;
        throw new RackseedError("cannot set the node n1", { reason, remedy: "choose another", status: 409 });
      }
      return Promise.resolve(identity(body.hostname, body.address ?? "10.0.0.77/24"));
    },
    signal: new AbortController().signal,
  });
  return { ...result, asked, lines, claims };
}

Deno.test("nobody answers: the proposal is used, and nothing is claimed", async () => {
  const { identity: taken, message, claims } = await session([time]);
  assert.deepEqual([taken, claims], [identity("n1", "10.0.0.5/24"), []]);
  assert.match(message, /^nobody answered in 60 s: n1, 10\.0\.0\.5\/24$/);
});

Deno.test("one typed name is enough: the server supplies the address for it", async () => {
  const { identity: taken, asked } = await session([person("db7"), time]);
  assert.deepEqual(taken, identity("db7", "10.0.0.77/24"));
  assert.deepEqual(asked, ["name [n1]", "address [10.0.0.77/24]"]);
});

Deno.test("an invalid name and another node's name are refused with the reason, and the question is repeated", async () => {
  const { identity: taken, lines, asked } = await session([
    ...[person("not a name"), person("-x"), person("taken"), person("db7"), person("")],
  ]);
  assert.equal(taken.hostname, "db7");
  assert.equal(asked.filter((a) => a.startsWith("name")).length, 4);
  assert.ok(lines.includes("Not accepted: the host name taken belongs to the node n9."));
  assert.ok(lines.some((l) => /labels of letters/.test(l)));
});

const addresses: [typed: string[], expected: string | readonly string[]][] = [
  [["dhcp"], "dhcp"],
  [["10.0.0.78"], ["10.0.0.78/24"]],
  [["10.0.0.78/16"], ["10.0.0.78/16"]],
  [["10.0.0.300", "10.0.0", "10.0.0.78/33", "x", "10.0.0.9", "10.0.0.78"], ["10.0.0.78/24"]],
];
for (const [typed, expected] of addresses) {
  Deno.test(`an address at the console: ${typed.join(", ")}`, async () => {
    const { identity: taken, claims } = await session([person("db7"), ...typed.map(person)]);
    assert.deepEqual(taken.interfaces[0]?.addresses, expected);
    assert.equal(claims.at(-1)?.hostname, "db7");
  });
}

Deno.test("if the server is unreachable, the question is not repeated", async () => {
  const claim = () => Promise.reject(new RackseedError("x", { reason: "away", remedy: "y", status: 503 }));
  const console = { line: () => {}, ask: () => Promise.resolve(person("db7")) };
  const { signal } = new AbortController();
  await assert.rejects(
    askIdentity({ console, assigned: identity("n1", "dhcp"), limitMs: 1, claim, signal }),
    { status: 503 },
  );
});
