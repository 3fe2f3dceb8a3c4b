/** What a machine's TPM has recorded if it booted a version's signed image, for comparison with its quote. */
import { ARCHITECTURE_NAMES } from "#contract/architectures.ts";
import { RackseedError } from "#contract/errors.ts";
import type { BootFile } from "../../boot/boot_file.ts";
import { fileOfBytes } from "../../boot/tftp/tftp_file.ts";
import { authenticodeDigest } from "../../boot/uki/authenticode.ts";
import { measureUki } from "../../boot/uki/measure.ts";
import { efiNames, readBootProgram } from "../../boot/programs/programs.ts";

/** SHA-256 in hexadecimal; see fleet/attestation/judge_boot.ts. */
interface MeasuredBoot {
  readonly programs: readonly string[];
  readonly image: string;
  readonly kernel: string;
  readonly pcr11: string;
}

interface MeasuredBootSources {
  /** The version's signed image, as it is served; undefined if there is none. The caller closes it. */
  readonly image: (ref: string) => BootFile | undefined;
  readonly now: () => number;
}

/** Programs that may load the signed image, and that firmware measures as well. What they load, it measures too. */
const LOADERS = ["snponly.efi", "ipxe.efi", ...ARCHITECTURE_NAMES.map((name) => efiNames(name).shim)];
/** Measuring takes 0.2 s, in which nothing else is done, and many machines may ask within a minute. */
const KEPT_MS = 60_000;

export class MeasuredBoots {
  readonly #sources: MeasuredBootSources;
  readonly #known = new Map<string, { readonly measured: Promise<MeasuredBoot>; readonly atMs: number }>();
  #programs: Promise<string[]> | undefined;

  constructor(sources: MeasuredBootSources) {
    this.#sources = sources;
  }

  /** `ref`: NAME@VERSION. Throws RackseedError (409) if the version has no signed image. */
  of(ref: string): Promise<MeasuredBoot> {
    const nowMs = this.#sources.now();
    for (const [name, { atMs }] of this.#known) if (nowMs - atMs >= KEPT_MS) this.#known.delete(name);
    const known = this.#known.get(ref)?.measured;
    if (known) return known;
    const measured = this.#measure(ref);
    this.#known.set(ref, { measured, atMs: nowMs });
    measured.catch(() => this.#known.delete(ref));
    return measured;
  }

  async #measure(ref: string): Promise<MeasuredBoot> {
    const file = this.#sources.image(ref);
    if (file === undefined) {
      throw new RackseedError(`cannot say what a machine measures that boots ${ref}`, {
        reason:
          "this server has no signed image of it, and nothing else of a network boot is measured as a whole.",
        remedy:
          "start the server with --signed-images on; `rackseed image show` says whether the version boots nodes.",
        status: 409,
      });
    }
    try {
      const { image, kernel, pcr11 } = measureUki(file, { name: `the signed image of ${ref}` });
      return { programs: await (this.#programs ??= digestsOf(LOADERS)), image, kernel, pcr11 };
    } finally {
      file.close?.();
    }
  }
}

async function digestsOf(names: readonly string[]): Promise<string[]> {
  return await Promise.all(names.map(async (name) => {
    const digest = authenticodeDigest(fileOfBytes(await readBootProgram(name)), { name });
    return Buffer.from(digest).toString("hex");
  }));
}
