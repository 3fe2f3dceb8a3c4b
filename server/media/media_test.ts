import assert from "node:assert/strict";
import type { Order, VersionView } from "#contract/api.ts";
import { MediumRequest } from "#contract/api/media.ts";
import type { Hook } from "#contract/api/hooks.ts";
import { RackseedError } from "#contract/errors.ts";
import { MediumDescription, openContents } from "#contract/format/medium.ts";
import { headerWith } from "#contract/format/testing/samples.ts";
import { parseToken } from "#contract/token.ts";
import { fileOfBytes } from "../../boot/tftp/tftp_file.ts";
import { MediaTable } from "../store/media.ts";
import { Media } from "./media.ts";
import { emptyDatabase } from "../store/testing/test_database.ts";

const HOUR = 3_600_000;
const PACK = "ab".repeat(32);
const layout = { disks: [], fileSystems: [], swap: [] };
const header = headerWith(layout, { packs: [{ sha256: PACK, sizeBytes: 6 }] as never });
const manifest: Order["manifest"] = {
  id: "1",
  signature: "s",
  publicKey: "k",
  header: JSON.stringify({ ...header, packs: [{ sha256: PACK }] }),
};
const KEY = Buffer.alloc(32, 5).toString("base64");

interface Site {
  readonly version?: Partial<VersionView>;
  readonly hooks?: readonly Hook[];
  readonly isBootable?: boolean;
}

async function withMedia(
  work: (site: { media: Media; clock: { now: number }; armed: Set<string>; seen: string[] }) => Promise<void>,
  { version, hooks = [], isBootable = true }: Site = {},
): Promise<void> {
  const folder = await Deno.makeTempDir();
  using db = emptyDatabase();
  const clock = { now: Date.parse("2026-11-30T12:00:00Z") }, armed = new Set<string>(), seen: string[] = [];
  for (const name of ["manifest.rsm", `${PACK}.pack`]) {
    await Deno.writeTextFile(`${folder}/${name}`, `of ${name}`);
  }
  const view = { image: "web", version: 3, infoHash: "0".repeat(40), layout, ...version } as VersionView;
  const media = new Media({
    table: new MediaTable(db),
    images: {
      get(ref) {
        if (/^web(@3)?$/.test(ref)) return view;
        throw new RackseedError(`cannot find ${ref}`, { reason: "none.", remedy: "list.", status: 404 });
      },
      secrets: () => ({ manifest, key: KEY }),
      settings: () => ({}) as never,
      damage: () => undefined,
      file: (_, name) => ({ path: `${folder}/${name}`, length: 6 }),
    },
    hooks: { ofNode: () => [...hooks] },
    netboot: {
      issue: (mac) =>
        armed.has(mac)
          ? { node: { name: "n1" } as never, image: "web", version: 3, token: "rs1.p.boot" }
          : undefined,
      noteSeen: (mac) => void seen.push(mac),
    },
    bootFile: (name) => isBootable ? fileOfBytes(new TextEncoder().encode(name)) : undefined,
    program: (name) => Promise.resolve(new Uint8Array(name === "isohdpfx.bin" ? 432 : 3000).fill(9)),
    server: () => "https://10.0.0.1:8443",
    pin: "p".repeat(43),
    now: () => clock.now,
  });
  try {
    await work({ media, clock, armed, seen });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const make = (media: Media, request: MediumRequest) =>
  media.make(MediumRequest.parse(request), { by: "anna" });

/** The whole image as text, and what the agent would read of it. */
function read(media: Media, id: string) {
  const file = media.image(id), bytes = new Uint8Array(file.sizeBytes);
  assert.equal(file.read(0, bytes), bytes.length);
  file.close?.();
  const text = new TextDecoder("latin1").decode(bytes);
  const [json = ""] = /\{"format":1[^\0]*\}/.exec(text) ?? [];
  return { text, description: MediumDescription.parse(JSON.parse(json)) };
}

const node = { node: "edge1", serial: "S1", settings: { address: "10.0.0.5/24", mac: "52:54:00:00:00:01" } };

Deno.test("a medium for the network brings a token that is sealed, expires and can be revoked", () =>
  withMedia(async ({ media, clock, armed, seen }) => {
    const { medium, code, sizeBytes } = await make(media, { image: "web", hours: 2, network: { vlan: 20 } });
    const { text, description } = read(media, medium.id);
    assert.equal(text.length, sizeBytes);
    assert.ok(!text.includes(code) && !text.includes("10.0.0.1"));
    assert.ok(text.includes("images/web@3/initramfs") && !text.includes("of manifest.rsm"));
    const contents = openContents(description.sealed, { id: medium.id, code });
    assert.ok(contents.kind === "network" && contents.server === "https://10.0.0.1:8443");
    assert.equal(contents.vlan, 20);
    const { secret = "" } = parseToken(contents.token) ?? {};
    const boot = () => media.boot(secret, { macs: ["52:54:00:00:00:07"], address: "10.0.0.7" });
    assert.equal(boot(), undefined);
    assert.deepEqual(seen, ["52:54:00:00:00:07"]);
    armed.add("52:54:00:00:00:07");
    assert.deepEqual(boot(), { image: "web@3", token: "rs1.p.boot", mac: "52:54:00:00:00:07" });
    assert.equal(media.list()[0]?.lastUsed, "2026-11-30T12:00:00.000Z");
    assert.throws(() => media.boot("wrong", { macs: [], address: "" }), { status: 401 });
    clock.now += 2 * HOUR;
    assert.throws(boot, /expired, or was revoked/);
    assert.deepEqual(media.list(), []);
    const other = await make(media, { image: "web" });
    media.revoke(other.medium.id);
    assert.throws(() => media.image(other.medium.id), { status: 404 });
    assert.throws(() => media.revoke(other.medium.id), { status: 404 });
  }));

Deno.test("a medium with packs carries the version; its key, names and addresses are sealed", () =>
  withMedia(async ({ media, clock }) => {
    const { medium, code } = await make(media, { image: "web@3", packs: true, nodes: [node] });
    const { text, description } = read(media, medium.id);
    for (const part of ["of manifest.rsm", `of ${PACK}.pack`]) assert.ok(text.includes(part), part);
    for (const secret of [KEY, code, "edge1", "10.0.0.5"]) assert.ok(!text.includes(secret), secret);
    const contents = openContents(description.sealed, { id: medium.id, code });
    assert.ok(contents.kind === "packs");
    assert.equal(contents.order.key, KEY);
    assert.deepEqual(contents.nodes[0]?.identity.interfaces[0]?.addresses, ["10.0.0.5/24"]);
    assert.equal(contents.nodes[0]?.serial, "S1");
    clock.now += HOUR;
    assert.throws(() => media.image(medium.id), /no longer kept/);
  }));

Deno.test("only an unattended medium carries its code", () =>
  withMedia(async ({ media }) => {
    const request = { image: "web", packs: true, nodes: [node], unattended: true };
    const { medium, code } = await make(media, request);
    assert.equal(read(media, medium.id).description.code, code);
  }));

Deno.test("what a medium cannot do is refused, with the reason", async () => {
  const refused = (request: MediumRequest, reason: RegExp, site?: Site) =>
    withMedia(({ media }) => assert.rejects(make(media, request), reason), site);
  await refused({ image: "db" }, /cannot find db/);
  await refused({ image: "web" }, /it cannot boot machines/, { isBootable: false });
  await refused({ image: "web", packs: true, unattended: true }, /needs the table/);
  await refused({ image: "web", nodes: [node] }, /the server knows its nodes/);
  await refused(
    { image: "web", packs: true, network: { address: "10.0.0.9/24" } },
    /no address and no VLAN/,
  );
  await refused({ image: "web", network: { gateway: "10.0.0.1" } }, /belong to an address/);
  const encrypted = { ...layout, encrypted: [{}] } as never;
  await refused({ image: "web", packs: true }, /encrypted volumes/, { version: { layout: encrypted } });
  await refused({ image: "web", packs: true }, /a backup of n1/, { version: { backupOf: "n1" } });
  const hook = { name: "grow", when: "first-boot" } as Hook;
  await refused({ image: "web", packs: true }, /its hook grow runs at the first boot/, { hooks: [hook] });
});

Deno.test("a BMC's address is good for its medium alone, until it is ejected, replaced or too old", () =>
  withMedia(async ({ media, clock }) => {
    const { medium: { id } } = await media.make(MediumRequest.parse({ image: "web" }), { by: "anna" });
    const nameOf = (url: string) => url.slice(url.lastIndexOf("/") + 1);
    const fetched = (name: string, of = id) => media.lentImage(of, name).close?.();
    const first = nameOf(media.lend(id, "n1"));
    fetched(first);
    // longer than an image is kept otherwise
    clock.now += 2 * HOUR;
    fetched(first);
    const second = nameOf(media.lend(id, "n1"));
    assert.throws(() => fetched(first), { status: 401 });
    assert.throws(() => fetched(second, "00000000"), { status: 401 });
    for (const guess of ["", ".iso", `${second}x`]) assert.throws(() => fetched(guess), { status: 401 });
    media.end("n1");
    assert.throws(() => fetched(second), { status: 401 });
    const third = nameOf(media.lend(id, "n1"));
    clock.now += 13 * HOUR;
    assert.throws(() => fetched(third), { status: 401 });
    assert.throws(() => media.lend("00000000", "n1"), { status: 404 });
  }));
