/**
 * The table names that a requested name may mean, most likely first. Firmware spells names in many ways, and shim
 * builds the name of its second stage from the folder it was loaded from and the boot entry's options
 * (rhboot/shim, generate_path_from_image_path):
 *
 *     \EFI\BOOT\\grubx64.efi     backslashes, doubled ones, folders that the table does not have
 *     undionly.kpxe<ff><ff>      trailing bytes of option 67, spaces, NULs: non-printable bytes at either end
 *     GRUBX64.EFI                upper case
 *
 * A folder name, or a name with `..` in it, means none.
 */
export function tableNames(requested: string): string[] {
  if (requested.length > MAX_LENGTH) return [];
  const text = requested.replaceAll("\\", "/").replaceAll(/^[^!-~]+|[^!-~]+$/g, "");
  const parts = text.split("/").filter((part) => part !== "" && part !== ".");
  if (text.endsWith("/") || parts.length > MAX_PARTS || parts.includes("..")) return [];
  const written = parts.map((_, at) => parts.slice(at).join("/"));
  return [...new Set([...written, ...written.map((name) => name.toLowerCase())])];
}

/** A TFTP request has at most 512 bytes. */
const MAX_LENGTH = 512;
/** Deeper than any boot file. */
const MAX_PARTS = 16;

/**
 * Names that shim and GRUB try but do not need: shim's revocations, certificates, MOK manager and fallback program,
 * and GRUB's modules, fonts and lists. These must stay "not found": shim would run any other file sent under them.
 */
export function isOptional(requested: string): boolean {
  const name = tableNames(requested).find((name) => !name.includes("/"))?.toLowerCase() ?? "";
  return /^(revocations|shim_certificate|mm|fb)[a-z0-9_]*\.efi$/.test(name) ||
    /\.(cfg|lst|mod|pf2|mo|gmo|csv|txt|png)$|^grub\.cfg-/.test(name);
}
