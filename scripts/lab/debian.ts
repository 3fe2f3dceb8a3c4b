/** The Debian of the lab's machines: a tree made by debootstrap for both firmwares, cached between runs. */
import { createHash } from "node:crypto";
import { run } from "./command.ts";
import { madeOnce } from "./made_once.ts";

const contents = {
  packages: [
    ...["systemd", "systemd-sysv", "udev", "linux-image-cloud-amd64", "initramfs-tools", "zstd", "kmod"],
    ...["e2fsprogs", "dosfstools", "fdisk", "iproute2", "openssh-server", "curl"],
    ...["grub2-common", "grub-pc-bin", "grub-efi-amd64-bin", "efibootmgr"],
  ],
  // These two exclude each other: each template installs its own from the file kept here.
  kept: ["grub-pc", "grub-efi-amd64"],
};

/** The folder in the tree that keeps the packages of `contents.kept`. */
export const keptPackages = "var/cache/rackseed-lab";

export const debianPrograms = ["debootstrap", "chroot", "tar", "zstd"];

/**
 * Returns a tar (zstd) of the tree, made unless the cache has one for this recipe.
 * @param work a folder with 1 GiB of space, on a file system that allows device nodes
 */
export async function debianTree(
  { suite = "bookworm", cache, work, signal }: {
    readonly suite?: string;
    readonly cache: string;
    readonly work: string;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<string> {
  const recipe = { suite, ...contents };
  const key = createHash("sha256").update(JSON.stringify(recipe)).digest("hex").slice(0, 16);
  const archive = `${cache}/debian-${suite}-${key}.tar.zst`;
  await madeOnce(archive, async (part) => {
    const tree = `${work}/debian`;
    await run(
      ["debootstrap", "--variant=minbase", `--include=${recipe.packages.join()}`, suite, tree],
      { signal },
    );
    await run(["chroot", tree, "sh", "-ec", finish], { signal, env: { DEBIAN_FRONTEND: "noninteractive" } });
    await run(
      ["tar", "-C", tree, "--numeric-owner", "--xattrs", "--acls", "-I", "zstd -3 -T0", "-cf", part, "."],
      { signal },
    );
    await Deno.remove(tree, { recursive: true });
  });
  return archive;
}

const finish = `
mkdir -p /${keptPackages}
cd /${keptPackages}
apt-get -q download ${contents.kept.join(" ")}
apt-get clean
find /var/lib/apt/lists -type f -delete
`;
