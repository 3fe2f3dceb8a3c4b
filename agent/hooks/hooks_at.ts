import type { Hook, HookMoment } from "#contract/api/hooks.ts";

/** The order's hooks for one moment, in their order. */
export function hooksAt(
  when: HookMoment,
  { hooks = [] }: { readonly hooks?: readonly Hook[] | undefined },
): Hook[] {
  return hooks.filter((hook) => hook.when === when);
}
