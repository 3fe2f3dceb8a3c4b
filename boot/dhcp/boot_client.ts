import type { Ipv4, MacAddress } from "./address.ts";

/** The kind of program that the firmware or boot program can run. */
export type Architecture =
  | "bios"
  | "uefi-ia32"
  | "uefi-x64"
  | "uefi-arm32"
  | "uefi-arm64"
  | "unknown";

/** What a DHCP request reveals about a machine that matters to its boot. */
export interface BootClient {
  readonly mac: MacAddress;
  /** SMBIOS UUID, lower case, in the byte order in which the machine's own tools print it. */
  readonly uuid?: string;
  readonly arch: Architecture;
  /** UEFI (or BIOS) HTTP boot: its boot file is a URL. */
  readonly http: boolean;
  /** The request comes from iPXE, so no other boot program is needed. */
  readonly ipxe: boolean;
  /** Network boot firmware or iPXE; false for an operating system that only needs an address. */
  readonly pxe: boolean;
}

/** The file that a client is told to load. */
export interface BootAnswer {
  /** A TFTP name, or a URL for an HTTP client and for iPXE. */
  readonly file: string;
  /** The TFTP server, if it is not this one. */
  readonly nextServer?: Ipv4;
  /** For iPXE: no proxyDHCP server adds to this answer, so there is none to wait for. */
  readonly noProxyDhcp?: boolean;
}

/** Option 93, by RFC 4578 §2.1 and IANA's registry. 7 and 9 both mean x64: RFC 4578's text had them swapped. */
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

/** Whether a code of option 93 means HTTP boot (15 to 20). */
export function isHttpArchitecture(code: number): boolean {
  return code >= 15 && code <= 20;
}
