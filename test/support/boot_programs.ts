/** Boot programs of Debian's packages that the small VM's Debian lacks, unpacked into a folder beside its cache. */
import { createHash } from "node:crypto";
import { runCommand as run } from "../../agent/sys/command.ts";
import { madeOnce } from "../../scripts/lab/made_once.ts";

const PACKAGES = [
  ...[
    "systemd",
    "libsystemd-shared",
    "systemd-boot",
    "systemd-boot-efi",
    "libseccomp2",
    "libip4tc2",
    "libfdisk1",
  ],
  "shim-helpers-amd64-signed",
  ...[
    "dracut-core",
    "initramfs-tools",
    "initramfs-tools-core",
    "klibc-utils",
    "libklibc",
    "binutils",
    "binutils-x86-64-linux-gnu",
    "libbinutils",
    "libctf-nobfd0",
    "libctf0",
    "libgprofng0",
  ],
];

export const bootProgramsNeeds = ["apt-get", "dpkg-deb"];

/** The folder with the packages' files, to be laid over a Debian without them. */
export async function bootPrograms(cache: string): Promise<string> {
  await Deno.mkdir(cache, { recursive: true });
  // a link to another folder leads nowhere in the small VM
  return await unpacked(await Deno.realPath(cache));
}

async function unpacked(cache: string): Promise<string> {
  const key = createHash("sha256").update(PACKAGES.join()).digest("hex").slice(0, 16);
  const folder = `${cache}/boot-programs-${key}`;
  await madeOnce(folder, async (tree) => {
    const debs = await Deno.makeTempDir({ dir: cache, prefix: "boot-programs-" });
    try {
      // apt-get downloads to where it is started
      await run(["sh", "-ec", 'cd "$0"; apt-get download "$@"', debs, ...PACKAGES], {
        timeoutMs: 5 * 60_000,
      });
      for await (const { name } of Deno.readDir(debs)) {
        if (name.endsWith(".deb")) await run(["dpkg-deb", "-x", `${debs}/${name}`, tree]);
      }
    } finally {
      await Deno.remove(debs, { recursive: true });
    }
    // where the system has links, a folder of the same name would hide them
    for (const name of ["bin", "lib", "sbin"]) {
      await run([
        "sh",
        "-ec",
        '[ ! -d "$0" ] || { mkdir -p "$1"; cp -a "$0/." "$1"; rm -r "$0"; }',
        `${tree}/${name}`,
        `${tree}/usr/${name}`,
      ]);
    }
  });
  return folder;
}
