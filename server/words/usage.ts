import type { z } from "zod";

/** The command line is wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Parses the value; `name` is what the user calls the argument. Throws UsageError. */
export function checked<T extends z.ZodType>(schema: T, { name, value }: {
  name: string;
  value: unknown;
}): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const reasons = [...new Set(result.error.issues.map((issue) => issue.message))].join("; ");
  throw new UsageError(`${name} ${JSON.stringify(value)}: ${reasons}`);
}
