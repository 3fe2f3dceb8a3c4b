/** A relay that the test plays: it enrols and signs as a real one, and reports what it is told to. */
import { generateKeyPairSync } from "node:crypto";
import { ApiClient } from "#contract/client.ts";
import type { RelayOffer, RelayReport } from "#contract/api/sites.ts";
import { signatureHeaders, type SignedRequest } from "#contract/relay_signature.ts";

function makeKeys(): { readonly privateKey: string; readonly publicKey: string } {
  return generateKeyPairSync("ed25519", {
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
}

/** What the relay of a small site reports: one node that runs, and one that failed. */
const SMALL_SITE: RelayReport = {
  rackseed: "0.1.0",
  nodes: [
    { name: "p1", state: "running", image: "web@1", group: "rack1", address: "10.9.0.1" },
    { name: "p2", state: "failed", image: "web@1", problem: "cannot partition /dev/sda: it is gone." },
  ],
  mirror: [{ image: "web", version: 1, state: "copying", doneBytes: 512, totalBytes: 1024 }],
  events: [{
    nodeId: "2",
    node: "p2",
    ref: "d1",
    event: { kind: "deployment", at: "2026-11-30T00:00:00Z", result: "failed", image: "web@1" },
  }],
};

export class MadeRelay implements Disposable {
  readonly client: ApiClient;
  readonly #keys = makeKeys();

  private constructor(client: ApiClient) {
    this.client = client;
  }

  /** Has the token and a key, and has not enrolled. */
  static async open({ server, token }: { server: string; token: string }): Promise<MadeRelay> {
    const relay = new MadeRelay(await ApiClient.connect({ server, token }));
    const authorization = `Bearer ${token.split(".")[2]}`;
    relay.client.signWith((request) => ({ authorization, ...relay.#signed(request) }));
    return relay;
  }

  static async enrol(options: { server: string; token: string }): Promise<MadeRelay> {
    const relay = await MadeRelay.open(options), { publicKey } = relay.#keys;
    await relay.client.call("POST /relay/enrol", { body: { publicKey } });
    relay.client.signWith((request) => relay.#signed(request));
    return relay;
  }

  #signed(request: SignedRequest): Record<string, string> {
    return signatureHeaders(request, { privateKey: this.#keys.privateKey, nowMs: Date.now() });
  }

  report(body: RelayReport = SMALL_SITE): Promise<RelayOffer> {
    return this.client.call("POST /relay/sync", { body });
  }

  [Symbol.dispose](): void {
    this.client[Symbol.dispose]();
  }
}
