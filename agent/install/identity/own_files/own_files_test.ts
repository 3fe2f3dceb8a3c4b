/** A template's tree before and after it becomes a clone: every row of own_files/table.ts that changes something. */
import assert from "node:assert/strict";
import type { Identity, OwnFile } from "#contract/identity.ts";
import { OWN_FILES } from "#contract/own_files/table.ts";
import { needs } from "../../../../test/support/needs.ts";
import { runCommand as run } from "../../../sys/command.ts";
import { applyIdentity } from "../apply_identity.ts";
import { CloneTree, ForeignTree } from "../../../tree/tree_files.ts";
import { carriedOnly, readOwnFiles } from "./carry.ts";

const BASE = {
  "/etc/hostname": "web\n",
  "/etc/hosts": "127.0.0.1 localhost\n127.0.1.1 web.example.com web\n",
  "/etc/machine-id": `${"0".repeat(32)}\n`,
  "/etc/network/interfaces": "auto lo\niface lo inet loopback\n",
};

async function fill(root: string, files: Record<string, string | Uint8Array>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const at = `${root}${path}`;
    await Deno.mkdir(at.slice(0, at.lastIndexOf("/")), { recursive: true });
    await Deno.writeFile(at, typeof content === "string" ? new TextEncoder().encode(content) : content);
  }
}

async function inTree(
  files: Record<string, string | Uint8Array>,
  test: (clone: CloneTree) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "rackseed-own-" });
  try {
    await fill(root, { ...BASE, ...files });
    await test(new CloneTree(root));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

interface Terms {
  readonly identity?: Partial<Identity>;
  readonly own?: string[];
  readonly isBackup?: boolean;
}

function become(clone: CloneTree, { identity = {}, own = [], isBackup = false }: Terms = {}) {
  return applyIdentity({ hostname: "n1", interfaces: [], ...identity }, {
    clone,
    run,
    templateHostname: "web",
    bootMac: "52:54:00:00:00:01",
    own,
    isBackup,
  });
}

const INITIATOR = "/etc/iscsi/initiatorname.iscsi";
const UUID = "ae12b600-6b23-11e9-8000-ac1f6b7b78ea";
const FRESH: Record<string, { template: string | Uint8Array; form: RegExp }> = {
  "iSCSI initiator, Debian": {
    template: "## DO NOT EDIT OR REMOVE THIS FILE!\nInitiatorName=iqn.1993-08.org.debian:01:187bb6704796\n",
    form: /^## DO NOT EDIT OR REMOVE THIS FILE!\nInitiatorName=iqn\.1993-08\.org\.debian:01:[0-9a-f]{12}\n$/,
  },
  "iSCSI initiator, RHEL": {
    template: "InitiatorName=iqn.1994-05.com.redhat:a1b2c3d4e5f6\n",
    form: /^InitiatorName=iqn\.1994-05\.com\.redhat:[0-9a-f]{12}\n$/,
  },
  "iSCSI initiator, SUSE": {
    template: "# x\nInitiatorName=iqn.1996-04.de.suse:01:cea0b497234a\n",
    form: /^# x\nInitiatorName=iqn\.1996-04\.de\.suse:01:[0-9a-f]{12}\n$/,
  },
  "iSCSI initiator, a site's own name": {
    template: "InitiatorName=iqn.2020-01.com.example:storage.web\n",
    form: /^InitiatorName=iqn\.2020-01\.com\.example:storage\.web:[0-9a-f]{12}\n$/,
  },
  "iSCSI initiator, a hardware's name": {
    template: "InitiatorName=eui.0123456789abcdef\n",
    form: /^InitiatorName=iqn\.2005-03\.org\.open-iscsi:[0-9a-f]{12}\n$/,
  },
};
for (const [name, { template, form }] of Object.entries(FRESH)) {
  Deno.test(`two clones get different values in the right form: ${name}`, async () => {
    const made: string[] = [];
    for (const _ of [1, 2]) {
      await inTree({ [INITIATOR]: template }, async (clone) => {
        await become(clone);
        made.push(await clone.text(INITIATOR) ?? "");
      });
    }
    for (const text of made) assert.match(text, form);
    assert.equal(new Set([template, ...made]).size, 3);
  });
}

Deno.test("an initiator name that each machine generates at boot is left alone", () =>
  inTree({ [INITIATOR]: "GenerateName=yes\n" }, async (clone) => {
    await become(clone);
    assert.equal(await clone.text(INITIATOR), "GenerateName=yes\n");
  }));

Deno.test("interface records and NVMe's config.json follow the fresh names", () =>
  inTree({
    [INITIATOR]: "InitiatorName=iqn.1993-08.org.debian:01:187bb6704796\n",
    "/etc/iscsi/ifaces/storage": "iface.initiatorname = iqn.1993-08.org.debian:01:187bb6704796\n",
    "/etc/nvme/hostnqn": `nqn.2014-08.org.nvmexpress:uuid:${UUID}\n`,
    "/etc/nvme/hostid": `${UUID}\n`,
    "/etc/nvme/config.json": `[{"hostnqn":"nqn.2014-08.org.nvmexpress:uuid:${UUID}","hostid":"${UUID}"}]\n`,
  }, async (clone) => {
    const said = await become(clone);
    const name = /InitiatorName=(.*)/.exec(await clone.text(INITIATOR) ?? "")?.[1];
    assert.equal(await clone.text("/etc/iscsi/ifaces/storage"), `iface.initiatorname = ${name}\n`);
    const nqn = await clone.text("/etc/nvme/hostnqn") ?? "";
    assert.match(nqn, /^nqn\.2014-08\.org\.nvmexpress:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n$/);
    const uuid = nqn.trim().slice(-36);
    assert.notEqual(uuid, UUID);
    // the kernel wants them as a pair
    assert.equal(await clone.text("/etc/nvme/hostid"), `${uuid}\n`);
    assert.equal(
      await clone.text("/etc/nvme/config.json"),
      `[{"hostnqn":"${nqn.trim()}","hostid":"${uuid}"}]\n`,
    );
    assert.match(said.join("; "), /fresh: iSCSI initiator name, NVMe host NQN, NVMe host id/);
  }));

Deno.test("/etc/hostid gets four other bytes on every clone", async () => {
  const template = Uint8Array.of(0xff, 0xfe, 0x80, 0x01), made: string[] = [];
  for (const _ of [1, 2]) {
    await inTree({ "/etc/hostid": template }, async (clone) => {
      await become(clone);
      const bytes = await Deno.readFile(`${clone.root}/etc/hostid`);
      assert.equal(bytes.length, 4);
      made.push(bytes.join());
    });
  }
  assert.equal(new Set([template.join(), ...made]).size, 3);
});

Deno.test("the clock's drift is reset, local time stays; the survey gets another id", () =>
  inTree({
    "/etc/adjtime": "-12.5 1700000000 0.0\n1700000000\nLOCAL\n",
    "/etc/popularity-contest.conf": `# x\nPARTICIPATE="yes"\nMY_HOSTID="${"a".repeat(32)}"\nDAY="3"\n`,
  }, async (clone) => {
    await become(clone);
    assert.equal(await clone.text("/etc/adjtime"), "0.0 0 0.0\n0\nLOCAL\n");
    const survey = await clone.text("/etc/popularity-contest.conf") ?? "";
    assert.match(survey, /^# x\nPARTICIPATE="yes"\nMY_HOSTID="[0-9a-f]{32}"\nDAY="3"\n$/);
    assert.doesNotMatch(survey, /aaaa/);
  }));

for (const row of OWN_FILES) {
  if (row.clone !== "removed" && row.clone !== "emptied") continue;
  Deno.test(`removed or emptied on a clone: ${row.what}`, async () => {
    const paths = row.paths.map((path) => path.replaceAll("*", "x"));
    await inTree(
      Object.fromEntries([...paths, "/var/lib/keep"].map((path) => [path, "template"])),
      async (clone) => {
        await become(clone);
        for (const path of paths) {
          assert.equal(await clone.text(path), row.clone === "removed" ? undefined : "", path);
          assert.ok(clone.changed.has(path), path);
        }
        assert.equal(await clone.text("/var/lib/keep"), "template");
      },
    );
  });
  if (row.clone !== "removed") continue;
  Deno.test(`a directory is emptied on a clone, and stays: ${row.what}`, async () => {
    const paths = row.paths.map((path) => path.replaceAll("*", "x"));
    await inTree(
      Object.fromEntries(paths.flatMap((path) => [[`${path}/a/b`, "1"], [`${path}/c`, "2"]])),
      async (clone) => {
        await become(clone);
        for (const path of paths) assert.deepEqual(await clone.list(path), [], path);
        for (const path of paths) assert.equal(await clone.kind(path), "directory", path);
      },
    );
  });
}

Deno.test("files that a cluster shares, or that only the site can judge, stay as they are", async () => {
  const rows = OWN_FILES.filter(({ clone }) => clone === "kept" || clone === "told");
  const paths = rows.flatMap((row) => row.paths).map((path) => path.replaceAll("*", "x"));
  const leaves = paths.filter((path) => !paths.some((other) => other.startsWith(`${path}/`)));
  await inTree(Object.fromEntries(leaves.map((path) => [path, "shared"])), async (clone) => {
    await become(clone);
    for (const path of leaves) assert.equal(await clone.text(path), "shared", path);
  });
});

Deno.test("an absolute link of the image leads into the image, not into the installing system", async () => {
  const outside = await Deno.makeTempDir();
  try {
    await inTree({ "/data/mysql/auto.cnf": "[auto]\n", "/data/mysql/ibdata1": "rows" }, async (clone) => {
      await Deno.mkdir(`${clone.root}/var/lib`, { recursive: true });
      await Deno.symlink("/data/mysql", `${clone.root}/var/lib/mysql`);
      await Deno.writeTextFile(`${outside}/engine-id`, "mine");
      await Deno.symlink(`../../../../../../../..${outside}`, `${clone.root}/var/lib/docker`);
      await become(clone);
      assert.deepEqual(await clone.list("/data/mysql"), ["/data/mysql/ibdata1"]);
      assert.equal(await Deno.readTextFile(`${outside}/engine-id`), "mine");
    });
  } finally {
    await Deno.remove(outside, { recursive: true });
  }
});

Deno.test("immutable files are replaced and removed all the same", {
  ...needs({ root: true, programs: ["chattr"] }),
}, () =>
  inTree({
    [INITIATOR]: "InitiatorName=iqn.1993-08.org.debian:01:187bb6704796\n",
    "/etc/mailname": "web.example.com\n",
    "/etc/krb5.keytab": "key",
    "/var/lib/docker/swarm/certificates/swarm-node.key": "key",
  }, async (clone) => {
    const at = (path: string) => `${clone.root}${path}`;
    const swarm = at("/var/lib/docker/swarm"), key = `${swarm}/certificates/swarm-node.key`;
    const locked = [
      at(INITIATOR),
      at("/etc/mailname"),
      at("/etc/krb5.keytab"),
      key,
      `${swarm}/certificates`,
      swarm,
    ];
    await run(["chattr", "+i", ...locked]);
    try {
      await become(clone);
      assert.doesNotMatch(await clone.text(INITIATOR) ?? "", /187bb6704796/);
      assert.equal(await clone.text("/etc/mailname"), "n1.example.com\n");
      assert.equal(await clone.kind("/etc/krb5.keytab"), undefined);
      assert.deepEqual(await clone.list("/var/lib/docker/swarm"), []);
    } finally {
      await run(["chattr", "-R", "-i", clone.root]);
    }
  }));

Deno.test("a site's own paths are removed with everything below them, and nothing else", () =>
  inTree({
    "/etc/agent/id": "7",
    "/etc/agent/config": "x",
    "/opt/agent/state/a/b": "1",
  }, async (clone) => {
    const said = await become(clone, { own: ["/etc/agent/id", "/opt/agent/state", "/srv/none"] });
    assert.equal(await clone.text("/etc/agent/id"), undefined);
    assert.equal(await clone.text("/etc/agent/config"), "x");
    assert.deepEqual(await clone.list("/opt/agent/state"), []);
    assert.match(said.join("; "), /2 files of the template's own removed/);
  }));

Deno.test("paths that a site names twice, nested, or as the table does are removed once", () =>
  inTree({
    "/etc/docker/key.json": "{}",
    "/opt/agent/state/id": "7",
    "/var/lib/docker/swarm/node.key": "key",
    "/etc/nvme/hostid": `${UUID}\n`,
    "/etc/nvme/config.json": `{"hostid":"${UUID}"}`,
    "/etc/ssh/ssh_host_rsa_key": "the template's",
  }, async (clone) => {
    const own = [
      "/etc/ssh/ssh_host_rsa_key",
      "/opt/agent",
      "/opt/agent/state/id",
      "/etc/docker/key.json",
      "/etc/nvme/config.json",
    ];
    await become(clone, { own: [...own, ...own, "/var/lib/docker/swarm/node.key", "/etc/docker"] });
    for (const path of ["/opt/agent", "/etc/docker", "/var/lib/docker/swarm"]) {
      assert.deepEqual(await clone.list(path), [], path);
    }
    assert.equal(await clone.kind("/etc/nvme/config.json"), undefined);
    assert.notEqual(await clone.text("/etc/nvme/hostid"), `${UUID}\n`);
  }));

const file = (path: string, text: string): OwnFile => ({ path, base64: btoa(text) });
const OLD = "InitiatorName=iqn.1993-08.org.debian:01:0123456789ab\n";

Deno.test("kept files take precedence over fresh ones, with the image's owner and mode", {
  ignore: Deno.uid() !== 0,
}, () =>
  inTree({
    [INITIATOR]: "InitiatorName=iqn.1993-08.org.debian:01:187bb6704796\n",
    "/etc/nvme/hostid": `${UUID}\n`,
    "/etc/agent/id": "template",
  }, async (clone) => {
    await Deno.chmod(`${clone.root}/etc/agent/id`, 0o640);
    await Deno.chown(`${clone.root}/etc/agent/id`, 12, 34);
    const host = "11111111-2222-4333-8444-555555555555";
    await become(clone, {
      own: ["/etc/agent/id"],
      identity: {
        files: [
          file(INITIATOR, OLD),
          file("/etc/nvme/hostnqn", `nqn.2014-08.org.nvmexpress:uuid:${host}\n`),
          file("/etc/agent/id", "own"),
          file("/etc/krb5.keytab", "key"),
        ],
      },
    });
    assert.equal(await clone.text(INITIATOR), OLD);
    // one of a pair was kept: the other follows it
    assert.equal(await clone.text("/etc/nvme/hostid"), `${host}\n`);
    assert.equal(await clone.text("/etc/agent/id"), "own");
    assert.equal(await clone.mode("/etc/agent/id"), 0o640);
    const { uid, gid } = await Deno.lstat(`${clone.root}/etc/agent/id`);
    assert.deepEqual([uid, gid], [12, 34]);
    assert.equal(await clone.text("/etc/krb5.keytab"), "key");
    assert.equal(await clone.mode("/etc/krb5.keytab"), 0o600);
  }));

Deno.test("a node restored from its own backup keeps every file of its own", () =>
  inTree({
    [INITIATOR]: OLD,
    "/etc/machine-id": `${"b".repeat(32)}\n`,
    "/etc/krb5.keytab": "key",
    "/etc/ssh/ssh_host_rsa_key": "own key",
  }, async (clone) => {
    await become(clone, { isBackup: true, own: ["/etc/krb5.keytab"] });
    assert.equal(await clone.text(INITIATOR), OLD);
    assert.equal(await clone.text("/etc/machine-id"), `${"b".repeat(32)}\n`);
    assert.equal(await clone.text("/etc/krb5.keytab"), "key");
    assert.equal(await clone.text("/etc/ssh/ssh_host_rsa_key"), "own key");
  }));

Deno.test("from an old disk only its own small files are read, if their form is right, and never through a link", () =>
  inTree({
    [INITIATOR]: OLD,
    "/etc/nvme/hostid": "not an id\n",
    "/etc/hostid": Uint8Array.of(1, 2, 3, 4),
    "/etc/salt/minion_id": "db7\n",
    "/etc/agent/a/id": "7",
    "/etc/agent/large": new Uint8Array((64 << 10) + 1),
    "/etc/chef/other": "x",
    "/var/lib/systemd/random-seed": "x",
  }, async ({ root }) => {
    await Deno.symlink("/etc/shadow", `${root}/etc/chef/client.pem`);
    await Deno.symlink("/etc", `${root}/etc/puppetlabs`);
    const { files, notes } = await readOwnFiles(new ForeignTree(root), { own: ["/etc/agent"] });
    assert.deepEqual(
      files.map(({ path }) => path).sort(),
      ["/etc/agent/a/id", "/etc/hostid", INITIATOR, "/etc/salt/minion_id"],
    );
    assert.equal(files.find(({ path }) => path === "/etc/hostid")?.base64, "AQIDBA==");
    assert.deepEqual(notes, ["/etc/agent/large is too large, or there are too many of its kind"]);
  }));

Deno.test("a record can only write files that may be carried over", () => {
  const files = [
    file("/etc/shadow", "x"),
    file(INITIATOR, OLD),
    file(INITIATOR, "older"),
    file("/etc/agent/id", "7"),
  ];
  assert.deepEqual(carriedOnly(files, { own: [] }), [file(INITIATOR, OLD)]);
  assert.deepEqual(carriedOnly(files, { own: ["/etc/agent"] }), [
    file(INITIATOR, OLD),
    file("/etc/agent/id", "7"),
  ]);
});

const many = Array.from({ length: 100 }, (_, i) => file(`/etc/agent/${i}`, "x".repeat(20_000)));
Deno.test("no more files are carried over than the server accepts", () => {
  const carried = carriedOnly(many, { own: ["/etc/agent"] });
  assert.equal(carried.length, 26);
});
