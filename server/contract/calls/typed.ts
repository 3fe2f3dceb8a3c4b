/** The types of a call by its name, out of the tables. */
import type { z } from "zod";
import type { CallName, CALLS } from "../calls.ts";

/** Calls whose bodies are JSON, both ways. */
export type JsonCall = {
  [K in CallName]: typeof CALLS[K] extends { body: { media: string } } | { answer: { media: string } } ? never
    : K;
}[CallName];

/** "node" of "GET /nodes/:node/plan", "file" of "GET /boot/:file{a|b}". */
type PathParameter<Path extends string> = Path extends `${string}:${infer Rest}`
  ? Rest extends `${infer Name}/${infer More}` ? Named<Name> | PathParameter<More> : Named<Rest>
  : never;
type Named<Part extends string> = Part extends `${infer Name}{${string}` ? Name : Part;

/** What a caller gives: each path parameter by its name, the query and the body if the call has them. */
export type Given<K extends CallName> =
  & Readonly<Record<PathParameter<K>, string>>
  & (typeof CALLS[K] extends { body: infer B extends z.ZodType } ? { readonly body: z.input<B> } : unknown)
  & (typeof CALLS[K] extends { query: infer Q extends z.ZodObject } ? { readonly query?: z.input<Q> }
    : unknown)
  & { readonly signal?: AbortSignal };

/** What the caller gets, checked. */
export type Answer<K extends CallName> = typeof CALLS[K] extends { answer: infer A extends z.ZodType }
  ? z.output<A>
  : undefined;
