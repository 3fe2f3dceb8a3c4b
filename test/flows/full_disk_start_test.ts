/** A data directory on a disk that other programs have filled to the last byte. */
import assert from "node:assert/strict";
import type { ImageView } from "#contract/api.ts";
import { AuditPage } from "#contract/api/audit.ts";
import { ServerUnderTest } from "./support/server_under_test.ts";

const CONTRACT = new URL("../../server/contract", import.meta.url).pathname;
const BOOT = new URL("../../boot", import.meta.url).pathname;

for (const [what, hasReserve] of [["its reserve", true], ["no reserve", false]] as const) {
  Deno.test({
    name: `with ${what} on a full disk the server starts, serves, reports the problem, and can delete`,
    // Mounting a tmpfs needs root.
    ignore: Deno.uid() !== 0,
    async fn() {
      const folder = await Deno.makeTempDir({ prefix: "rackseed-full-" });
      await run("mount", "-t", "tmpfs", "-o", "size=24m", "rackseed-full", folder);
      try {
        const data = `${folder}/data`;
        await using test = await ServerUnderTest.start({ data });
        await test.publish("web", { root: CONTRACT });
        await test.publish("old", { root: BOOT });
        const names = async () =>
          (await (await test.client.send("GET", "/images")).json() as ImageView[]).map((v) => v.image);
        await test.restart(() => {
          if (!hasReserve) Deno.removeSync(`${data}/reserve`);
          fill(`${folder}/filler`);
          return Promise.resolve();
        });
        // The program that fills the disk may also take the space that releasing the reserve freed.
        fill(`${folder}/more`);
        assert.deepEqual(await names(), ["old", "web"]);
        const notices = await (await test.client.send("GET", "/notices")).json();
        assert.match(JSON.stringify(notices), /disk of the data directory is full.*image delete/);
        const settings = test.client.send("PUT", "/nodes/n1", { json: {} });
        await assert.rejects(settings, /cannot record this action in the audit log.*is full/);
        assert.deepEqual(await logIn(test), [303, 200]);
        const capture = test.publish("web", { root: BOOT });
        await assert.rejects(capture, /file system of the data directory is full/);
        await test.client.send("DELETE", "/images/old");
        assert.deepEqual(await names(), ["web"]);
        for (const name of ["filler", "more"]) Deno.removeSync(`${folder}/${name}`);
        await test.client.send("PUT", "/nodes/n1", { json: {} });
        const { entries } = await test.client.get("/audit", AuditPage);
        const [set, deletion, login] = entries.map(({ action, images, outcome }) =>
          [action, ...images, outcome?.result].join(" ")
        );
        assert.deepEqual([set, deletion, login], ["node.set done", "image.delete old done", "login done"]);
        await test.restart();
        assert.deepEqual(await names(), ["web"]);
        assert.equal((await test.publish("web", { root: BOOT })).version, 2);
        const lines = await (await test.client.send("POST", "/images/web@1/verify")).text();
        assert.doesNotMatch(lines, /"damage"/);
      } finally {
        await run("umount", folder);
        await Deno.remove(folder);
      }
    },
  });
}

/** Logs in with the admin token as a browser does; the status of that, and of the page. */
async function logIn({ data, server }: ServerUnderTest): Promise<number[]> {
  using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(`${data}/tls/ca.pem`)] });
  const origin = server.urls.server;
  const login = await fetch(`${origin}/login`, {
    client,
    method: "POST",
    redirect: "manual",
    headers: { origin },
    body: new URLSearchParams({ token: server.token }),
  });
  await login.body?.cancel();
  const cookie = login.headers.get("set-cookie")?.split(";")[0] ?? "";
  const page = await fetch(origin, { client, headers: { cookie } });
  await page.body?.cancel();
  return [login.status, page.status];
}

/** Uses up every free byte. */
function fill(path: string): void {
  assert.throws(() => Deno.writeFileSync(path, new Uint8Array(32 << 20)), { code: "ENOSPC" });
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
}
