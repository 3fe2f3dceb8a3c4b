/** The files of a package, the same for .deb, .rpm and OCI image. What the program can write itself, it writes. */
import { gzipSync } from "node:zlib";
import { sysusersText, unitText } from "../../server/systemd/unit.ts";
import { run } from "../build/command.ts";

export interface PackageFile {
  /** Absolute path on the machine that the package is installed on. */
  readonly path: string;
  readonly mode: number;
  /** A file of this machine, or the bytes themselves. */
  readonly content: { readonly from: string } | Uint8Array;
  /** An administrator edits it: an upgrade leaves it alone. */
  readonly isSettings?: true;
}

const PROGRAM = "/usr/bin/rackseed";
const DATA = "/var/lib/rackseed";

/** `product`: path of the compiled program. */
export async function packageFiles(
  product: string,
  { scratch, licence, zshFolder }: { scratch: string; licence: string; zshFolder: string },
): Promise<PackageFile[]> {
  // no settings of the machine that builds
  const ask = (...args: string[]) => run([product, ...args], { env: { RACKSEED_CONFIG: "/dev/null" } });
  const shared = "/usr/share";
  await run([product, "man", "--out", `${scratch}/man`]);
  return [
    { path: PROGRAM, mode: 0o755, content: { from: product } },
    file("/usr/lib/systemd/system/rackseed.service", unitText({ program: PROGRAM, data: DATA })),
    file("/usr/lib/sysusers.d/rackseed.conf", sysusersText({ data: DATA })),
    { ...file("/etc/rackseed/server.yaml", await ask("config", "show")), isSettings: true },
    file(`${shared}/bash-completion/completions/rackseed`, await ask("completion", "bash")),
    file(`${shared}/zsh/${zshFolder}/_rackseed`, await ask("completion", "zsh")),
    file(`${shared}/fish/vendor_completions.d/rackseed.fish`, await ask("completion", "fish")),
    file(`${shared}/doc/rackseed/copyright`, await Deno.readTextFile(licence)),
    ...await manualPages(`${scratch}/man`),
  ];
}

export function file(path: string, text: string): PackageFile {
  return { path, mode: 0o644, content: new TextEncoder().encode(text) };
}

async function manualPages(folder: string): Promise<PackageFile[]> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  return names.map((name) => ({
    path: `/usr/share/man/man1/${name}.gz`,
    mode: 0o644,
    // node:zlib writes no time and no name into the header
    content: new Uint8Array(gzipSync(Deno.readFileSync(`${folder}/${name}`), { level: 9 })),
  }));
}

/** Lays the files out below a folder. All of it, folders too, gets the time `epoch`. */
export async function layOut(
  files: readonly PackageFile[],
  { root, epoch }: { root: string; epoch: number },
): Promise<void> {
  for (const { path, mode, content } of files) {
    const target = root + path;
    await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), { recursive: true, mode: 0o755 });
    if (content instanceof Uint8Array) await Deno.writeFile(target, content);
    else await Deno.copyFile(content.from, target);
    await Deno.chmod(target, mode);
  }
  await setTimes(root, epoch);
}

async function setTimes(path: string, epoch: number): Promise<void> {
  for (const { name, isDirectory } of await Array.fromAsync(Deno.readDir(path))) {
    if (isDirectory) await setTimes(`${path}/${name}`, epoch);
    else await Deno.utime(`${path}/${name}`, epoch, epoch);
  }
  await Deno.utime(path, epoch, epoch);
}
