/** Which files in own_files/table.ts a machine's restore leaves alone, and which come from the image. */
import assert from "node:assert/strict";
import type { Order } from "#contract/api.ts";
import type { BytePath } from "#contract/format/byte_path.ts";
import type { Entry, FrameExtent } from "#contract/format/entry.ts";
import { common, type Image, makeImage } from "../../../test/support/small_image.ts";
import { close, O, openAt } from "../../sys/libc.ts";
import { findExisting } from "../compare/existing.ts";
import { installImage as install } from "../../../test/support/install_image.ts";
import { neededFrames } from "../compare/testing/needed_frames.ts";
import { machineComparison } from "./restore_scope.ts";

const FILES = [
  "etc/agent/id",
  "etc/iscsi/initiatorname.iscsi",
  "etc/munge/munge.key",
  "etc/wireguard/wg0.conf",
  "var/lib/cloud/data/instance-id",
  "var/lib/docker/engine-id",
  "var/lib/etcd/member/db",
];

function image(): Image {
  const attributes = { ...common, uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 };
  const folders = new Set(FILES.flatMap((path) => {
    const names = path.split("/").slice(0, -1);
    return names.map((_, i) => names.slice(0, i + 1).join("/"));
  }));
  const entries: Entry<FrameExtent>[] = [
    ...[...folders].map((path) => ({
      type: "directory" as const,
      path: path as BytePath,
      ...attributes,
      mode: 0o755,
    })),
    ...FILES.map((path) => ({
      type: "file" as const,
      path: path as BytePath,
      ...attributes,
      sizeBytes: 1000,
      extents: [{ offset: 0, frame: 1, index: 0 }],
    })),
  ];
  return makeImage(entries.sort((a, b) => a.path < b.path ? -1 : 1));
}

const ORDER: Pick<Order, "restore" | "identity"> = {
  restore: { keep: [], dryRun: false, nodes: 1 },
  identity: {
    mode: "keep",
    askSeconds: 1,
    own: ["/etc/agent/id"],
    assigned: { hostname: "n1", interfaces: [] },
  },
};

async function restore({ manifest, target, pack }: Image): Promise<void> {
  const comparison = machineComparison(ORDER, {
    record: undefined,
    index: undefined,
    trustsIndex: false,
    soundLoader: [],
    fitted: [],
    plain: [],
  });
  assert(comparison?.why === "restores");
  const root = openAt(-100, target as BytePath, { flags: O.RDONLY | O.DIRECTORY });
  try {
    const found = await findExisting(root, {
      manifest,
      makeReadable: true,
      privileged: Deno.uid() === 0,
      workers: 2,
      kept: comparison.kept,
      own: comparison.own,
    });
    await install({ manifest, target, pack } as Image, neededFrames(manifest, found), found);
  } finally {
    close(root);
  }
}

const textOf = (image: Image, path: string) => {
  try {
    return Deno.readTextFileSync(`${image.target}/${path}`);
  } catch {
    return undefined;
  }
};

const cases: { path: string; changed: "own" | "image"; lost: "stays lost" | "image" }[] = [
  { path: "etc/agent/id", changed: "own", lost: "stays lost" },
  { path: "etc/iscsi/initiatorname.iscsi", changed: "own", lost: "stays lost" },
  { path: "var/lib/docker/engine-id", changed: "own", lost: "stays lost" },
  { path: "etc/wireguard/wg0.conf", changed: "own", lost: "image" },
  { path: "var/lib/cloud/data/instance-id", changed: "own", lost: "image" },
  { path: "etc/munge/munge.key", changed: "image", lost: "image" },
  { path: "var/lib/etcd/member/db", changed: "image", lost: "image" },
];
for (const { path, changed, lost } of cases) {
  Deno.test(`a restore: ${path} that differs is ${changed === "own" ? "left alone" : "replaced by the image's"}`, async () => {
    using made = image();
    await install(made, [0, 1, 2]);
    const ofImage = textOf(made, path);
    Deno.writeTextFileSync(`${made.target}/${path}`, "node");
    await restore(made);
    assert.equal(textOf(made, path), changed === "own" ? "node" : ofImage);
  });
  Deno.test(`a restore: ${path} that is gone ${lost === "image" ? "comes back" : "stays away"}`, async () => {
    using made = image();
    await install(made, [0, 1, 2]);
    const ofImage = textOf(made, path);
    Deno.removeSync(`${made.target}/${path}`);
    await restore(made);
    assert.equal(textOf(made, path), lost === "image" ? ofImage : undefined);
  });
}

Deno.test("a restore: a node's own files in a directory of the image stay, other additions go", async () => {
  using made = image();
  await install(made, [0, 1, 2]);
  Deno.mkdirSync(`${made.target}/var/lib/docker/swarm`);
  Deno.writeTextFileSync(`${made.target}/var/lib/docker/swarm/state.json`, "node");
  Deno.writeTextFileSync(`${made.target}/var/lib/docker/stranger`, "x");
  await restore(made);
  assert.equal(textOf(made, "var/lib/docker/swarm/state.json"), "node");
  assert.equal(textOf(made, "var/lib/docker/stranger"), undefined);
});
