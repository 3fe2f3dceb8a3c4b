import { btrfs } from "./btrfs.ts";
import { data } from "./data.ts";
import type { LabLayout } from "./layout.ts";
import { luks } from "./luks.ts";
import { raid } from "./raid.ts";
import { rhel } from "./rhel.ts";
import { ubuntu } from "./ubuntu.ts";

/** `lab --layout NAME` */
export const layouts: Readonly<Record<string, LabLayout>> = { raid, rhel, btrfs, luks, ubuntu, data };
