/** Who may do what: roles, users, and their tokens. */
import { z } from "zod";

/** From the least to the most. */
const ROLES = ["viewer", "operator", "admin"] as const;
export const Role = z.enum(ROLES);
export type Role = z.infer<typeof Role>;
