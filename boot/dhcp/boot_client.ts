import type { Ipv4, MacAddress } from "./address.ts";

/** What the firmware or the boot program can run. */
export type Architecture =
  | "bios"
  | "uefi-ia32"
  | "uefi-x64"
  | "uefi-arm32"
  | "uefi-arm64"
  | "unknown";

/** A machine that asks by DHCP, as far as choosing what it boots needs to know it. */
export interface BootClient {
  readonly mac: MacAddress;
  /** SMBIOS UUID, lower case, in the order in which the machine's own tools print it. */
  readonly uuid?: string;
  readonly arch: Architecture;
  /** UEFI (or BIOS) HTTP boot: the file it is told is a URL. */
  readonly http: boolean;
  /** It is iPXE that asks, so it needs no other boot program. */
  readonly ipxe: boolean;
  /** Network boot firmware or iPXE; false for an operating system that only wants an address. */
  readonly pxe: boolean;
}

/** What a client is told to load. */
export interface BootAnswer {
  /** A TFTP name; for an HTTP client, and for iPXE where wanted, a URL. */
  readonly file: string;
  /** The TFTP server, where it is not this one. */
  readonly nextServer?: Ipv4;
}

/** Option 93 by RFC 4578 §2.1 and IANA's registry. 9 stands for x64: RFC 4578's text had 7 and 9 swapped. */
export function architectureOf(code: number): Architecture {
  switch (code) {
    case 0:
    case 20:
      return "bios";
    case 6:
    case 15:
      return "uefi-ia32";
    case 7:
    case 9:
    case 16:
    case 17:
      return "uefi-x64";
    case 10:
    case 18:
      return "uefi-arm32";
    case 11:
    case 19:
      return "uefi-arm64";
    default:
      return "unknown";
  }
}

/** Whether option 93's code means HTTP boot (15 to 20). */
export function isHttpArchitecture(code: number): boolean {
  return code >= 15 && code <= 20;
}
