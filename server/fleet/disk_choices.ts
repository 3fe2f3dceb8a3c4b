import type { DiskChoices } from "#contract/api.ts";
import { present } from "./present.ts";

/** The part of a node's settings that says which disks may be written. */
export function diskChoices({ disks, leaveDisks, dataDisks, mirror }: DiskChoices): DiskChoices {
  return {
    ...present("disks", disks),
    ...present("leaveDisks", leaveDisks),
    ...present("dataDisks", dataDisks),
    ...present("mirror", mirror),
  };
}
