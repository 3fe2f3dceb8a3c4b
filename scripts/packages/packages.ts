/** `deno task build --packages`: a .deb, an .rpm, an OCI image and the Ansible collection, beside the product in dist/. */
import settings from "../../deno.json" with { type: "json" };
import { writeCollection } from "./collection.ts";
import { writeDeb } from "./deb.ts";
import { writeOciImage } from "./oci.ts";
import { packageFiles } from "./package_files.ts";
import { writeRpm } from "./rpm.ts";

export interface Packages {
  readonly deb: string;
  readonly rpm: string;
  readonly oci: string;
  readonly collection: string;
}

/**
 * Writes the packages into `folder`. The same product makes the same bytes.
 *
 * @param epoch seconds since 1970 that the packages carry as their time
 */
export async function buildPackages(
  product: string,
  { folder, root, epoch }: { folder: string; root: string; epoch: number },
): Promise<Packages> {
  const { version } = settings;
  const scratch = await Deno.makeTempDir({ prefix: "rackseed-packages-" });
  const made = {
    deb: `${folder}/rackseed_${version}_amd64.deb`,
    rpm: `${folder}/rackseed-${version}-1.x86_64.rpm`,
    oci: `${folder}/rackseed-${version}.oci.tar`,
    collection: `${folder}/rackseed-rackseed-${version}.tar.gz`,
  };
  try {
    const filesFor = (zshFolder: string) =>
      packageFiles(product, { scratch, licence: `${root}/LICENSE`, zshFolder });
    const files = await filesFor("vendor-completions");
    await writeDeb(files, { version, epoch, scratch, output: made.deb });
    await writeRpm(await filesFor("site-functions"), { version, epoch, scratch, output: made.rpm });
    await writeOciImage(files, { version, epoch, output: made.oci });
    await writeCollection(`${root}/server/ansible`, { version, epoch, output: made.collection });
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
  return made;
}

/** SOURCE_DATE_EPOCH, else the time of the last commit, else of the licence, which every source archive keeps. */
export async function sourceDateEpoch(root: string): Promise<number> {
  const given = Deno.env.get("SOURCE_DATE_EPOCH");
  if (given !== undefined && /^\d{1,12}$/.test(given)) return Number(given);
  const git = await new Deno.Command("git", {
    args: ["-C", root, "log", "-1", "--format=%ct"],
    stderr: "null",
  }).output().catch(() => undefined);
  const committed = git?.success ? new TextDecoder().decode(git.stdout).trim() : "";
  if (/^\d+$/.test(committed)) return Number(committed);
  return Math.floor((Deno.statSync(`${root}/LICENSE`).mtime?.getTime() ?? 0) / 1000);
}
