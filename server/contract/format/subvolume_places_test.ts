import assert from "node:assert/strict";
import type { BtrfsProperties } from "./file_system_properties.ts";
import { mountPointsOf, placesShownAgain, subvolumePlaces } from "./subvolume_places.ts";

type Own = Pick<BtrfsProperties, "mountedSubvolume" | "top">;

function fileSystem(
  mountPoint: string,
  subvolumes: Record<string, string | undefined>,
  own: Own = {},
) {
  const list = Object.entries(subvolumes).map(([path, at]) => ({
    path,
    readOnly: false,
    ...(at !== undefined && { mountPoint: at }),
  }));
  const btrfs = { subvolumes: list, ...own } as BtrfsProperties;
  return { mountPoint, mkfs: { features: [], btrfs } } as unknown as Parameters<typeof subvolumePlaces>[0];
}

const cases: {
  name: string;
  of: ReturnType<typeof fileSystem>;
  others?: string[];
  captured: Record<string, string>;
  again?: string[];
}[] = [
  {
    name: "the top alone, with a subvolume inside",
    of: fileSystem("/data", { sub: undefined, "sub/inner": undefined }),
    captured: { "": "/data", sub: "/data/sub", "sub/inner": "/data/sub/inner" },
  },
  {
    name: "Ubuntu's: the top is not mounted, so a subvolume without a mount point is not captured",
    of: fileSystem(
      "/",
      { "@": undefined, "@/var/lib/machines": undefined, "@home": "/home", "@old": undefined },
      { mountedSubvolume: "@" },
    ),
    captured: { "@": "/", "@/var/lib/machines": "/var/lib/machines", "@home": "/home" },
  },
  {
    name: "SUSE's: the root is a snapshot that shows once more below its own snapshots",
    of: fileSystem(
      "/",
      {
        "@": undefined,
        "@/.snapshots": "/.snapshots",
        "@/var": "/var",
        "@/.snapshots/1/snapshot": undefined,
        "@/.snapshots/2/snapshot": undefined,
      },
      { mountedSubvolume: "@/.snapshots/1/snapshot" },
    ),
    captured: {
      "@/.snapshots/1/snapshot": "/",
      "@/.snapshots": "/.snapshots",
      "@/var": "/var",
      "@/.snapshots/2/snapshot": "/.snapshots/2/snapshot",
    },
    again: ["/.snapshots/1/snapshot"],
  },
  {
    name: "the top mounted beside the root",
    of: fileSystem("/", { "@": undefined, "@home": "/home", backup: undefined }, {
      mountedSubvolume: "@",
      top: { mountPoint: "/mnt/pool", mountOptions: "" },
    }),
    captured: { "": "/mnt/pool", "@": "/", "@home": "/home", backup: "/mnt/pool/backup" },
    again: ["/mnt/pool/@", "/mnt/pool/@home"],
  },
  {
    name: "a subvolume mounted where it is anyway",
    of: fileSystem("/", { "@": undefined, "@/srv": "/srv" }, { mountedSubvolume: "@" }),
    captured: { "@": "/", "@/srv": "/srv" },
  },
  {
    name: "a subvolume hidden by another file system",
    of: fileSystem("/", { "@": undefined, "@/srv/a": undefined }, { mountedSubvolume: "@" }),
    others: ["/srv"],
    captured: { "@": "/" },
  },
  {
    name: "names that begin alike",
    of: fileSystem("/", { a: undefined, ab: undefined, "ab/c": undefined }),
    captured: { "": "/", a: "/a", ab: "/ab", "ab/c": "/ab/c" },
  },
];
for (const { name, of, others = [], captured, again = [] } of cases) {
  Deno.test(`places of subvolumes: ${name}`, () => {
    const fileSystems = [of, ...others.map((at) => ({ mountPoint: at, mkfs: { features: [] } }))];
    const mountPoints = fileSystems.flatMap(mountPointsOf);
    const found = subvolumePlaces(of, mountPoints);
    assert.deepEqual(Object.fromEntries(found.captured), captured);
    assert.deepEqual(found.again, again);
    assert.deepEqual(
      placesShownAgain({ fileSystems } as unknown as Parameters<typeof placesShownAgain>[0]),
      again.map((place) => place.slice(1)),
    );
  });
}
