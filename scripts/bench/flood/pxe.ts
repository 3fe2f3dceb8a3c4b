import { OPTION } from "../../../boot/dhcp/options.ts";

/** Options by which a machine with BIOS asks to boot from the network (RFC 4578). */
export const PXE: readonly (readonly [number, Uint8Array])[] = [
  [OPTION.vendorClass, new TextEncoder().encode("PXEClient:Arch:00000:UNDI:002001")],
  [OPTION.clientArchitecture, Uint8Array.of(0, 0)],
  [OPTION.parameterList, Uint8Array.of(OPTION.subnetMask, OPTION.router, OPTION.bootFile)],
];
