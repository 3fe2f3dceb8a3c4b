/** A stranger in the server's place: who holds a token gives it to nobody but the server that the token names. */
import assert from "node:assert/strict";
import { ApiClient } from "#contract/client.ts";
import { HostileApi } from "../support/hostile_api.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const STRANGERS: readonly [what: string, ca: (real: string, own: string) => string][] = [
  ["its own certificate authority", (_, own) => own],
  ["the server's, which is public, and its own after it", (real, own) => real + own],
  ["its own, and the server's after it", (real, own) => own + real],
  ["its own within the server's", (real, own) => real.replace("\n", `\n${own}`)],
];

for (const [what, ca] of STRANGERS) {
  Deno.test(`a stranger who shows ${what} gets no token`, async () => {
    await using test = await ServerUnderTest.start();
    const real = await Deno.readTextFile(`${test.data}/tls/ca.pem`);
    assert.match(real, /^-----BEGIN CERTIFICATE-----/);
    await using stranger = await HostileApi.start(() => Response.json([]), { ca: (own) => ca(real, own) });
    await assert.rejects(async () => {
      using client = await ApiClient.connect({ server: stranger.url, token: test.server.token });
      await client.call("GET /nodes", {});
    }, /cannot trust the server|cannot reach the server/);
    assert.deepEqual(stranger.calls, []);
  });
}
