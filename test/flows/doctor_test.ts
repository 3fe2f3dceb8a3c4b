/** Faults planted one by one: in a data directory that a server made, on real ports, and in what the machine says. */
import assert from "node:assert/strict";
import { ServerUnderTest } from "./support/server_under_test.ts";
import { needs } from "../support/needs.ts";
import { examine } from "../../server/doctor/doctor.ts";
import type { DoctorOptions, DoctorSystem, Finding } from "../../server/doctor/finding.ts";
import { realSystem } from "../../server/doctor/system.ts";

const SOURCES = new URL("../../server/contract/api", import.meta.url).pathname;

/** A machine on which all is well, but for what a test plants. */
const SOUND: DoctorSystem = {
  nowMs: () => Date.now(),
  isClockSynchronized: () => Promise.resolve(true),
  interfaces: () => [{ name: "eth1", family: "IPv4", address: "10.0.0.1" }],
  linkState: (name) => name === "eth1" ? "up" : undefined,
  findDhcpServer: () => Promise.resolve(undefined),
  space: () => ({ sizeBytes: 100e9, freeBytes: 50e9, inodes: 1000, freeInodes: 900 }),
  maxDescriptors: () => 65_536,
  ruleset: () => Promise.resolve('{"nftables":[]}'),
  askBucket: () => Promise.reject(new Error("there is none")),
  missingBootPrograms: () => Promise.resolve([]),
  serverPid: () => undefined,
  portProblem: () => undefined,
};

function optionsOf(data: string, over: Partial<DoctorOptions> = {}): DoctorOptions {
  const ports = { httpPort: 8080, peerPort: 6881, trackerPort: 6969, tftpPort: 69, rsyncPort: 873 };
  return { data, ...ports, dhcp: "server", interface: "eth1", ...over };
}

/** The findings that are not well, which all have a remedy. */
async function faults(options: DoctorOptions, system: Partial<DoctorSystem> = {}): Promise<Finding[]> {
  const found = (await examine(options, { ...SOUND, ...system })).filter(({ level }) => level !== "ok");
  for (const { text, remedy } of found) assert.ok(remedy, text);
  return found;
}

async function onlyFault(options: DoctorOptions, system: Partial<DoctorSystem> = {}): Promise<string> {
  const found = await faults(options, system);
  assert.deepEqual(found.length, 1, JSON.stringify(found));
  return found[0]?.text ?? "";
}

const drop = (rules: unknown[]) => {
  const at = { family: "inet", table: "filter" };
  const chain = { ...at, name: "input", hook: "input", policy: "drop", type: "filter", prio: 0 };
  const all = rules.map((expr) => ({ rule: { ...at, chain: "input", expr } }));
  return JSON.stringify({ nftables: [{ metainfo: { version: "1.0.6" } }, { chain }, ...all] });
};
const accept = (protocol: string, right: unknown) => [
  { match: { op: "==", left: { payload: { protocol, field: "dport" } }, right } },
  { accept: null },
];

Deno.test("each fault of the machine is named, and none is invented", async () => {
  const options = optionsOf("/nonexistent/rackseed");
  assert.deepEqual(await faults(options), []);
  const cases: [fault: RegExp, system: Partial<DoctorSystem>, over?: Partial<DoctorOptions>][] = [
    [/no interface eth9/, {}, { interface: "eth9" }],
    [/DHCP has no interface/, {}, { interface: undefined }],
    [/eth1 is down/, { linkState: () => "down" }],
    [/no IPv4 address/, { interfaces: () => [] }],
    [/another DHCP server, 10.0.0.9/, { findDhcpServer: () => Promise.resolve({ serverId: "10.0.0.9" }) }],
    [/no DHCP server answers/, {}, { dhcp: "off" }],
    [/no DHCP server answers/, {}, { dhcp: "proxy" }],
    [/not synchronized/, { isClockSynchronized: () => Promise.resolve(false) }],
    [/may open 1024 files/, { maxDescriptors: () => 1024 }],
    [/lacks boot programs: shimx64.efi/, { missingBootPrograms: () => Promise.resolve(["shimx64.efi"]) }],
    [/only 5.0 of 100.0 GB/, {
      space: () => ({ sizeBytes: 100e9, freeBytes: 5e9, inodes: 0, freeInodes: 0 }),
    }],
    [/disk .* is full/, { space: () => ({ sizeBytes: 100e9, freeBytes: 0, inodes: 0, freeInodes: 0 }) }],
    [/only 9 more files/, { space: () => ({ sizeBytes: 9, freeBytes: 9e9, inodes: 1000, freeInodes: 9 }) }],
    [/accepts no HTTPS \(tcp 8443\)/, { ruleset: () => Promise.resolve(drop([])) }],
    [/could not be examined: no nft/, { ruleset: () => Promise.reject(new Error("no nft")) }],
  ];
  for (const [fault, system, over] of cases) {
    assert.match(await onlyFault({ ...options, ...over }, system), fault);
  }
  const own = { findDhcpServer: () => Promise.resolve({ serverId: "10.0.0.1" }) };
  assert.deepEqual(await faults(options, own), [], "its own DHCP server is no other one");
  const beside = { findDhcpServer: () => Promise.resolve({ serverId: "10.0.0.9" }) };
  assert.deepEqual(await faults({ ...options, dhcp: "proxy" }, beside), [], "beside the site's DHCP server");
});

Deno.test("the firewall's ranges, sets and catch-alls count, but not rules for replies or for loopback", async () => {
  const options = optionsOf("/nonexistent/rackseed");
  const shut = async (rules: unknown[]) =>
    (await faults(options, { ruleset: () => Promise.resolve(drop(rules)) }))[0]?.text.split("accepts no ")[1];
  const tcp = { set: [873, { range: [6000, 9000] }] };
  assert.equal(await shut([accept("tcp", tcp), accept("udp", { set: [67, 69, 6969] })]), undefined);
  assert.equal(await shut([accept("tcp", tcp)]), "the tracker (udp 6969), TFTP (udp 69), DHCP (udp 67)");
  assert.equal(await shut([[{ accept: null }]]), undefined);
  const established = [{ match: { op: "in", left: { ct: { key: "state" } }, right: "established" } }, {
    accept: null,
  }];
  const loopback = [{ match: { op: "==", left: { meta: { key: "iifname" } }, right: "lo" } }, {
    accept: null,
  }];
  assert.match(await shut([established, loopback]) ?? "", /HTTPS/);
});

Deno.test("a port that another program holds is named with that program, one of the running server is not", async () => {
  using tcp = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using stack = new DisposableStack();
  const udp = stack.adopt(
    Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 }),
    (socket) => socket.close(),
  );
  const trackerPort = (udp.addr as Deno.NetAddr).port;
  const held = { listen: { hostname: "127.0.0.1", port: 0 }, httpPort: tcp.addr.port, trackerPort };
  const options = optionsOf("/nonexistent", {
    ...held,
    peerPort: 0,
    tftpPort: undefined,
    rsyncPort: undefined,
    dhcp: "off",
  });
  const { portProblem } = realSystem;
  const dhcp = { findDhcpServer: () => Promise.resolve({ serverId: "10.0.0.9" }), portProblem };
  const found = await faults(options, dhcp);
  assert.match(
    found[0]?.text ?? "",
    new RegExp(`HTTP cannot have its port: TCP port .* process ${Deno.pid} `),
  );
  assert.match(found[1]?.text ?? "", /the tracker cannot have its port: UDP port/);
  assert.deepEqual(await faults(options, { ...dhcp, serverPid: () => Deno.pid }), []);
  const rsync = optionsOf("/nonexistent", {
    listen: held.listen,
    httpPort: 0,
    peerPort: 0,
    trackerPort: 0,
    tftpPort: undefined,
    rsyncPort: tcp.addr.port,
    dhcp: "off",
  });
  const levels = async (rsyncMayFail: boolean) =>
    (await faults({ ...rsync, rsyncMayFail }, dhcp)).map(({ level }) => level);
  assert.deepEqual([await levels(true), await levels(false)], [["warning"], ["problem"]]);
});

Deno.test("each fault in a data directory is named, until it is put right", async () => {
  await using test = await ServerUnderTest.start();
  await test.publish("web", { root: SOURCES });
  const { data } = test;
  const options = optionsOf(data);
  assert.equal(
    realSystem.serverPid(data),
    Deno.pid,
    "the server that uses the directory is found by its lock",
  );
  assert.deepEqual(await faults(options), [], "beside the running server");
  await test.restart(async () => {
    assert.equal(realSystem.serverPid(data), undefined);
    const [pack] = [...Deno.readDirSync(`${data}/packs`)].map(({ name }) => `packs/${name}`);
    const change = async (path: string, content: string | undefined) => {
      const before = await Deno.readFile(`${data}/${path}`);
      if (content === undefined) await Deno.remove(`${data}/${path}`);
      else await Deno.writeTextFile(`${data}/${path}`, content);
      return async () => await Deno.writeFile(`${data}/${path}`, before, { mode: 0o600 });
    };
    const cases: [fault: RegExp, path: string, content: string | undefined][] = [
      [/pack is missing/, pack ?? "", undefined],
      [/pack has 5 bytes instead of \d+/, pack ?? "", "short"],
      [/web@1 is damaged: torrent/, "versions/web@1/torrent", undefined],
      [/manifest.rsm is missing/, "versions/web@1/manifest.rsm", undefined],
      [/cannot use the certificate authority/, "tls/ca.pem", "nonsense"],
      [/ca.pem is missing/, "tls/ca.pem", undefined],
      [/cannot use the certificate authority/, "tls/ca.key", undefined],
      [/token is damaged/, "token", "rs1"],
      [/database rackseed.db is missing/, "rackseed.db", undefined],
      [/not an SQLite database/, "rackseed.db", "x".repeat(100)],
      [/signing.pem is missing/, "keys/signing.pem", undefined],
    ];
    for (const [fault, path, content] of cases) {
      const undo = await change(path, content);
      assert.match(await onlyFault(options), fault, path);
      await undo();
    }
    await Deno.writeTextFile(`${data}/versions/web@1/vmlinuz`, "kernel");
    assert.match(await onlyFault(options), /initrd-image is missing/);
    await Deno.remove(`${data}/versions/web@1/vmlinuz`);
    const late = { mac: "52:54:00:00:00:01", seconds: 28, at: new Date().toISOString() };
    await Deno.writeTextFile(`${data}/late-machines.json`, JSON.stringify([late]));
    assert.match(await onlyFault(options), /drop the first packets .*: 52:54:00:00:00:01 \(28 s\)/);
    await Deno.remove(`${data}/late-machines.json`);
    await Deno.chmod(`${data}/token`, 0o644);
    assert.match(await onlyFault(options), /other users can read .*\/token/);
    await Deno.chmod(`${data}/token`, 0o600);
    const day = 86_400_000;
    assert.match(await onlyFault(options, { nowMs: () => Date.now() - day }), /the clock says/);
    assert.match(
      await onlyFault(options, { nowMs: () => Date.UTC(2198, 11, 25) }),
      /certificate authority ends on 2199-01-01/,
    );
    assert.deepEqual(await faults(options), []);
  });
});

Deno.test({
  name: "the rules of the real nft are read as they are",
  ...needs({ root: true, programs: ["nft", "unshare"] }),
  async fn() {
    const script =
      "nft add table inet t; nft add chain inet t c '{ type filter hook input priority 0; policy drop; }';" +
      "nft add rule inet t c tcp dport '{ 873, 6000-9000 }' accept; nft add rule inet t c udp dport 69 accept;" +
      "nft add rule inet t c ct state established,related accept; nft -j list ruleset";
    const { stdout, success } = await new Deno.Command("unshare", { args: ["--net", "sh", "-ec", script] })
      .output();
    if (!success) return console.log("skipped: no network namespace with nftables can be made here");
    const ruleset = () => Promise.resolve(new TextDecoder().decode(stdout));
    const found = await onlyFault(optionsOf("/nonexistent/rackseed"), { ruleset });
    assert.match(
      found,
      /inet t c drops by default and accepts no the tracker \(udp 6969\), DHCP \(udp 67\)$/,
    );
  },
});
