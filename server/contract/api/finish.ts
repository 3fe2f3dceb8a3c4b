/** How a node gets from the installer into its own system. */
import { z } from "zod";

/** How an installed node gets into its own system: by the firmware, or straight from the installer (kexec). */
export const Finish = z.enum(["reboot", "kexec"]);
export type Finish = z.infer<typeof Finish>;
