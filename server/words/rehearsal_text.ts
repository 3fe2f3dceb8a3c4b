/** Probes and verdicts as text. */
import type { Probe, RehearsalView, Verdict } from "#contract/api/rehearsals.ts";
import { formatSeconds, formatTime } from "./figures.ts";

/** "login", "console:TEXT", "tcp:22", "http:8080/health=200": undefined if it is none of them. */
export function parseProbe(text: string): Probe | undefined {
  if (text === "login") return { type: "login" };
  if (/^console:./.test(text)) return { type: "console", text: text.slice("console:".length) };
  const tcp = /^tcp:(\d{1,5})$/.exec(text);
  if (tcp) return port(tcp[1], (port) => ({ type: "tcp", port }));
  const http = /^http:(\d{1,5})(\/[^\s=]*)?(?:=([1-5]\d\d))?$/.exec(text);
  if (!http) return undefined;
  const [, number, path, status] = http;
  return port(number, (port) => ({
    type: "http",
    port,
    ...(path !== undefined && { path }),
    ...(status !== undefined && { status: Number(status) }),
  }));
}

function port(text: string | undefined, make: (port: number) => Probe): Probe | undefined {
  const number = Number(text);
  return number >= 1 && number <= 65_535 ? make(number) : undefined;
}

/** As `parseProbe` reads it. */
export function probeText(probe: Probe): string {
  switch (probe.type) {
    case "login":
      return "login";
    case "console":
      return `console:${probe.text}`;
    case "tcp":
      return `tcp:${probe.port}`;
    case "http":
      return `http:${probe.port}${probe.path ?? ""}${probe.status === undefined ? "" : `=${probe.status}`}`;
  }
}

/** "proved on 2026-06-30 12:00 in 2m by ann (UEFI)" */
export function verdictText({ state, ended, seconds, by, firmware }: Verdict): string {
  return `${state} on ${formatTime(ended)} after ${
    formatSeconds(seconds)
  }, ordered by ${by} (${firmware.toUpperCase()})`;
}

/** What a rehearsal does, or how it ended, in one line. */
export function rehearsalState({ state, ahead = 0, message }: RehearsalView): string {
  if (state === "queued") return ahead === 0 ? "begins" : `waits behind ${ahead}`;
  return message === undefined ? state : `${state}: ${message}`;
}
