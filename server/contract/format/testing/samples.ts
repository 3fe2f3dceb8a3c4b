/** Parts of a version's header, for tests to vary. */
import type { DiskLayout } from "../layout.ts";
import type { Header, Source } from "../manifest.ts";
import type { Encrypted } from "../volumes.ts";

export const SOURCE: Source = {
  hostname: "web",
  distribution: "debian",
  release: "12",
  description: "Debian",
  architecture: "x86_64",
  firmware: "bios",
  kernel: "6.1.0-9-amd64",
  kernels: [],
};

/** Of the image "web", without content. */
export function headerWith(
  layout: DiskLayout,
  { firmware = "bios", ...more }: Partial<Header> & { firmware?: "bios" | "uefi" } = {},
): Header {
  return {
    format: "rackseed-manifest",
    formatVersion: 1,
    image: "web",
    version: 1,
    created: "2026-01-01T00:00:00Z",
    source: { ...SOURCE, firmware },
    layout,
    excludes: [],
    notes: [],
    totals: { entries: 100, files: 100, fileBytes: 0, extentBytes: 0, sealedBytes: 0 },
    packs: [],
    frames: 0,
    ...more,
  };
}

export const LUKS_UUID = "4c1f2a3b-5d6e-4f70-8192-a3b4c5d6e7f8";

/** LUKS2, as cryptsetup makes it by default. */
export function luksVolume(
  name: string,
  { on, ...more }: Partial<Encrypted> & Pick<Encrypted, "on">,
): Encrypted {
  return {
    name,
    on,
    version: 2,
    uuid: LUKS_UUID,
    cipher: "aes-xts-plain64",
    keyBits: 512,
    sectorBytes: 512,
    flags: [],
    opensWith: ["passphrase"],
    sizeBytes: 1e9,
    ...more,
  };
}
