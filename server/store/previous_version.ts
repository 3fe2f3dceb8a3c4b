import { sha256 } from "#native/sha256.ts";
import type { VersionRecord } from "./versions.ts";

/** The version before a new one. Files that have not changed are taken from its folder, after a check. */
export class PreviousVersion {
  readonly bootable: boolean;
  readonly bootNotes: readonly string[];
  readonly #files: VersionRecord["files"];
  readonly #folder: string;

  constructor({ bootable, bootNotes, files }: VersionRecord, folder: string) {
    this.bootable = bootable;
    this.bootNotes = bootNotes;
    this.#files = files;
    this.#folder = folder;
  }

  /** A file's content; undefined if there is no such file, or it is not what was published. */
  async read(name: string): Promise<Uint8Array | undefined> {
    const file = this.#files.find((f) => f.name === name);
    if (file === undefined) return undefined;
    try {
      const bytes = await Deno.readFile(`${this.#folder}/${name}`);
      return sha256(bytes).toString("hex") === file.sha256 ? bytes : undefined;
    } catch {
      return undefined;
    }
  }

  /** Hard-links a file into `folder`; neither name is ever written to. False if `read` finds no file. */
  async link(name: string, folder: string): Promise<boolean> {
    if (await this.read(name) === undefined) return false;
    await Deno.link(`${this.#folder}/${name}`, `${folder}/${name}`);
    return true;
  }
}
