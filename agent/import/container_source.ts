/** A container image as the source of a capture. With a layout it becomes a version that machines can boot. */
import { type BytePath, bytePathOfText, displayPath } from "#contract/format/byte_path.ts";
import { kernelPaths } from "#contract/distributions.ts";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { type BootFacts, GRUB_ONLY } from "#contract/format/boot.ts";
import type { DiskLayout } from "#contract/format/layout.ts";
import type { Source } from "#contract/format/manifest.ts";
import { obstaclesToBoot, type Presence } from "../capture/bootability.ts";
import { newestFirst, parseOsRelease } from "../capture/machine.ts";
import type { Blobs } from "./blob_store.ts";
import { type ContainerImage, findContainerImage } from "./container_image.ts";
import type { Firmware } from "./disk_image.ts";
import { LayeredSource, type Tree } from "./layered_source.ts";
import { fstabOf, plainLayout } from "./plain_layout.ts";

interface ImportedContainer {
  readonly tree: LayeredSource;
  readonly source?: Source;
  readonly layout?: DiskLayout;
  readonly notes: readonly string[];
}

interface ContainerOptions {
  readonly blobs: Blobs;
  /** The machine that it is to become; absent: a version without a layout. */
  readonly firmware?: Firmware | undefined;
  readonly signal: AbortSignal;
}

/** Throws RackseedError if it cannot be read, or lacks what the machine needs. */
export async function openContainer(
  path: string,
  { blobs, firmware, signal }: ContainerOptions,
): Promise<ImportedContainer> {
  let image: ContainerImage;
  try {
    image = await findContainerImage(blobs);
  } catch (error) {
    throw new RackseedError(`cannot import the container image ${path}`, {
      reason: `${messageOf(error)}.`,
      remedy:
        "write it with `docker save`, `podman save --format oci-archive` or `skopeo copy`, one image alone.",
      status: 400,
      cause: error,
    });
  }
  const tree = new LayeredSource(path, { blobs, layers: image.layers });
  if (firmware === undefined) return { tree, notes: [] };
  const found = await tree.tree({ signal });
  const { bytes } = await tree.measure({ signal });
  const layout: DiskLayout = {
    ...plainLayout(firmware, { contentBytes: bytes, uuid: () => crypto.randomUUID() }),
    boot: bootFacts(found),
  };
  const source = await sourceOf(tree, { found, firmware, signal });
  const obstacles = obstaclesToBoot({ layout, unseen: [], notes: [] }, {
    source,
    presence: presenceIn(found, source),
  });
  if (obstacles.length > 0) {
    throw new RackseedError(`cannot make a machine of the container image ${path}`, {
      reason: `${obstacles.join("; ")}.`,
      remedy:
        "add to its Dockerfile what is missing, and import it again; without --layout it becomes a version " +
        "for directories.",
      status: 409,
    });
  }
  tree.add(bytePathOfText("etc/fstab"), fstabOf(layout));
  for (const { mountPoint } of layout.fileSystems) tree.addFolder(bytePathOfText(mountPoint.slice(1)));
  return { tree, source, layout, notes: ["its /etc/fstab was made from the chosen layout"] };
}

/** GRUB, whose menu the installation makes; an initramfs that was made in a container has every driver. */
function bootFacts(found: Tree): BootFacts {
  const has = (name: string) =>
    found.has(bytePathOfText(`usr/bin/${name}`)) || found.has(bytePathOfText(`usr/sbin/${name}`));
  const initramfs = has("dracut") ? "dracut" : has("mkinitcpio") ? "mkinitcpio" : "initramfs-tools";
  return { ...GRUB_ONLY, initramfs };
}

async function sourceOf(
  tree: LayeredSource,
  { found, firmware, signal }: { found: Tree; firmware: Firmware; signal: AbortSignal },
): Promise<Source> {
  const release = parseOsRelease(
    await tree.text(bytePathOfText("usr/lib/os-release"), signal) ??
      await tree.text(bytePathOfText("etc/os-release"), signal) ?? "",
  );
  const kernels = newestFirst(
    [...found.keys()].flatMap((path) =>
      /^(?:usr\/)?lib\/modules\/([^/]+)\/modules\.dep$/.exec(displayPath(path))?.[1]?.slice(0, 128) ?? []
    ),
  );
  const bootable = kernels.find((kernel) => kernelPaths(kernel).some((at) => isFile(found, at)));
  const like = release.get("ID_LIKE");
  return {
    hostname: "container",
    distribution: (release.get("ID") ?? "linux").slice(0, 64),
    ...(like !== undefined && { like: like.slice(0, 128) }),
    release: (release.get("VERSION_ID") ?? "").slice(0, 64),
    description: (release.get("PRETTY_NAME") ?? "Linux").slice(0, 255),
    architecture: Deno.build.arch,
    firmware,
    kernel: bootable ?? kernels[0] ?? "none",
    kernels: kernels.slice(0, 64),
  };
}

/** Programs in the folders of PATH; the folders may be links into /usr, which are then empty here. */
function presenceIn(found: Tree, { kernel }: Source): Presence {
  const programs = new Set<string>(), paths = new Set<string>();
  for (const path of found.keys()) {
    const name = /^(?:usr\/(?:local\/)?)?s?bin\/([^/]+)$/.exec(path)?.[1];
    if (name !== undefined) programs.add(name);
    if (path.startsWith("usr/lib/grub/") || kernelPaths(kernel).includes(`/${path}`)) paths.add(`/${path}`);
    if (path.startsWith("lib/modules/")) paths.add(`/usr/${path}`);
  }
  return { programs, paths };
}

function isFile(found: Tree, at: string): boolean {
  const path = at.slice(1) as BytePath;
  return found.has(path) || found.has(path.replace(/^lib\//, "usr/lib/") as BytePath);
}
