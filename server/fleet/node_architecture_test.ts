import assert from "node:assert/strict";
import type { VersionView } from "#contract/api.ts";
import { SOURCE } from "#contract/format/testing/samples.ts";
import { RackseedError } from "#contract/errors.ts";
import { architectureOfNode, refuseOtherArchitecture, versionFor } from "./node_architecture.ts";

const inventory = { kind: "machine", memoryBytes: 1, cpus: 1, nics: [], disks: [] } as const;
const asked = { first: "2026-01-01T00:00:00Z", appearances: 1, by: [] };
const x86 = { name: "n1", inventory: { ...inventory, nics: [], disks: [], firmware: "bios" as const } };
const arm = { name: "n2", sighting: { ...asked, architecture: "arm64" as const } };
const unknown = { name: "n3" };

/** Only what is looked at. */
const version = (number: number, architecture: string) =>
  ({ image: "web", version: number, source: { ...SOURCE, architecture } }) as VersionView;
const OLD = version(1, "aarch64"), ARM = version(2, "aarch64"), NEW = version(3, "x86_64");
const images = {
  get(ref: string): VersionView {
    const found = { "web": NEW, "web@3": NEW, "web@1": OLD, "web@arm64": ARM, "x86": NEW }[ref];
    if (found) return found;
    throw new RackseedError(`there is no image ${ref}`, { reason: "-", remedy: "-", status: 404 });
  },
};

Deno.test("a node's architecture is what its agent reported, else what its firmware asked for", () => {
  assert.deepEqual([x86, arm, unknown].map(architectureOfNode), ["x86_64", "aarch64", undefined]);
  const both = { ...arm, inventory: { ...x86.inventory, firmware: "uefi" as const, architecture: "x86_64" } };
  assert.equal(architectureOfNode(both), "x86_64");
});

Deno.test("an image's name alone means the newest version of the nodes' architecture", () => {
  const chosen = (nodes: Parameters<typeof versionFor>[0], ref: string) =>
    versionFor(nodes, { ref, images }).version;
  assert.equal(chosen([arm], "web"), 2);
  assert.equal(chosen([x86], "web"), 3);
  assert.equal(chosen([arm, x86], "web"), 3, "and is refused");
  assert.equal(chosen([unknown], "web"), 3);
  assert.equal(chosen([arm], "web@3"), 3, "as named, and is refused");
  assert.equal(chosen([arm], "x86"), 3, "there is none");
  assert.throws(() => chosen([arm], "nothing"), /there is no image nothing/);
});

Deno.test("a version of another architecture is refused, with the nodes and what fits them", () => {
  refuseOtherArchitecture([x86, unknown], NEW);
  refuseOtherArchitecture([arm], ARM);
  refuseOtherArchitecture([arm], { image: "tree", version: 1 });
  assert.throws(() => refuseOtherArchitecture([x86, arm], NEW), {
    title: "cannot deploy web@3",
    reason: "it is for x86-64 machines, and the node is arm64: n2.",
    remedy:
      "choose a version for arm64: web@arm64, or capture a template of that kind; nodes of both kinds need an " +
      "order each.",
  });
});
