/** Values of settings that are no more than a word, a path or a choice. All throw InvalidArgumentError. */
import { InvalidArgumentError } from "@commander-js/extra-typings";

export function parseSwitch(text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new InvalidArgumentError("Expected true or false.");
}

export function parsePath(text: string): string {
  if (text !== "" && !text.includes("\0")) return text;
  throw new InvalidArgumentError("Expected a path.");
}

export function parseText(text: string): string {
  if (/^\S.{0,255}$/.test(text)) return text;
  throw new InvalidArgumentError("Expected 1 to 256 characters.");
}

export function parseWord(text: string): string {
  if (/^\S+$/.test(text)) return text;
  throw new InvalidArgumentError("Expected a name without spaces.");
}

export function oneOf<const T extends string>(choices: readonly T[]): (text: string) => T {
  return (text) => {
    const choice = choices.find((other) => other === text);
    if (choice !== undefined) return choice;
    throw new InvalidArgumentError(`Allowed choices are ${choices.join(", ")}.`);
  };
}
