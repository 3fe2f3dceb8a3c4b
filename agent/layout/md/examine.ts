/** Parses what `mdadm --examine` prints about a member of an MD array. Pure. */

export interface MdMember {
  /** As mdadm prints it: "3aaa0122:29827cfa:5331ad66:ca767371". */
  readonly uuid: string;
  readonly level: string;
  /** Slot of an active device; undefined for a spare or a journal. */
  readonly slot: number | undefined;
}

/** Undefined if this is not a member of an array with a superblock of version 1 or 0.90. */
export function parseMdExamine(text: string): MdMember | undefined {
  const field = (name: string) => new RegExp(`^\\s*${name} : (.*)$`, "m").exec(text)?.[1]?.trim();
  const uuid = field("(?:Array )?UUID")?.split(" ")[0], level = field("Raid Level");
  if (uuid === undefined || level === undefined || !/^[0-9a-f]{8}(:[0-9a-f]{8}){3}$/.test(uuid)) {
    return undefined;
  }
  const slot = /^Active device (\d+)$/.exec(field("Device Role") ?? "")?.[1];
  return {
    uuid,
    level,
    slot: slot === undefined ? undefined : Number(slot),
  };
}
