/**
 * The folders below `--data`, which only the server's user may read (0700; files in them 0600):
 *
 *     rackseed.db
 *     keys/signing.pem          Ed25519, PKCS #8
 *     keys/secrets.key          AES-256, in hexadecimal: seals recovery keys, passphrases and BMC passwords
 *     identities/NODE.json      identities of installed nodes, with their host keys
 *     packs/SHA256.pack         complete packs, immutable
 *     packs/ID.part             packs that still grow, or that an interrupted capture left for reuse
 *     versions/IMAGE@N/         manifest.rsm, torrent, the boot files vmlinuz and initrd-image, and boot-inputs
 *     rehearsals/ID/            console.log and screenshot.png; while it runs, work/ with its disks
 *     staging/CAPTURE/          a version's folder before it is published
 *     mirror/ID/                files of a version that is being copied from the upstream; ID: of its manifest
 *     power-commands/NAME       a site's own commands that switch nodes; put there by hand
 *     standby.json              what this machine is to another server: see server/standby
 *     late-machines.json        see late_machines.ts
 *     pack-store                the bucket that has packs which are not here, for programs beside the server
 *     reserve                   space for the database on a full disk
 */
import { statfsSync } from "node:fs";
import { messageOf, RackseedError } from "#contract/errors.ts";
import { packName } from "#contract/format/sha256.ts";
import { Reserve } from "./reserve.ts";
import { databaseRefusal, storeFacts } from "./start_check.ts";

export const PACK_STORE_FILE = "pack-store";

/** Free space that frames never take, so that the database can always be written. */
const RESERVE_BYTES = 64 << 20;

export class DataDirectory {
  readonly path: string;
  readonly reserve: Reserve;

  /** Creates what is missing. Throws RackseedError, and changes nothing, if that would hide a loss. */
  constructor(path: string) {
    this.path = path;
    this.reserve = new Reserve(path);
    const refusal = databaseRefusal(path, storeFacts(path));
    if (refusal) throw refusal;
    try {
      this.#make();
    } catch (error) {
      throw new RackseedError(`cannot use the data directory ${path}`, {
        reason: `${messageOf(error)}.`,
        remedy: "run the server as a user who may write there, or give it another directory: --data DIR.",
        cause: error,
      });
    }
  }

  #make(): void {
    for (const folder of [this.path, this.packs, this.versions, this.staging, this.keys, this.identities]) {
      Deno.mkdirSync(folder, { recursive: true, mode: 0o700 });
    }
    Deno.chmodSync(this.path, 0o700);
    // SQLite gives its write-ahead log the database's mode
    Deno.openSync(this.database, { append: true, create: true, mode: 0o600 }).close();
    this.reserve.adjust();
  }

  get database(): string {
    return `${this.path}/rackseed.db`;
  }
  get packs(): string {
    return `${this.path}/packs`;
  }
  get versions(): string {
    return `${this.path}/versions`;
  }
  get staging(): string {
    return `${this.path}/staging`;
  }
  get rehearsals(): string {
    return `${this.path}/rehearsals`;
  }
  get mirror(): string {
    return `${this.path}/mirror`;
  }
  get identities(): string {
    return `${this.path}/identities`;
  }
  get powerCommands(): string {
    return `${this.path}/power-commands`;
  }
  get keys(): string {
    return `${this.path}/keys`;
  }

  pack(pack: { readonly id: number; readonly sha256: string | null }): string {
    return `${this.path}/${this.relativePack(pack)}`;
  }

  /** The pack's path below the data directory. */
  relativePack({ id, sha256 }: { readonly id: number; readonly sha256: string | null }): string {
    return sha256 === null ? `packs/${id}.part` : `packs/${packName(sha256)}`;
  }

  version(image: string, version: number): string {
    return `${this.versions}/${image}@${version}`;
  }

  /** Of the file system. `freeBytes`: what the server may still write. */
  space(): { sizeBytes: number; freeBytes: number } {
    const { bsize, blocks, bavail } = statfsSync(this.path);
    return { sizeBytes: blocks * bsize, freeBytes: bavail * bsize };
  }

  /** Space for frames: the free space less 64 MiB, or less a sixteenth of a small file system. */
  roomBytes(): number {
    const { bsize, blocks, bavail } = statfsSync(this.path);
    return bavail * bsize - Math.min(RESERVE_BYTES, blocks * bsize / 16);
  }
}
