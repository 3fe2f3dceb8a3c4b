/** The disks of a layout's template, written in the small VM by the distribution's own tools, and cached. */
import { createHash } from "node:crypto";
import { run } from "../command.ts";
import { madeOnce } from "../made_once.ts";
import { runInSmallVm } from "../small_vm.ts";
import { serialOf } from "../qemu.ts";
import { ipv4 } from "../addresses.ts";
import type { LabLayout, TreeFileSystem } from "./layout.ts";
import { onHost, writeLayoutTree } from "./layout_tree.ts";

interface DisksOptions {
  readonly cache: string;
  readonly dataMiB: number;
  /** An OpenSSH public key that may log in as root. */
  readonly authorizedKey: string;
  readonly signal?: AbortSignal | undefined;
}

/** Paths of the raw images. Never write to them: they are the cache's. */
export async function templateDisks(
  layout: LabLayout,
  name: string,
  { cache, dataMiB, authorizedKey, signal }: DisksOptions,
): Promise<string[]> {
  const address = `${ipv4.template}/${ipv4.prefix}`;
  const { packages, files, fileSystems, setUp } = layout;
  const contents = key({ packages, files, fileSystems, setUp, authorizedKey, dataMiB });
  const tree = `${cache}/tree-${name}-${contents}`;
  const folder = `${cache}/template-${name}-${
    key({ contents, disks: layout.disksMiB, build: build(layout) })
  }`;
  await madeOnce(folder, async (disks) => {
    // A tree takes many minutes: it stays until its disks are complete.
    await madeOnce(tree, async (part) => {
      await Deno.mkdir(part);
      await writeLayoutTree(layout, { cache, work: part, address, authorizedKey, dataMiB, signal });
    });
    const log = `${cache}/template-${name}.log`;
    await Deno.mkdir(disks);
    await writeDisks(disks, layout, { tree, log, signal });
    await run(["rm", "-r", tree]);
  });
  return layout.disksMiB.map((_, i) => `${folder}/disk${i}.img`);
}

function key(recipe: unknown): string {
  return createHash("sha256").update(JSON.stringify(recipe)).digest("hex").slice(0, 16);
}

async function writeDisks(
  folder: string,
  layout: LabLayout,
  { tree, log, signal }: {
    readonly tree: string;
    readonly log: string;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<void> {
  const disks = layout.disksMiB.map((_, i) => ({
    path: `${folder}/disk${i}.img`,
    serial: serialOf("template", i),
  }));
  for (const [i, { path }] of disks.entries()) await run(["truncate", "-s", `${layout.disksMiB[i]}M`, path]);
  const images = onHost(layout).map((_, i) => `${tree}/image${i}`);
  using file = await Deno.open(log, { write: true, create: true, truncate: true });
  const { code, output } = await runInSmallVm({
    disks: [...disks, ...images.map((path) => ({ path, readOnly: true }))],
    script: build(layout),
    udev: true,
    memoryMiB: 1536,
    timeoutMs: 1_200_000,
    onOutput: (chunk) => file.writeSync(chunk),
    signal,
  });
  if (code !== 0) throw new Error(`the template's disks could not be written: exit ${code}\n${output}`);
}

function build(layout: LabLayout): string {
  const device = (i: number) => `/dev/vd${String.fromCharCode(98 + layout.disksMiB.length + i)}`;
  const copies = onHost(layout).map((to, i) =>
    `dd if=${device(i)} of=${to.device} bs=1M conv=sparse status=none`
  );
  const formats = layout.fileSystems.filter(({ type }) => type === "vfat")
    .map(({ mkfs, device }) => ["mkfs.vfat", ...mkfs, device].join(" "));
  return `
set -x
root=/mnt/template; mkdir $root
${layout.create}
${[...copies, ...formats].join("\n")}
udevadm trigger --settle
${mountAll(layout.fileSystems, {})}
for folder in dev proc sys run; do mount --rbind /$folder $root/$folder; done
cat > $root/tmp/boot.sh <<'END'
export DEBIAN_FRONTEND=noninteractive
${layout.boot}
END
chroot $root sh -ex /tmp/boot.sh
rm $root/tmp/boot.sh
for folder in dev proc sys run; do umount -R -l $root/$folder; done
umount -R $root
vgchange -q -an || true
sync
`;
}

/** Shell that mounts the file systems of an assembled layout on $root. */
export function mountAll(
  fileSystems: readonly TreeFileSystem[],
  options: Partial<Record<TreeFileSystem["type"], string>>,
): string {
  return fileSystems.flatMap(({ at, device, type, subvolumes = [{ name: "", at }] }) =>
    subvolumes.map(({ name, at }) => {
      const more = type === "btrfs" ? `,subvol=${name},compress=zstd:1` : type === "xfs" ? ",nouuid" : "";
      return `mkdir -p $root${at}; mount -o ${options[type] ?? "rw"}${more} ${device} $root${at}`;
    })
  ).join("\n");
}
