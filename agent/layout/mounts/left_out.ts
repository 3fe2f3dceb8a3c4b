/** Notes about mounts that a capture does not read: one per kind, none for those without data. Pure. */
import { type BytePath, displayPath, joinPath } from "#contract/format/byte_path.ts";
import type { Excludes } from "../../tree/excludes.ts";
import type { OtherMount } from "./mounted_trees.ts";

/** File systems that only show kernel state or mount others. */
const NO_DATA = new Set(
  ("autofs binder binfmt_misc bpf cgroup cgroup2 configfs cpuset debugfs devfs devpts devtmpfs efivarfs functionfs " +
    "fuse.gvfsd-fuse fuse.lxcfs fuse.portal fusectl hugetlbfs mqueue nfsd nsfs proc pstore resctrl rootfs rpc_pipefs " +
    "securityfs selinuxfs smackfs sysfs tracefs xenfs").split(" "),
);
const NO_DATA_BELOW = /^(dev|proc|run|sys)(\/|$)/;
const SHOWN = 5;

export function notesOfMounts(others: readonly OtherMount[], excludes: Excludes): string[] {
  const meant = worthANote(others, excludes);
  const again = meant.filter(({ kind }) => kind === "again");
  const byType = Map.groupBy(meant.filter(({ kind }) => kind === "foreign"), ({ mount }) => mount.type);
  return [
    ...again.length === 0 ? [] : [`captured once, not again at a second mount: ${shown(again)}`],
    ...[...byType].map(([type, mounts]) =>
      `left out, not a file system of this machine's disks: ${type} on ${shown(mounts)}`
    ),
  ];
}

/** Notes about mounts that the walk met and could not look below. */
export function notesOfCover(met: readonly OtherMount[], excludes: Excludes): string[] {
  const meant = worthANote(met, excludes);
  if (meant.length === 0) return [];
  const needs = "reading it needs root and Linux 5.2 or newer";
  return [`left out, what other mounts hide (${needs}): ${shown(meant)}`];
}

function worthANote(others: readonly OtherMount[], excludes: Excludes): OtherMount[] {
  return others.filter(({ path, mount }) =>
    !NO_DATA.has(mount.type) && !NO_DATA_BELOW.test(path) && !holdsNothing(path, excludes)
  );
}

/** Whether the excludes cover this path, one of its parents, or everything below it. */
export function holdsNothing(path: BytePath, excludes: Excludes): boolean {
  if (excludes.matches(joinPath(path, "x" as BytePath), { isDirectory: false })) return true;
  return [...path.matchAll(/\/|$/g)].some(({ index }) =>
    excludes.matches(path.slice(0, index) as BytePath, { isDirectory: true })
  );
}

function shown(mounts: readonly OtherMount[]): string {
  const names = [...new Set(mounts.map(({ path }) => `/${displayPath(path)}`))];
  const more = names.length - SHOWN;
  return more > 0 ? `${names.slice(0, SHOWN).join(", ")} and ${more} more` : names.join(", ");
}
