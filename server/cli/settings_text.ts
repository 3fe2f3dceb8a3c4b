/** Settings as the text of a file, each with its description. */
import { stringify } from "yaml";
import type { EffectiveSetting } from "./setting_sources.ts";
import { settingOf } from "./settings.ts";

const HEADER = `# Settings of the Rackseed server. \`rackseed config check\` checks this file.
# Environment variables (RACKSEED_HTTP_PORT) and flags (--http-port) come before it.
# Apply a change by: systemctl reload rackseed. The log names what needs a restart.
`;

/** Settings that nothing sets are comments. */
export function settingsAsFile(settings: readonly EffectiveSetting[]): string {
  const parts = settings.map(({ name, texts, from }) => {
    const { description, argument, choices, many } = settingOf(name);
    const about = choices === undefined ? description : `${description}: ${choices.join(", ")}`;
    const value = texts.length === 0 ? argument ?? "" : scalar(many ? texts : texts[0] ?? "");
    return `\n# ${about}\n${from === "default" ? "#" : ""}${name}: ${value}\n`;
  });
  return HEADER + parts.join("");
}

/** Quoted only where the file's schema needs it: there, every scalar is text. */
function scalar(value: string | readonly string[]): string {
  return stringify(value, { schema: "failsafe", version: "1.2", collectionStyle: "flow", lineWidth: 0 })
    .trimEnd();
}
