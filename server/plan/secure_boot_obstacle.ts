/** Whether a firmware with Secure Boot would start the clone, and what the server has to sign for that. Pure. */
import {
  type BootProgram,
  type FirmwareTrust,
  type Forbidden,
  refusedPrograms,
  signersOf,
  type TrustAnchor,
} from "#contract/format/boot_program.ts";
import type { Obstacle } from "./obstacle.ts";

export interface SecureStart {
  /** Undefined if the firmware does not tell. */
  readonly trust: FirmwareTrust | undefined;
  /** What dbx forbids; only the machine itself knows. */
  readonly forbidden?: Forbidden;
  /** The certificate of the key by which the server signs clones' programs; undefined: it does not. */
  readonly signs?: TrustAnchor | undefined;
  /** Shim will ask a person to trust that certificate. */
  readonly requestsMok?: boolean | undefined;
}

/** `sign`: programs that start once the server has signed them. */
type Judgement =
  | { readonly obstacle: Obstacle }
  | { readonly obstacle?: undefined; readonly sign: readonly BootProgram[] };

/**
 * @example Nobody signed the loader, and the firmware knows the site's key alone
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const hash = "0".repeat(64), site = { name: "site", certificate: hash, subject: hash };
 * const loader = { path: "/efi/EFI/BOOT/BOOTX64.EFI", checkedBy: "firmware" as const, digest: hash, signatures: [] };
 * const trust = { state: "on" as const, db: [site] };
 * assert.match(judgeStart([loader], { trust }).obstacle?.reason ?? "", /would refuse .*BOOTX64.EFI \(nobody signed it\)/);
 * assert.deepEqual(judgeStart([loader], { trust, signs: site }), { sign: [loader] });
 * ```
 */
export function judgeStart(
  programs: readonly BootProgram[],
  { trust, forbidden, signs, requestsMok = false }: SecureStart,
): Judgement {
  const refused = trust === undefined ? [] : refusedPrograms(programs, trust, forbidden);
  const has = (anchors: readonly TrustAnchor[] = []) =>
    signs !== undefined && anchors.some(({ certificate }) => certificate === signs.certificate);
  const inDb = has(trust?.db), inMok = has(trust?.mok) || (signs !== undefined && requestsMok);
  const canSign = ({ checkedBy }: BootProgram) => inDb || (checkedBy === "shim" && inMok);
  const hopeless = refused.find(({ digest }) => forbidden?.has(digest)) ??
    refused.find(({ needsShim }) => needsShim) ?? refused.find((one) => !canSign(one));
  if (hopeless === undefined) return { sign: refused };
  const { path, checkedBy } = hopeless;
  const knows = (trust?.db ?? []).map(({ name }) => name).slice(0, 6).join(", ") || "no certificate";
  return {
    obstacle: {
      reason: `Secure Boot is on, and the machine's ${checkedBy} would refuse ${path} (${
        signersOf(hopeless)
      }); its firmware trusts ${knows}.`,
      remedy: remedyOf(hopeless, forbidden),
    },
  };
}

function remedyOf({ digest, needsShim, checkedBy }: BootProgram, forbidden: Forbidden | undefined): string {
  if (forbidden?.has(digest)) {
    return "its dbx forbids this very program: update shim or the loader on the template, and capture it again.";
  }
  if (needsShim) {
    return "GRUB starts a kernel under Secure Boot only behind shim: install shim-signed and " +
      "grub-efi-amd64-signed (RHEL: shim-x64, grub2-efi-x64) on the template, and capture it again.";
  }
  return checkedBy === "shim"
    ? "install a signed one on the template and capture it again; or let the server sign it and shim trust the " +
      "site's certificate: `rackseed server --sign-disks --request-mok`."
    : "let the server sign it (`rackseed server --sign-disks`, if the firmware has the site's certificate), add " +
      "its signer's certificate to db, or switch Secure Boot off.";
}

/** What a plan says of it, if it is no obstacle. */
export function startNotes(programs: readonly BootProgram[] | undefined, start: SecureStart): string[] {
  if (start.trust?.state !== "on") return [];
  if (programs === undefined) {
    return [
      "Secure Boot is on, and this version does not tell who signed its boot loader: capture it again to know " +
      "before the installation whether it starts",
    ];
  }
  const judged = judgeStart(programs, start);
  if (judged.obstacle !== undefined) return [];
  const { sign } = judged;
  return sign.length === 0 ? [] : [
    `Secure Boot: the server signs ${sign.map(({ path }) => path).join(", ")} with the site's key`,
  ];
}
