/** What limits a node's installation, as people call it. */
import type { Limit } from "#contract/api/distribution.ts";

export const LIMIT_NAMES: Record<Limit, string> = { link: "link", disk: "disk", cpu: "processor" };
