import type { UserView } from "#contract/api/access.ts";

/** How a user logs in, in words. */
export function describeLogin({ hasPassword, signsOn, isRefused }: UserView): string {
  if (isRefused) return "refused";
  if (signsOn) return "single sign-on";
  return hasPassword ? "password" : "no password yet";
}
