/** Reads crypttab(5): which volumes a system opens, under which names. Pure. */

export interface CrypttabEntry {
  readonly name: string;
  /** "UUID=…", "/dev/sda3" */
  readonly device: string;
  /** Undefined if a person or a token opens it. */
  readonly keyFile: string | undefined;
  readonly options: readonly string[];
}

/**
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const [swap] = parseCrypttab("cryptswap /dev/sda3 /dev/urandom swap,cipher=aes-xts-plain64\n");
 * assert.deepEqual([swap?.name, swap?.keyFile, swap?.options[0]], ["cryptswap", "/dev/urandom", "swap"]);
 * ```
 */
export function parseCrypttab(text: string): CrypttabEntry[] {
  return text.split("\n").flatMap((line) => {
    const [name = "", device = "", key = "none", options = ""] = line.replace(/^\s*#.*/, "").trim().split(
      /\s+/,
    );
    if (name === "" || device === "") return [];
    return [{
      name,
      device,
      keyFile: key === "none" || key === "-" || key === "" ? undefined : key,
      options: options.split(",").filter((option) => option !== ""),
    }];
  });
}

/** The name that the system gives to the LUKS volume with this UUID. */
export function nameInCrypttab(uuid: string, crypttab: readonly CrypttabEntry[]): string | undefined {
  const wanted = uuid.toLowerCase();
  return crypttab.find(({ device }) =>
    device.replace(/^(UUID=|\/dev\/disk\/by-uuid\/)/i, "").replace(/^"(.*)"$/, "$1").toLowerCase() === wanted
  )?.name;
}
