/** Answers errors as RFC 9457 problems. Internal errors are logged here and answered in general terms. */
import { getLogger } from "@logtape/logtape";
import type { Context } from "hono";
import { z } from "zod";
import { firstError, messageOf, type Problem, RackseedError } from "#contract/errors.ts";
import { diskFull, isDiskFull } from "../store/store_error.ts";

const log = getLogger(["rackseed", "web"]);

function problemResponse(problem: Problem): Response {
  return new Response(`${JSON.stringify({ type: "about:blank", ...problem })}\n`, {
    status: problem.status,
    headers: { "content-type": "application/problem+json", "cache-control": "no-store" },
  });
}

export function answerError(thrown: unknown, { req }: Context): Response {
  const error = firstError(thrown);
  const call = `${req.method} ${req.path}`;
  if (error instanceof RackseedError) {
    if (error.status >= 500) log.error("request-failed", { call, error: error.message });
    return problemResponse(error.toProblem());
  }
  if (error instanceof z.ZodError) {
    return problemResponse({
      title: `cannot understand ${call}`,
      status: 400,
      detail: z.prettifyError(error).slice(0, 4000),
      remedy: "use the same version of rackseed on both sides (`rackseed version`).",
    });
  }
  if (error instanceof RangeError || error instanceof SyntaxError) {
    return problemResponse({
      title: `cannot understand ${call}`,
      status: 400,
      detail: error.message.slice(0, 4000),
      remedy: "send what the API documentation describes.",
    });
  }
  log.error("request-failed", { call, error: messageOf(thrown) });
  if (isDiskFull(error)) return problemResponse(diskFull(`${call} failed`).toProblem());
  return problemResponse({
    title: `${call} failed`,
    status: 500,
    detail: "the server had an internal error.",
    remedy: "check the server's log.",
  });
}

export function notFound({ req }: Context): Response {
  return problemResponse({
    title: `cannot find ${req.path}`,
    status: 404,
    detail: "there is no such path.",
    remedy: "check the path; the API is below /api/v1.",
  });
}
