/**
 * What a call of the API takes and answers. The tables of calls in this folder are the API's only description: the
 * client (client.ts) takes its types from them, and the server makes its OpenAPI document out of them
 * (web/openapi/).
 */
import { z } from "zod";

/** A body that is not one JSON value. */
export interface Media {
  readonly media: string;
  /** In one sentence. */
  readonly about: string;
  /** Each of its lines, or of its events, is such a JSON value. */
  readonly line?: z.ZodType;
}

/** The key of a table: method and path as Hono writes it, "GET /nodes/:node". */
export interface Call {
  /** What it does, in one sentence. */
  readonly summary: string;
  /** What a caller has to know beyond that, in whole sentences. */
  readonly about?: string;
  /** Path parameters that must have a form; any other is text. */
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  /** Absent: the call has none, and a body that comes is not read. */
  readonly body?: z.ZodType | Media;
  /** The answer is a page of a list; its Link header leads to the next one. */
  readonly isPaged?: true;
  /** What it shows or changes has an ETag, that of its settings; a change may demand one with If-Match. */
  readonly isTagged?: true;
  /** It orders work, and takes an Idempotency-Key: a repeated order is answered and not carried out again. */
  readonly isOrder?: true;
  /** Absent: 204, without a body. */
  readonly answer?: z.ZodType | Media;
  /** It may also answer so, for instance 204 instead of an answer, or 206 with a part of it. */
  readonly also?: Readonly<Record<number, string>>;
  /** Statuses of its problems, beyond those that follow from parameters, body and access. */
  readonly errors?: readonly number[];
}

/** For `satisfies`, which checks the entries of a table and keeps their exact types. */
export type Calls = Readonly<Record<`${"GET" | "POST" | "PUT" | "DELETE"} /${string}`, Call>>;

/** A parameter in a path as Hono writes it: ":node", or ":file{vmlinuz|initramfs}" with what it may be. */
export const PARAMETER = /:(\w+)(?:\{([^}]*)\})?/g;

export function isMedia(body: z.ZodType | Media): body is Media {
  return "media" in body;
}

export const bytes = (about: string): Media => ({ media: "application/octet-stream", about });
export const tar = (about: string): Media => ({ media: "application/x-tar", about });
export const lines = <T extends z.ZodType>(line: T, about: string): Media => ({
  media: "application/x-ndjson",
  about,
  line,
});
