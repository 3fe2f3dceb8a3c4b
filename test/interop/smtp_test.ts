/** Mail by the real aiosmtpd, set up as a site's mail server: STARTTLS, login, unknown and busy recipients. */
import assert from "node:assert/strict";
import { z } from "zod";
import { FailedDelivery, MailView, ResendAnswer, WebhookTest } from "#contract/api/webhooks.ts";
import { issueServerCertificate, openAuthority } from "../../server/access/tls.ts";
import type { ServerOptions } from "../../server/cli/server_options.ts";
import { LineProcess } from "../support/line_process.ts";
import { needs } from "../support/needs.ts";
import { waitFor } from "../support/wait_for.ts";
import { Product } from "../flows/support/product.ts";
import { ServerUnderTest } from "../flows/support/server_under_test.ts";

const PYTHON = "/usr/bin/python3";
const smtpNeeds = needs({ files: [PYTHON, "/usr/lib/python3/dist-packages/aiosmtpd/__init__.py"] });
const SCRIPT = new URL("./smtp/server.py", import.meta.url).pathname;
const SOURCES = new URL("../../server/contract/api", import.meta.url).pathname;
const USER = "rackseed", PASSWORD = "mail secret";

/** The mail server, and the settings by which Rackseed reaches it. */
class MailSite implements AsyncDisposable {
  readonly smtp: LineProcess;
  readonly folder: string;
  readonly settings: Partial<ServerOptions>;

  private constructor(
    smtp: LineProcess,
    { folder, security }: { folder: string; security: "starttls" | "tls" },
  ) {
    this.smtp = smtp;
    this.folder = folder;
    this.settings = {
      mailServer: "localhost",
      mailPort: Number(smtp.first["port"]),
      mailSecurity: security,
      mailCaFile: `${folder}/tls/ca.pem`,
      mailUser: USER,
      mailPasswordFile: `${folder}/password`,
      mailFrom: "rackseed@site.example",
      mailTo: ["ops@site.example", "night+shift@site.example"],
    };
  }

  static async start(security: "starttls" | "tls" = "starttls"): Promise<MailSite> {
    const folder = await Deno.makeTempDir({ prefix: "rackseed-mail-" });
    const { cert, key } = await issueServerCertificate(await openAuthority(folder), ["localhost"]);
    await Deno.writeTextFile(`${folder}/cert.pem`, cert);
    await Deno.writeTextFile(`${folder}/key.pem`, key);
    await Deno.writeTextFile(`${folder}/password`, `${PASSWORD}\n`);
    const mode = security === "tls" ? ["tls"] : [];
    const args = [SCRIPT, `${folder}/cert.pem`, `${folder}/key.pem`, USER, PASSWORD, ...mode];
    return new MailSite(await LineProcess.start(PYTHON, args), { folder, security });
  }

  get mails() {
    return this.smtp.lines.map((line) => Mail.parse(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.smtp[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

const Mail = z.object({
  from: z.string(),
  to: z.array(z.string()),
  encrypted: z.boolean(),
  login: z.string().nullable(),
  headers: z.record(z.string(), z.string()),
  text: z.string(),
});

const test = (server: ServerUnderTest) => server.client.post("/mail/test", { body: {}, schema: WebhookTest });

for (const security of ["starttls", "tls"] as const) {
  Deno.test({
    name: `a test mail arrives encrypted (${security}) and after a login`,
    ...smtpNeeds,
    async fn() {
      await using site = await MailSite.start(security);
      await using server = await ServerUnderTest.start({ settings: site.settings });
      assert.deepEqual(await test(server), { delivered: true });
      const mail = await waitFor("the mail", () => site.mails[0]);
      assert.deepEqual([mail.from, mail.to, mail.encrypted, mail.login], [
        "rackseed@site.example",
        ["ops@site.example", "night+shift@site.example"],
        true,
        USER,
      ]);
      assert.match(mail.headers["Subject"] ?? "", /^\[\S+\] this is a test$/);
      assert.match(mail.headers["Message-ID"] ?? "", /^<msg_[0-9a-f]{32}@site\.example>$/);
      assert.equal(mail.headers["Auto-Submitted"], "auto-generated");
      assert.match(mail.headers["Date"] ?? "", /\d{4} \d\d:\d\d:\d\d/);
      assert.match(mail.text, /^Rackseed on .*, test\r?\n$/m);
    },
  });
}

Deno.test({
  name: "what happens is mailed once it can be: a server that was down gets it later, by the webhooks' queue",
  ...smtpNeeds,
  async fn() {
    await using site = await MailSite.start();
    const settings = { ...site.settings, mailEvent: ["capture.done"] as const };
    await Deno.writeTextFile(`${site.folder}/password`, "wrong\n");
    await using server = await ServerUnderTest.start({ settings });
    await server.publish("web", { root: SOURCES });
    const mail = () => server.client.get("/mail", MailView);
    await waitFor("a refused login", async () => (await mail()).problem);
    assert.match((await mail()).problem ?? "", /535/);
    assert.ok(!(await mail()).problem?.includes(PASSWORD));
    await Deno.writeTextFile(`${site.folder}/password`, `${PASSWORD}\n`);
    const [first] = await waitFor("the mail", () => site.mails.length > 0 ? site.mails : undefined);
    assert.match(first?.headers["Subject"] ?? "", /web@1 was captured$/);
    await waitFor("an empty queue", async () => (await mail()).waiting === 0);
    assert.equal((await mail()).problem, undefined);
  },
});

Deno.test({
  name: "an unknown recipient is a dead letter at once, which can be sent again; a busy one is tried later",
  ...smtpNeeds,
  async fn() {
    await using site = await MailSite.start();
    const settings = {
      ...site.settings,
      mailTo: ["nobody@site.example"],
      mailEvent: ["capture.done"] as const,
    };
    await using server = await ServerUnderTest.start({ settings });
    await server.publish("web", { root: SOURCES });
    const failures = () => server.client.get("/webhook-failures", z.array(FailedDelivery));
    await waitFor("a dead letter", async () => (await failures()).length > 0);
    const [letter] = await failures();
    assert.deepEqual([letter?.webhook, letter?.event], ["(mail)", "capture.done"]);
    assert.match(letter?.reason ?? "", /550.*nobody of that name/);
    assert.deepEqual(await server.client.get("/webhooks", z.array(z.unknown())), [], "mail is no webhook");
    const resent = await server.client.post("/webhook-failures/resend", { body: {}, schema: ResendAnswer });
    assert.equal(resent.resent, 1);
    await waitFor("the same dead letter", async () => (await failures()).length > 0);

    await using later = await ServerUnderTest.start({
      settings: { ...settings, mailTo: ["later@site.example"] },
    });
    assert.match((await test(later)).reason ?? "", /451.*come back later/);
    await later.publish("web", { root: SOURCES });
    await waitFor("a try", async () => (await later.client.get("/mail", MailView)).problem);
    assert.deepEqual(
      (({ waiting, failed }) => ({ waiting, failed }))(await later.client.get("/mail", MailView)),
      {
        waiting: 1,
        failed: 0,
      },
    );
  },
});

Deno.test({
  name: "a mail server with another certificate, and one without STARTTLS, get neither password nor mail",
  ...smtpNeeds,
  async fn() {
    await using site = await MailSite.start();
    const { mailCaFile: _, ...untrusted } = site.settings;
    await using server = await ServerUnderTest.start({ settings: untrusted });
    assert.match((await test(server)).reason ?? "", /certificate|issuer|UnknownIssuer/i);
    using plain = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const heard = hear(plain);
    await using other = await ServerUnderTest.start({
      settings: { ...site.settings, mailPort: plain.addr.port },
    });
    assert.equal((await test(other)).delivered, false);
    const said = await heard;
    assert.match(said, /^EHLO /);
    assert.ok(!/AUTH|MAIL/.test(said), said);
    assert.deepEqual(site.mails, []);
  },
});

Deno.test({
  name: "the compiled product sends a test mail by STARTTLS",
  ...smtpNeeds,
  async fn() {
    await using site = await MailSite.start();
    const { mailPort, mailFrom, mailTo = [] } = site.settings;
    await using product = await Product.withServer([
      ...["--mail-server", "localhost", "--mail-port", String(mailPort), "--mail-from", mailFrom ?? ""],
      ...["--mail-ca-file", `${site.folder}/tls/ca.pem`, "--mail-to", mailTo[0] ?? ""],
      ...["--mail-user", USER, "--mail-password-file", `${site.folder}/password`],
    ]);
    assert.equal(await product.done("mail", "test"), "the mail server took the message\n");
    assert.equal((await waitFor("the mail", () => site.mails[0])).encrypted, true);
    assert.match(await product.done("mail", "show"), /^server: +localhost:\d+$/m);
  },
});

Deno.test("without a mail server there is no mail", async () => {
  await using server = await ServerUnderTest.start();
  await assert.rejects(server.client.send("GET", "/mail"), { status: 404 });
  await assert.rejects(server.client.send("POST", "/mail/test"), { status: 404 });
});

/** A mail server that offers nothing; returns what the client said. */
async function hear(listener: Deno.TcpListener): Promise<string> {
  using connection = await listener.accept();
  const write = (text: string) => connection.write(new TextEncoder().encode(text));
  await write("220 plain ESMTP\r\n");
  let said = "";
  const buffer = new Uint8Array(1024);
  for (let n = await connection.read(buffer); n !== null; n = await connection.read(buffer)) {
    const line = new TextDecoder().decode(buffer.subarray(0, n));
    said += line;
    if (line.startsWith("QUIT")) break;
    await write(line.startsWith("STARTTLS") ? "454 not here\r\n" : "250 plain\r\n");
  }
  return said;
}
