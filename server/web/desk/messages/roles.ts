/** Roles in words. */
import type { Role } from "#contract/api/access.ts";
import { messages } from "./messages.ts";

const t = messages({
  admin: { en: "admin", de: "Admin", zh: "管理员" },
  operator: { en: "operator", de: "Operator", zh: "操作员" },
  viewer: { en: "viewer", de: "Betrachter", zh: "只读用户" },
});

export function roleText(role: Role): string {
  return t(role);
}
