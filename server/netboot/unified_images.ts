/** The UKIs of the site: one for each version that is asked for, made once, and put together as they are sent. */
import { getLogger } from "@logtape/logtape";
import type { Architecture } from "#contract/architectures.ts";
import { messageOf } from "#contract/errors.ts";
import { openJoined } from "../../boot/boot_file.ts";
import { measureUki } from "../../boot/uki/measure.ts";
import { layOutUki, type Piece, signUki } from "../../boot/uki/uki.ts";
import type { UkiSigner } from "../../boot/uki/signed_data.ts";
import type { ImageBootFiles } from "../../boot/boot_files.ts";

const log = getLogger(["rackseed", "netboot"]);

interface UnifiedImagesOptions {
  /** systemd's EFI stub for an architecture. */
  readonly stub: (architecture: Architecture) => Uint8Array;
  /** Without one, they carry no signature. */
  readonly signer?: UkiSigner | undefined;
  /** The same for all machines of an architecture. Anybody may read it. */
  readonly commandLine: (architecture: Architecture) => string;
  readonly image: (name: string) => ImageBootFiles | undefined;
}

export class UnifiedImages {
  readonly #options: UnifiedImagesOptions;
  /** By the paths of the files. */
  readonly #made = new Map<string, readonly Piece[]>();

  constructor(options: UnifiedImagesOptions) {
    this.#options = options;
  }

  /** The pieces of a version's image; undefined if there is no such version, or it cannot boot. */
  get(name: string): readonly Piece[] | undefined {
    const { stub, signer, commandLine, image } = this.#options;
    const files = image(name);
    if (files === undefined) return undefined;
    const key = JSON.stringify([name, files]);
    const made = this.#made.get(key);
    if (made !== undefined) return made;
    const startedMs = performance.now();
    try {
      const osRelease = `ID=rackseed\nNAME=Rackseed\nVERSION_ID=${name}\nPRETTY_NAME="Rackseed ${name}"\n`;
      const uki = layOutUki(stub(files.architecture), {
        ...files,
        osRelease,
        commandLine: commandLine(files.architecture),
      });
      const pieces = signer
        ? signUki(uki, signer, { name: `the signed image of ${name}` })
        : [uki.headers, ...uki.body];
      this.#made.set(key, pieces);
      const ms = Math.round(performance.now() - startedMs);
      const measures = signer && measured(pieces, name);
      log.info("unified-image", { image: name, bytes: uki.sizeBytes, ms, ...measures });
      return pieces;
    } catch (error) {
      log.error("no-unified-image", { image: name, error: messageOf(error) });
      return undefined;
    }
  }
}

/** For a site that verifies quotes of its machines. */
function measured(pieces: readonly Piece[], name: string): { pcr4Event: string; pcr11: string } {
  const file = openJoined(pieces);
  try {
    const { image, pcr11 } = measureUki(file, { name });
    return { pcr4Event: image, pcr11 };
  } finally {
    file.close?.();
  }
}
