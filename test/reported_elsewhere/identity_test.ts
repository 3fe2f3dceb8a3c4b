/** Machines that were mistaken for one another, because an image carried what must be unique to a machine. */
import type { BytePath } from "#contract/format/byte_path.ts";
import type { OwnFile } from "#contract/identity.ts";
import { OwnNotes } from "../../agent/capture/own_notes.ts";
import { applyIdentity } from "../../agent/install/identity/apply_identity.ts";
import { hostsFile } from "../../agent/install/identity/identity.ts";
import { keepIdentity } from "../../agent/install/identity/keep_identity.ts";
import { readIdentity } from "../../agent/install/identity/read_identity.ts";
import { CloneTree, ForeignTree } from "../../agent/tree/tree_files.ts";
import { runCommand as run } from "../../agent/sys/command.ts";
import { testReports } from "./report.ts";

type Files = Readonly<Record<string, string>>;

const BASE: Files = {
  "/etc/hostname": "web\n",
  "/etc/hosts": "127.0.0.1 localhost\n127.0.1.1 web.example.com web\n",
  "/etc/machine-id": `${"0".repeat(32)}\n`,
  "/etc/network/interfaces": "auto lo\niface lo inet loopback\n",
};

async function inTree<T>(files: Files, use: (root: string) => Promise<T>): Promise<T> {
  const root = await Deno.makeTempDir({ prefix: "rackseed-reported-" });
  try {
    for (const [path, text] of Object.entries({ ...BASE, ...files })) {
      await Deno.mkdir(`${root}${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
      await Deno.writeTextFile(`${root}${path}`, text);
    }
    return await use(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function cloneOf(root: string, files: readonly OwnFile[] = []): Promise<CloneTree> {
  const clone = new CloneTree(root);
  await applyIdentity({ hostname: "n1", interfaces: [], files: [...files] }, {
    clone,
    run,
    templateHostname: "web",
    bootMac: "52:54:00:00:00:01",
    own: [],
    isBackup: false,
  });
  return clone;
}

const UUID = "ae12b600-6b23-11e9-8000-ac1f6b7b78ea";

/** Whether two clones have different values in a file, and of which form, or the same. */
async function onTwoClones({ path, files }: { path: string; files: Files }): Promise<string> {
  const texts: (string | undefined)[] = [];
  for (const _ of [1, 2]) {
    texts.push(await inTree(files, async (root) => await (await cloneOf(root)).text(path)));
  }
  const [first, second] = texts;
  if (first === undefined && second === undefined) return "gone";
  if (first === second) return "the same on both";
  if (texts.includes(files[path] ?? BASE[path])) return "the template's";
  return (first ?? "").trim().replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, "UUID")
    .replace(/[0-9a-f]{32}/, "32 HEX").replace(/[0-9a-f]{12}/, "12 HEX");
}

testReports(onTwoClones, [
  {
    report: "systemd/systemd#9609",
    fault: "machines with one machine-id got the same address by DHCP",
    input: { path: "/etc/machine-id", files: {} },
    right: "32 HEX",
  },
  {
    report: "rancher/os#2446",
    fault: "all nodes logged in to the target under one initiator name, and disconnected each other",
    input: {
      path: "/etc/iscsi/initiatorname.iscsi",
      files: { "/etc/iscsi/initiatorname.iscsi": "InitiatorName=iqn.1993-08.org.debian:01:187bb6704796\n" },
    },
    right: "InitiatorName=iqn.1993-08.org.debian:01:12 HEX",
  },
  {
    report: "agama-project/agama#2606",
    fault: "the live medium's initiator name was copied to all systems that were installed from it",
    input: {
      path: "/etc/iscsi/initiatorname.iscsi",
      files: { "/etc/iscsi/initiatorname.iscsi": "InitiatorName=iqn.1996-04.de.suse:01:cea0b497234a\n" },
    },
    right: "InitiatorName=iqn.1996-04.de.suse:01:12 HEX",
  },
  {
    report: "metal-stack/metal-images#359",
    fault: "hostnqn was the same on all nodes of one image",
    input: {
      path: "/etc/nvme/hostnqn",
      files: { "/etc/nvme/hostnqn": `nqn.2014-08.org.nvmexpress:uuid:${UUID}\n` },
    },
    right: "nqn.2014-08.org.nvmexpress:uuid:UUID",
  },
  {
    report: "hpe-storage/csi-driver#524",
    fault: "two hosts with one NQN: the driver refused, since it would corrupt data",
    input: {
      path: "/etc/nvme/hostid",
      files: {
        "/etc/nvme/hostnqn": `nqn.2014-08.org.nvmexpress:uuid:${UUID}\n`,
        "/etc/nvme/hostid": `${UUID}\n`,
      },
    },
    right: "UUID",
  },
  {
    report: "netdata/netdata#3545",
    fault: "the server that another was cloned from vanished from the registry",
    input: {
      path: "/var/lib/netdata/registry/netdata.public.unique.id",
      files: { "/var/lib/netdata/registry/netdata.public.unique.id": UUID },
    },
    right: "gone",
  },
  {
    report: "docker-archive/classicswarm#362",
    fault: "engines of cloned machines had one id, and only one joined the swarm",
    input: { path: "/etc/docker/key.json", files: { "/etc/docker/key.json": "{}" } },
    right: "gone",
  },
  {
    report: "tailscale/tailscale#506",
    fault: "two devices with one state file fought over one address",
    input: {
      path: "/var/lib/tailscale/tailscaled.state",
      files: { "/var/lib/tailscale/tailscaled.state": "{}" },
    },
    right: "gone",
  },
  {
    report: "zerotier/ZeroTierOne#484",
    fault: "a cloned machine had the address of the one that it was cloned from",
    input: {
      path: "/var/lib/zerotier-one/identity.secret",
      files: { "/var/lib/zerotier-one/identity.secret": "a:0:b:c" },
    },
    right: "gone",
  },
  {
    report: "saltstack/salt#16209",
    fault: "clones registered under the template's name, which the minion had cached",
    input: { path: "/etc/salt/minion_id", files: { "/etc/salt/minion_id": "web" } },
    right: "gone",
  },
  {
    report: "canonical/cloud-init#1514",
    fault: "LVM's devices file named the template's disks, and no clone found its own",
    input: {
      path: "/etc/lvm/devices/system.devices",
      files: { "/etc/lvm/devices/system.devices": "IDTYPE=sys_wwid IDNAME=naa.6002 DEVNAME=/dev/sda4\n" },
    },
    right: "gone",
  },
  {
    report: "ovn-kubernetes/ovn-kubernetes#70",
    fault: "two nodes with one system-id: the controller took a whole processor and lost packets",
    input: { path: "/etc/openvswitch/system-id.conf", files: { "/etc/openvswitch/system-id.conf": UUID } },
    right: "gone",
  },
  {
    report: "gluster/glusterd2#1158",
    fault: "a peer that was added overwrote another with the same id",
    input: { path: "/var/lib/glusterd2/uuid.toml", files: { "/var/lib/glusterd2/uuid.toml": UUID } },
    right: "gone",
  },
  {
    report: "arangodb/arangodb#1932",
    fault: "replication between an instance and one made from its image refused to start",
    input: { path: "/var/lib/arangodb3/SERVER", files: { "/var/lib/arangodb3/SERVER": "{}" } },
    right: "gone",
  },
  {
    report: "pritunl/pritunl#242",
    fault: "servers made from one image joined the cluster as one host",
    input: { path: "/var/lib/pritunl/pritunl.uuid", files: { "/var/lib/pritunl/pritunl.uuid": UUID } },
    right: "gone",
  },
  {
    report: "radio24/TorBox#40",
    fault: "every machine of the image had the same SSH host keys",
    input: { path: "/etc/ssh/ssh_host_ecdsa_key", files: { "/etc/ssh/ssh_host_ecdsa_key": "key" } },
    right: "gone",
  },
]);

/** The bytes of /etc/hostid on two clones. */
async function hostIds(hostid: string): Promise<{ bytes: number; alike: boolean }> {
  const ids: string[] = [];
  for (const _ of [1, 2]) {
    ids.push(
      await inTree({ "/etc/hostid": hostid }, async (root) => {
        await cloneOf(root);
        return (await Deno.readFile(`${root}/etc/hostid`)).join();
      }),
    );
  }
  return { bytes: (ids[0] ?? "").split(",").length, alike: ids[0] === ids[1] };
}
testReports(hostIds, [
  {
    report: "openzfs/zfs#398",
    fault: "all nodes of a shared image had one hostid, and MPI applications failed",
    input: "abcd",
    right: { bytes: 4, alike: false },
  },
  {
    report: "archzfs/archzfs#60",
    fault: "with the same hostid everywhere, two machines imported a pool at the same time",
    input: "\x01\x02\x03\x04",
    right: { bytes: 4, alike: false },
  },
]);

testReports(
  (text: string) => hostsFile(text, { hostname: "n1", templateHostname: "web" }).split("\n")[1],
  [
    {
      report: "freedombox/FreedomBox#578",
      fault: "the domain was lost together with the host name",
      input: "127.0.0.1 localhost\n127.0.1.1 web.example.com web\n",
      right: "127.0.1.1\tn1.example.com n1",
    },
    {
      report: "systemd/systemd#12793",
      fault: "the old name stayed in /etc/hosts, where tools want the full name before the short one",
      input: "127.0.0.1 localhost\n127.0.1.1 web.lab.example.com web mail\n",
      right: "127.0.1.1\tn1.lab.example.com n1 mail",
    },
  ],
);

/** The content of a file of the old disk after a reinstallation that keeps the identity. */
async function afterReinstallation(
  { path, files }: { path: string; files: Files },
): Promise<string | undefined> {
  const kept = await inTree(files, (root) => readIdentity(new ForeignTree(root), { nics: [], own: [] }));
  const { identity } = keepIdentity(
    { mode: "keep", askSeconds: 1, assigned: { hostname: "n1", interfaces: [] } },
    { old: { kept, from: "vda2", notes: [] }, nics: [] },
  );
  return await inTree({}, async (root) => await (await cloneOf(root, identity.files)).text(path));
}
testReports(afterReinstallation, [
  {
    report: "k3s-io/k3s#663",
    fault: "a node reinstalled under its name was refused, because it had another password",
    input: { path: "/etc/rancher/node/password", files: { "/etc/rancher/node/password": "secret\n" } },
    right: "secret\n",
  },
]);

testReports((path: string) => {
  const notes = new OwnNotes();
  notes.see(path as BytePath);
  return notes.notes.map((note) => note.split(":")[0]);
}, [
  {
    report: "linuxmuster/linuxmuster-linbo7#142",
    fault: "clones with the template's keytab could not log in, and nothing had warned about that",
    input: "etc/krb5.keytab",
    right: ["no clone has the template's Kerberos keytab"],
  },
  {
    report: "actions/runner#1286",
    fault: "a runner on a cloned machine blocked the one that it was cloned from",
    input: "opt/actions-runner/.credentials",
    right: ["an agent was enrolled on the template, and all clones report as one"],
  },
]);
