/** Boot entries in the firmware's variables, made with the image's own efibootmgr(8). */
import { bootOrderAfter, type EfiBoot, labelOf, parseEfiBoot } from "./efi_boot_order.ts";
import { entryName } from "./grub.ts";
import { type BootLoaderOptions, inClone } from "./in_clone.ts";
import { hasProgram } from "../../tree/programs.ts";

export class FirmwareEntries {
  readonly #options: BootLoaderOptions;
  readonly #before: EfiBoot;

  private constructor(options: BootLoaderOptions, before: EfiBoot) {
    this.#options = options;
    this.#before = before;
  }

  /** Undefined if the firmware's variables are not accessible. */
  static async read(options: BootLoaderOptions): Promise<FirmwareEntries | undefined> {
    const before = await readEntries(options);
    if (before === undefined) return undefined;
    return new FirmwareEntries(options, options.byKexec ? { ...before, current: undefined } : before);
  }

  /** Adds an entry as the first, in place of an earlier one of the same name. */
  async add(
    { device, number, program, suffix }: { device: string; number: number; program: string; suffix: string },
  ): Promise<void> {
    const label = `${entryName(this.#options.distribution)}${suffix}`;
    const now = await readEntries(this.#options) ?? this.#before;
    for (const [entry, text] of now.entries) {
      if (labelOf(text) !== label) continue;
      await inClone(["efibootmgr", "--quiet", "--delete-bootnum", "--bootnum", entry], this.#options);
    }
    const path = `\\${program.replaceAll("/", "\\")}`;
    await inClone(
      [
        ...["efibootmgr", "--quiet", "--create", "--disk", device, "--part", String(number)] as const,
        ...["--label", label, "--loader", path],
      ],
      this.#options,
    );
  }

  /** Puts the entry that grub-install made before those of other disks. */
  async putFirst(): Promise<void> {
    const now = await readEntries(this.#options), label = entryName(this.#options.distribution);
    const own = now && [...now.entries].find(([, text]) => labelOf(text) === label)?.[0];
    if (!now || own === undefined || now.order[0] === own) return;
    await this.#setOrder([own, ...now.order.filter((entry) => entry !== own)]);
  }

  /** New entries come first; a network that was first becomes first again. */
  async keepNetworkFirst(): Promise<void> {
    const order = bootOrderAfter(this.#before, await readEntries(this.#options) ?? this.#before);
    if (order) await this.#setOrder(order);
  }

  async #setOrder(order: readonly string[]): Promise<void> {
    await inClone(["efibootmgr", "--quiet", "--bootorder", order.join(",")], this.#options);
  }
}

async function readEntries(options: BootLoaderOptions): Promise<EfiBoot | undefined> {
  if (!await hasProgram(options.clone, "efibootmgr")) return undefined;
  const { code, stdout } = await inClone(["efibootmgr"], { ...options, accept: [0, 1, 2] });
  return code === 0 ? parseEfiBoot(stdout) : undefined;
}
