import type { z } from "zod";

/** Counts the uses of a schema's `parse`. */
export function spyOn(schema: z.ZodType): Disposable & { readonly uses: number } {
  const original = schema.parse;
  let uses = 0;
  const set = (parse: typeof original) =>
    Object.defineProperty(schema, "parse", { value: parse, configurable: true, writable: true });
  set((...args) => {
    uses++;
    return original.apply(schema, args);
  });
  return {
    get uses() {
      return uses;
    },
    [Symbol.dispose]: () => void set(original),
  };
}
