import type { FuzzedDecoder } from "./decoder.ts";
import { decoders as hardware } from "./hardware.ts";
import { decoders as http } from "./http.ts";
import { decoders as image } from "./image.ts";
import { decoders as machine } from "./machine.ts";
import { decoders as netboot } from "./netboot.ts";
import { decoders as oldDisk } from "./old_disk.ts";
import { decoders as rsync } from "./rsync.ts";
import { decoders as torrent } from "./torrent.ts";
import { decoders as tpm } from "./tpm.ts";
import { decoders as volumes } from "./volumes.ts";

/** Every decoder of data from the network, disks and images. */
export const decoders: readonly FuzzedDecoder[] = [
  ...netboot,
  ...torrent,
  ...rsync,
  ...http,
  ...oldDisk,
  ...machine,
  ...hardware,
  ...volumes,
  ...tpm,
  ...image,
];
