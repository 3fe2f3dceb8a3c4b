/** Include and exclude rules that a client sends (exclude.c of rsync), as far as they can concern plain names. */
import { EXIT, quoted, Refusal } from "./refusal.ts";
import { matchesWildcard } from "#contract/wildcard.ts";

export interface FilterRule {
  readonly include: boolean;
  /** Undefined: it cannot match a file of a module without folders. */
  readonly pattern: string | undefined;
}

/**
 * "- PATTERN" and "+ PATTERN", since protocol 29 with `p` or `s` behind the sign; before it a pattern alone is
 * excluded. Throws Refusal for rules that would have to be understood in full to be obeyed.
 */
export function parseFilterRule(text: string, { protocol }: { protocol: number }): FilterRule {
  const [, sign, pattern] = /^([+-])[ps]* (.+)$/s.exec(text) ?? [];
  if (pattern === undefined && protocol < 29 && text !== "!") return ruleOf(true, text);
  if (pattern === undefined) throw refused(text);
  return ruleOf(sign === "-", pattern);

  function ruleOf(exclude: boolean, pattern: string): FilterRule {
    const name = pattern.replace(/^\//, "");
    if (name.includes("[") || (name.includes("**") && name.includes("/"))) throw refused(text);
    return { include: !exclude, pattern: name.includes("/") ? undefined : name };
  }
}

/** The first rule that matches decides; without one a name is served. */
export function passes(name: string, rules: readonly FilterRule[]): boolean {
  const first = rules.find(({ pattern }) => pattern !== undefined && matchesWildcard(name, pattern));
  return first?.include ?? true;
}

function refused(text: string): Refusal {
  return new Refusal(`ERROR: the filter rule ${quoted(text)} is not served here`, EXIT.unsupported);
}
