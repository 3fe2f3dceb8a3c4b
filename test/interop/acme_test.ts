/** A certificate from a real ACME server: obtained, kept, renewed, and done without while the authority is down. */
import assert from "node:assert/strict";
import tls from "node:tls";
import { z } from "zod";
import { Notice } from "#contract/api.ts";
import { Notices } from "../../server/images/notices.ts";
import type { SiteCertificate } from "../../server/access/site_certificate.ts";
import { AcmeCertificate } from "../../server/services/acme_certificate.ts";
import { freePort, Pebble, pebbleNeeds } from "../support/pebble.ts";
import { needs } from "../support/needs.ts";
import { waitFor } from "../support/wait_for.ts";
import { Product } from "../flows/support/product.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";

/** An order takes several requests, and pauses between them. */
const PATIENCE = { timeoutMs: 120_000, everyMs: 200 };
const NAMES = ["images.site.example", "img1.site.example"];

/** What a browser that trusts only `ca` sees at the port; undefined if it does not trust that. */
function shown(
  port: number,
  { ca, servername }: { ca: string; servername: string },
): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket = tls.connect({ host: "127.0.0.1", port, servername, ca }, () => {
    resolve(socket.getPeerCertificate().fingerprint256);
    socket.end();
  });
  socket.on("error", () => resolve(undefined));
  return promise;
}

Deno.test({
  name: "the site's port presents a certificate from the authority, and after a restart the same one",
  ...needs(pebbleNeeds),
  async fn() {
    const acmePort = freePort();
    await using pebble = await Pebble.start({ httpPort: acmePort });
    const { directory: acmeDirectory, caFile: acmeCaFile } = pebble;
    const settings = { acmeDirectory, acmeCaFile, acmeDomain: NAMES, acmePort };
    const siteListen = { hostname: "127.0.0.1", port: 0 };
    await using test = await ServerUnderTest.start({ settings: { ...settings, siteListen } });
    const ca = await pebble.root();
    const port = () => test.server.ports.site ?? assert.fail("no port of the site");
    const own = Deno.readTextFileSync(`${test.data}/tls/ca.pem`);
    const see = (servername: string) => shown(port(), { ca, servername });
    const first = await waitFor("the certificate", () => see("images.site.example"), PATIENCE);
    assert.equal(await see("img1.site.example"), first);
    assert.equal(await see("other.site.example"), undefined);
    assert.equal(await shown(port(), { ca: own, servername: "localhost" }), undefined);
    for (const name of ["acme.key", "site.key", "site.pem"]) {
      assert.equal((Deno.statSync(`${test.data}/tls/${name}`).mode ?? 0) & 0o777, 0o600, name);
    }
    assert.deepEqual(await test.client.get("/notices", z.array(Notice)), []);
    await test.restart();
    assert.equal(await see("images.site.example"), first);
  },
});

Deno.test({
  name: "the compiled product obtains a certificate",
  ...needs(pebbleNeeds),
  async fn() {
    const port = freePort();
    await using pebble = await Pebble.start({ httpPort: port });
    await using product = await Product.withServer([
      ...["--acme-directory", pebble.directory.href, "--acme-ca-file", pebble.caFile],
      ...["--acme-domain", NAMES[0] ?? "", "--acme-port", String(port), "--site-listen", "127.0.0.1:0"],
    ]);
    const site = product.status.ports.site ?? assert.fail("no port of the site");
    const ca = await pebble.root();
    await waitFor("the certificate", () => shown(site, { ca, servername: NAMES[0] ?? "" }), PATIENCE);
  },
});

Deno.test({
  name: "while the authority is down, browsers get the certificate that there is, and a notice says why",
  ...needs(pebbleNeeds),
  async fn() {
    const settings = {
      acmeDirectory: new URL(`https://127.0.0.1:${freePort()}/dir`),
      acmeDomain: NAMES,
      acmePort: freePort(),
      siteListen: { hostname: "127.0.0.1", port: 0 },
    };
    await using test = await ServerUnderTest.start({ settings });
    const [notice] = await waitFor("a notice", async () => {
      const notices = await test.client.get("/notices", z.array(Notice));
      return notices.length > 0 ? notices : undefined;
    });
    assert.equal(notice?.subject, "certificate of images.site.example");
    assert.match(notice?.problem ?? "", /cannot obtain a certificate .*server's own authority/);
    const own = Deno.readTextFileSync(`${test.data}/tls/ca.pem`);
    assert.ok(await shown(test.server.ports.site ?? 0, { ca: own, servername: "localhost" }));
  },
});

Deno.test({
  name: "a certificate is renewed in its last third, not before; a failure keeps it and is tried again",
  ...needs(pebbleNeeds),
  async fn() {
    const port = freePort(), clock = { ms: Date.now() };
    await using pebble = await Pebble.start({ httpPort: port });
    const data = await Deno.makeTempDir({ prefix: "rackseed-acme-" });
    await Deno.mkdir(`${data}/tls`);
    const { directory, caFile } = pebble;
    const notices = new Notices(() => {});
    let isOpen = true;
    const certificate: AcmeCertificate = new AcmeCertificate({
      settings: { directory, caFile, names: ["images.site.example"], email: "ops@site.example" },
      data,
      notices,
      listen: () => {
        const onListen = () => {};
        const answer = (request: Request) => certificate.answer(new URL(request.url).pathname);
        return Deno.serve({ hostname: "127.0.0.1", port: isOpen ? port : 0, onListen }, answer);
      },
      signal: new AbortController().signal,
      now: () => clock.ms,
    });
    const presented: SiteCertificate[] = [];
    const check = () => certificate.check((one) => presented.push(one));
    await check();
    const [first] = presented;
    assert.ok(first, JSON.stringify(notices.list()));
    await check();
    assert.equal(presented.length, 1, "it is not due");
    const lifeMs = first.notAfter.getTime() - first.notBefore.getTime();
    clock.ms = first.notAfter.getTime() - lifeMs / 4;
    isOpen = false;
    await check();
    assert.match(notices.list()[0]?.problem ?? "", /The one until \d{4}-\d\d-\d\d stays in use/);
    assert.equal(certificate.current?.cert, first.cert);
    isOpen = true;
    await check();
    assert.equal(presented.length, 1, "it pauses after a failure");
    clock.ms += 5 * 60_000;
    await check();
    assert.deepEqual([presented.length, notices.list()], [2, []]);
    assert.notEqual(presented[1]?.cert, first.cert);
    assert.equal(certificate.answer("/.well-known/acme-challenge/x").status, 404, "no answer is left");
    await Deno.remove(data, { recursive: true });
  },
});
