/** Scopes and moments of hooks in words. */
import type { HookMoment } from "#contract/api/hooks.ts";
import { t } from "./messages.ts";

/** In the order in which they come. */
export const MOMENTS = [
  "pre-capture",
  "post-capture",
  "pre-install",
  "post-install",
  "first-boot",
] as const satisfies readonly HookMoment[];
const MOMENT_KEYS = {
  "pre-capture": "preCapture",
  "post-capture": "postCapture",
  "pre-install": "preInstall",
  "post-install": "postInstall",
  "first-boot": "firstBoot",
} as const;

export function momentText(when: HookMoment): string {
  return t(MOMENT_KEYS[when]);
}

export type Owner = "all" | "image" | "group" | "node";

/** "image:web" → image, web. */
export function ownerOf(scope: string): { owner: Owner; name: string } {
  const [owner = "all", ...rest] = scope.split(":");
  return { owner: owner as Owner, name: rest.join(":") };
}

export function scopeText(scope: string): string {
  const { owner, name } = ownerOf(scope);
  return owner === "all" ? t("all") : t(owner, { name });
}
