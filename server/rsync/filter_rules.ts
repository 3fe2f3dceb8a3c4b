/** Include and exclude rules that a client sends (rsync's exclude.c), as far as they can match plain names. */
import { EXIT, quoted, Refusal } from "./refusal.ts";
import { matchesWildcard } from "#contract/wildcard.ts";

export interface FilterRule {
  readonly include: boolean;
  /** Undefined if the rule cannot match, since the module has no folders. */
  readonly pattern: string | undefined;
}

/**
 * Parses "- PATTERN" and "+ PATTERN"; since protocol 29 `p` or `s` may follow the sign, and before that a bare pattern
 * excludes. Throws Refusal for rules that we do not fully support, since obeying them in part would be wrong.
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

/** The first rule that matches decides. A name that no rule matches passes. */
export function passes(name: string, rules: readonly FilterRule[]): boolean {
  const first = rules.find(({ pattern }) => pattern !== undefined && matchesWildcard(name, pattern));
  return first?.include ?? true;
}

function refused(text: string): Refusal {
  return new Refusal(`ERROR: the filter rule ${quoted(text)} is not supported here`, EXIT.unsupported);
}
