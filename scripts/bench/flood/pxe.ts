import { OPTION } from "../../../boot/dhcp/options.ts";

/** The options of a BIOS machine that boots from the network (RFC 4578). */
export const PXE: readonly (readonly [number, Uint8Array])[] = [
  [OPTION.vendorClass, new TextEncoder().encode("PXEClient:Arch:00000:UNDI:002001")],
  [OPTION.clientArchitecture, Uint8Array.of(0, 0)],
  [OPTION.parameterList, Uint8Array.of(OPTION.subnetMask, OPTION.router, OPTION.bootFile)],
];
