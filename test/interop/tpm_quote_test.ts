/** Agent and server with a real TPM 2.0 (swtpm): what is a proof, and what is none. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { TpmKeys, TpmQuote } from "#contract/api/attestation.ts";
import { RackseedError } from "#contract/errors.ts";
import { formatToken } from "#contract/token.ts";
import { concat } from "#contract/tpm/bytes.ts";
import { closingDigest, qualifyingData, QUOTED_PCRS } from "#contract/tpm/quoted.ts";
import { templateOf } from "#contract/tpm/public_key.ts";
import { quoteFor } from "../../agent/tpm/prove.ts";
import { Tpm } from "../../agent/tpm/tpm.ts";
import { Attestations } from "../../server/fleet/attestation/attestations.ts";
import { type ExpectedBoot, extended } from "../../server/fleet/attestation/judge_boot.ts";
import type { Assignment } from "../../server/store/assignment.ts";
import type { NodeRecord } from "../../server/store/node_record.ts";
import { NodeTpms } from "../../server/store/node_tpms.ts";
import { MACHINE_INVENTORY } from "../support/inventory.ts";
import { bootLog, hashOf, type LogEntry, SEPARATOR, textEvent } from "../support/boot_log.ts";
import { noSoftwareTpm, SoftwareTpm } from "../support/software_tpm.ts";
import { emptyDatabase } from "../../server/store/testing/test_database.ts";

const PIN = "p".repeat(43), SECRET = "s".repeat(43);
const TOKEN = formatToken({ pin: PIN, secret: SECRET });
const NODE: NodeRecord = { id: "1", name: "n1", settings: { requireTpm: "on" }, discovered: false };
const PENDING = { deployment: "d1", node: "1", image: "web", version: 3, state: "armed" } as Assignment;

/** What systemd-stub measures: here two sections. */
const SECTIONS = [hashOf("kernel of web@3"), hashOf("initramfs of web@3")];
const EXPECTED: ExpectedBoot = {
  programs: [hashOf("ipxe.efi")],
  image: hashOf("signed image of web@3"),
  kernel: hashOf("kernel program of web@3"),
  pcr11: extended("00".repeat(32), SECTIONS),
};

const program = (digest: string): LogEntry => ({
  pcr: 4,
  type: 0x80000003,
  digest,
  data: new Uint8Array(32),
});
const CALLING = textEvent(4, 0x80000007, "Calling EFI Application from Boot Option");
/** A firmware that loads the signed image. */
const TRUE_BOOT: readonly LogEntry[] = [
  CALLING,
  SEPARATOR,
  program(EXPECTED.image),
  ...SECTIONS.map((digest): LogEntry => ({ pcr: 11, type: 0xd, digest, data: new Uint8Array(8) })),
  program(EXPECTED.kernel),
];

interface Machine extends AsyncDisposable {
  readonly tpm: Tpm;
  readonly log: Uint8Array<ArrayBuffer>;
}

/** A machine whose firmware has measured this. */
async function switchedOn(entries: readonly LogEntry[] = TRUE_BOOT): Promise<Machine> {
  const software = await SoftwareTpm.start(), tpm = new Tpm(software.transmit);
  for (const { pcr, digest } of entries) await tpm.extendPcr(pcr, Buffer.from(digest, "hex"));
  return { tpm, log: bootLog(entries), [Symbol.asyncDispose]: () => software[Symbol.asyncDispose]() };
}

function server() {
  const clock = { ms: Date.parse("2026-06-30T12:00:00Z") }, now = () => clock.ms;
  const tpms = new NodeTpms(emptyDatabase(), { now });
  const attestations = new Attestations({
    tpms,
    requiredByDefault: false,
    expectedBoot: (ref) => ref === "web@3" ? Promise.resolve(EXPECTED) : Promise.reject(new Error(ref)),
    pin: PIN,
    now,
  });
  const challenge = (keys: TpmKeys) => Promise.resolve(attestations.challenge(SECRET, NODE, keys));
  const prove = (quote: TpmQuote) => attestations.prove(SECRET, { node: NODE, pending: PENDING, quote });
  return { clock, tpms, attestations, challenge, prove };
}

const missing = await noSoftwareTpm();
const test = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name: missing ? `${name} (skipped: ${missing})` : name, ignore: missing !== undefined, fn });

const refusedWith = (reason: RegExp) => (error: unknown) => {
  assert.ok(error instanceof RackseedError, String(error));
  assert.match(error.reason, reason);
  assert.match(error.remedy, /rackseed node/);
  return true;
};

test("a true agent proves itself, and its node is known by its TPM from then on", async () => {
  const { attestations, challenge, prove, tpms } = server();
  await using machine = await switchedOn();
  const proof = await prove(await quoteFor(challenge, { ...machine, token: TOKEN }));
  attestations.demand(NODE, { pending: PENDING, inventory: MACHINE_INVENTORY, proof });
  assert.equal(tpms.of("1")?.ek, proof.ek);
  assert.deepEqual(attestations.view(NODE, { isWaiting: true }), {
    ek: proof.ek,
    since: "2026-06-30T12:00:00.000Z",
    proved: "2026-06-30T12:00:00.000Z",
    required: true,
  });
});

test("firmware that does not measure the kernel in the image, and iPXE before the image, change nothing", async () => {
  const { challenge, prove } = server();
  await using machine = await switchedOn([
    CALLING,
    SEPARATOR,
    program(hashOf("ipxe.efi")),
    ...TRUE_BOOT.slice(2, -1),
  ]);
  await prove(await quoteFor(challenge, { ...machine, token: TOKEN }));
});

test("a quote is good once: replayed, it answers nothing", async () => {
  const { challenge, prove } = server();
  await using machine = await switchedOn();
  const quote = await quoteFor(challenge, { ...machine, token: TOKEN });
  await prove(quote);
  await assert.rejects(prove(quote), refusedWith(/answers no question of this server/));
});

test("a quote for an earlier nonce is refused", async () => {
  const { challenge, prove } = server();
  await using machine = await switchedOn();
  const earlier = await quoteFor(challenge, { ...machine, token: TOKEN });
  const { opened, ...later } = await quoteFor(challenge, { ...machine, token: TOKEN });
  await assert.rejects(prove({ ...later, ...earlier, opened }), refusedWith(/answers another question/));
});

test("a quote that comes late is refused", async () => {
  const { clock, challenge, prove } = server();
  await using machine = await switchedOn();
  const quote = await quoteFor(challenge, { ...machine, token: TOKEN });
  clock.ms += 121_000;
  await assert.rejects(prove(quote), refusedWith(/too late/));
});

test("a false server that passes the nonce on to a true agent gets a quote that proves nothing", async () => {
  const { challenge, prove } = server();
  await using machine = await switchedOn();
  const ofFalseServer = formatToken({ pin: "f".repeat(43), secret: SECRET });
  const quote = await quoteFor(challenge, { ...machine, token: ofFalseServer });
  await assert.rejects(prove(quote), refusedWith(/another server's/));
});

test("an attestation key that is not in the node's TPM is refused", async () => {
  const { challenge, prove } = server();
  await using own = await switchedOn();
  await using other = await switchedOn();
  await using ek = await own.tpm.makeKey("ek");
  // the agent asks with the EK of one TPM and the AK of another; neither opens the credential
  const mixed = async (keys: TpmKeys) => await challenge({ ...keys, ek: base64(ek.publicArea) });
  await assert.rejects(quoteFor(mixed, { ...other, token: TOKEN }), /TPM2_ActivateCredential failed/);
  const honest = await quoteFor(
    (keys) => Promise.resolve(server().attestations.challenge(SECRET, NODE, keys)),
    {
      ...other,
      token: TOKEN,
    },
  );
  await assert.rejects(prove(honest), refusedWith(/not in the TPM whose endorsement key it showed/));
});

test("a quote by another attestation key is refused", async () => {
  const { challenge, prove } = server();
  await using machine = await switchedOn();
  await using other = await switchedOn();
  let nonce = "";
  const quote = await quoteFor(async (keys) => {
    const asked = await challenge(keys);
    nonce = asked.nonce;
    return asked;
  }, { ...machine, token: TOKEN });
  await using ak = await other.tpm.makeKey("ak");
  const { attest, signature } = await other.tpm.quote(ak, {
    qualifyingData: qualifyingData({ nonce: bytes(nonce), token: TOKEN }),
    pcrs: QUOTED_PCRS,
  });
  const by = { attest: base64(attest), signature: base64(signature) };
  await assert.rejects(prove({ ...quote, ...by }), refusedWith(/not by the attestation key/));
});

test("a quote over other PCRs is refused", async () => {
  const { challenge, prove } = server();
  await using machine = await switchedOn();
  const { tpm } = machine;
  await using ek = await tpm.makeKey("ek");
  await using ak = await tpm.makeKey("ak");
  const asked = await challenge({ ek: base64(ek.publicArea), ak: base64(ak.publicArea) });
  const opened = await tpm.activate({
    ek,
    ak,
    credential: bytes(asked.credential),
    secret: bytes(asked.secret),
  });
  const { attest, signature } = await tpm.quote(ak, {
    qualifyingData: qualifyingData({ nonce: bytes(asked.nonce), token: TOKEN }),
    pcrs: [0, 11, 12, 13],
  });
  const quote = {
    opened: base64(opened),
    attest: base64(attest),
    signature: base64(signature),
    pcrs: await hexPcrs(tpm),
    loaded: [],
  };
  await assert.rejects(prove(quote), refusedWith(/other PCRs than were asked for/));
});

test("PCR values that the TPM did not sign are refused", async () => {
  const { challenge, prove } = server();
  await using machine = await switchedOn([...TRUE_BOOT, { ...SEPARATOR, pcr: 12 }]);
  const quote = await quoteFor(challenge, { ...machine, token: TOKEN });
  const pcrs = [...quote.pcrs.slice(0, 2), "00".repeat(32), "00".repeat(32)];
  await assert.rejects(prove({ ...quote, pcrs }), refusedWith(/other PCR values than were sent/));
});

test("a key of another kind is no attestation key, and another TPM is not the node's", async () => {
  const { attestations, challenge, prove, tpms } = server();
  await using machine = await switchedOn();
  await using other = await switchedOn();
  await prove(await quoteFor(challenge, { ...machine, token: TOKEN }));
  await using ek = await machine.tpm.makeKey("ek");
  // a key that signs whatever its holder likes: as the AK, but not restricted
  const { publicArea } = await machine.tpm.makeKey("ak"), free = publicArea.slice();
  free[5]! &= ~1;
  assert.throws(
    () => attestations.challenge(SECRET, NODE, { ek: base64(ek.publicArea), ak: base64(free) }),
    refusedWith(/was not made by the expected template/),
  );
  assert.throws(
    () => attestations.challenge(SECRET, NODE, { ek: base64(templateOf("ek")), ak: base64(publicArea) }),
    refusedWith(/no point of its curve/),
  );
  tpms.prove("1", createHash("sha256").update(ek.publicArea).digest("hex"));
  await assert.rejects(
    quoteFor(challenge, { ...other, token: TOKEN }),
    refusedWith(/it shows the TPM .*known by/),
  );
  assert.match(attestations.view(NODE, { isWaiting: true })?.problem?.remedy ?? "", /--forget-tpm/);
  assert.equal(attestations.view(NODE, { isWaiting: false })?.problem, undefined);
  attestations.forgetTpm("1");
  const proof = await prove(await quoteFor(challenge, { ...other, token: TOKEN }));
  attestations.demand(NODE, { pending: PENDING, inventory: MACHINE_INVENTORY, proof });
  assert.equal(tpms.of("1")?.ek, proof.ek);
});

test("a machine that ran anything but the agent gets nothing", async () => {
  const [image, ...rest] = TRUE_BOOT.slice(2) as [LogEntry, ...LogEntry[]];
  const start = [CALLING, SEPARATOR];
  const cases: readonly {
    what: string;
    boot: readonly LogEntry[];
    reason: RegExp;
    log?: readonly LogEntry[];
  }[] = [
    {
      what: "a changed image",
      boot: [...start, program(hashOf("image with another initramfs")), ...rest],
      reason: /a program that this server does not serve for this order \(Authenticode [0-9a-f]{64}\)/,
    },
    {
      what: "a changed initramfs, started by something that measures as the image",
      boot: [...start, image, { ...rest[0]!, digest: hashOf("another initramfs") }, ...rest.slice(1)],
      reason: /is not the one that this server serves for this order \(PCR 11\)/,
    },
    {
      what: "iPXE with the image's kernel and another initramfs, which nothing measures",
      boot: [...start, program(hashOf("ipxe.efi")), program(EXPECTED.kernel)],
      reason: /does not serve for this order/,
    },
    {
      what: "a system that then extended the PCRs as the image would have",
      boot: [...start, program(hashOf("grub")), image, ...rest],
      reason: /does not serve for this order/,
    },
    {
      what: "the image, and another program after it",
      boot: [...start, image, ...rest, program(hashOf("ipxe.efi"))],
      reason: /does not serve for this order/,
    },
    { what: "its own disk's system", boot: start, reason: /did not load the signed kernel image/ },
    {
      what: "a log that leaves a program out",
      boot: [...start, program(hashOf("evil.efi")), image, ...rest],
      log: TRUE_BOOT,
      reason: /does not agree with the TPM \(PCR 4\)/,
    },
    {
      what: "other parameters for the kernel",
      boot: [...TRUE_BOOT, { ...SEPARATOR, pcr: 12 }],
      reason: /other parameters than its own \(PCR 12\)/,
    },
    {
      what: "an extended initramfs",
      boot: [...TRUE_BOOT, { ...SEPARATOR, pcr: 13 }],
      reason: /was extended by somebody \(PCR 13\)/,
    },
    {
      what: "what an agent that has enrolled has left the machine to",
      boot: [...TRUE_BOOT, { ...SEPARATOR, pcr: 11, digest: Buffer.from(closingDigest()).toString("hex") }],
      reason: /its agent has enrolled since the machine was started/,
    },
  ];
  for (const { what, boot, log, reason } of cases) {
    const { attestations, tpms, challenge, prove } = server();
    await using machine = await switchedOn(boot);
    const logged = log ? bootLog(log) : machine.log;
    const quote = await quoteFor(challenge, { tpm: machine.tpm, log: logged, token: TOKEN });
    await assert.rejects(prove(quote), refusedWith(reason), what);
    assert.equal(tpms.of("1"), undefined, what);
    assert.match(attestations.view(NODE, { isWaiting: true })?.problem?.detail ?? "", reason);
  }
});

test("a text in the log does not hide a program", async () => {
  const { challenge, prove } = server();
  await using machine = await switchedOn([program(hashOf("evil.efi")), ...TRUE_BOOT]);
  const { loaded, ...quote } = await quoteFor(challenge, { ...machine, token: TOKEN });
  const renamed = loaded.map((event, i) => i === 0 ? { ...event, text: "Calling EFI Application" } : event);
  await assert.rejects(prove({ ...quote, loaded: renamed }), refusedWith(/does not serve for this order/));
});

Deno.test("whoever proves nothing is told why it waits, and what to do", () => {
  const { attestations } = server();
  const demand = (facts: object, proof?: { deployment: string; ek: string }) => () =>
    attestations.demand(NODE, { pending: PENDING, inventory: { ...MACHINE_INVENTORY, ...facts }, proof });
  const refused = (status: number, reason: RegExp) => (error: unknown) =>
    refusedWith(reason)(error) && (error as RackseedError).status === status &&
    (error as RackseedError).remedy.includes("rackseed node set n1 --require-tpm off");
  assert.throws(demand({ tpm2: false }), refused(409, /this machine shows no TPM 2.0/));
  assert.throws(demand({ tpm2: true }), refused(428, /its agent has sent no quote/));
  assert.throws(demand({ kind: "directory" }), refused(409, /a directory cannot/));
  // the quote was accepted for an order that is no longer in force
  assert.throws(demand({ tpm2: true }, { deployment: "d0", ek: "" }), refused(428, /no quote/));
  const free = { ...NODE, settings: { requireTpm: "off" as const } };
  attestations.demand(free, { pending: PENDING, inventory: MACHINE_INVENTORY });
  assert.equal(attestations.view(free, { isWaiting: true }), undefined);
});

async function hexPcrs(tpm: Tpm): Promise<string[]> {
  return (await tpm.readPcrs(QUOTED_PCRS)).map((value) => Buffer.from(value).toString("hex"));
}

function base64(value: Uint8Array): string {
  return Buffer.from(concat(value)).toString("base64");
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "base64"));
}
