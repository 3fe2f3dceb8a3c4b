/**
 * The names under which the table may hold what a client asks for, the likeliest first. Firmware writes names in
 * many ways, and shim makes its second stage's name out of the folder it came from and the boot entry's options
 * (rhboot/shim, generate_path_from_image_path):
 *
 *     \EFI\BOOT\\grubx64.efi     backslashes, doubled ones, folders that this table does not have
 *     undionly.kpxe<ff><ff>      bytes behind option 67, spaces, NULs: whatever is no printable ASCII at either end
 *     GRUBX64.EFI                upper case
 *
 * A folder's name, and one with `..` in it, have none.
 */
export function tableNames(asked: string): string[] {
  if (asked.length > MAX_LENGTH) return [];
  const text = asked.replaceAll("\\", "/").replaceAll(/^[^!-~]+|[^!-~]+$/g, "");
  const parts = text.split("/").filter((part) => part !== "" && part !== ".");
  if (text.endsWith("/") || parts.length > MAX_PARTS || parts.includes("..")) return [];
  const written = parts.map((_, at) => parts.slice(at).join("/"));
  return [...new Set([...written, ...written.map((name) => name.toLowerCase())])];
}

/** A TFTP request has 512 bytes. */
const MAX_LENGTH = 512;
/** Deeper than any folder of a boot file. */
const MAX_PARTS = 16;

/**
 * Names that shim and GRUB try, and do well without: shim's revocations, certificates, MOK manager and fallback
 * program, and GRUB's modules, fonts and lists. A shim that was given something else under them would run it.
 */
export function isOptional(asked: string): boolean {
  const name = tableNames(asked).find((name) => !name.includes("/"))?.toLowerCase() ?? "";
  return /^(revocations|shim_certificate|mm|fb)[a-z0-9_]*\.efi$/.test(name) ||
    /\.(cfg|lst|mod|pf2|mo|gmo|csv|txt|png)$|^grub\.cfg-/.test(name);
}
